package command

import (
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) invoiceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "invoice",
		Short: "Create invoices",
		Long: `An invoice is a page on JovePay's site where the customer chooses a coin and
pays. To list the payments of an invoice, run "jovepay payment list
--invoice-id ID".`,
		Example: `  jovepay invoice create 49.99 usd --order-id order-1001`,
	}
	cmd.AddCommand(c.createInvoiceCommand())
	return cmd
}

func (c *cli) createInvoiceCommand() *cobra.Command {
	var req jovepay.InvoiceRequest
	var draw func() bool
	cmd := &cobra.Command{
		Use:   "create AMOUNT CURRENCY [COIN]",
		Short: "Create an invoice and print the URL of its page",
		Long: `Create an invoice over AMOUNT CURRENCY and print the URL of its page, for the
customer to open. Without COIN, the customer chooses one. After paying, the
customer returns to --success-url.

If the response is lost, the request is not retried and the exit code is 5,
"outcome_unknown".`,
		Example: `  jovepay invoice create 49.99 usd
  jovepay invoice create 49.99 usd btc --order-id order-1001 --success-url https://shop.example/thanks
  jovepay invoice create 49.99 usd --qr always
  jovepay invoice create 49.99 usd --json`,
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: c.complete(nothing, fiats, c.coins),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.PriceAmount, err = amount("AMOUNT", args[0]); err != nil {
				return err
			}
			req.PriceCurrency = args[1]
			if len(args) == 3 {
				req.PayCurrency = args[2]
			}
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			invoice, err := client.Invoices.Create(cmd.Context(), req)
			if err != nil {
				return unknownOutcome(err, anInvoice)
			}
			return printFailure(c.showInvoice(invoice, draw()), invoice.ID)
		},
	}
	flags := cmd.Flags()
	orderFields{&req.OrderID, &req.OrderDescription, &req.IPNCallbackURL, &req.FixedRate, &req.FeePaidByUser}.register(flags)
	flags.StringVar(&req.SuccessURL, "success-url", "", "return the customer to `url` after paying")
	flags.StringVar(&req.CancelURL, "cancel-url", "", "return the customer to `url` after canceling")
	flags.StringVar(&req.PartiallyPaidURL, "partially-paid-url", "", "return the customer to `url` after paying too little")
	draw = c.qrFlag(cmd, "the URL of the page")
	return cmd
}

func (c *cli) showInvoice(invoice *jovepay.Invoice, qr bool) error {
	return c.print.Show(invoice, func(t *output.Text) {
		t.Fields(
			output.Field{Name: "invoice", Value: string(invoice.ID)},
			output.Field{Name: "order", Value: invoice.OrderID},
			output.Field{Name: "price", Value: output.Money(invoice.PriceAmount, invoice.PriceCurrency)},
			output.Field{Name: "coin", Value: invoice.PayCurrency},
			output.Field{Name: "page", Value: invoice.URL},
			output.Field{Name: "IPN URL", Value: invoice.IPNCallbackURL},
		)
		if qr && invoice.URL != "" {
			t.Code(invoice.URL, c.qrWidth(), c.print.Color)
		}
	})
}
