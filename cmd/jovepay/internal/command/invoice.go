package command

import (
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) invoiceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "invoice",
		Short: "Make invoices: pages where customers pay",
		Long: `An invoice is a page of JovePay's where the customer chooses a coin and pays. The
payments made on it are found with "jovepay payment list --invoice".`,
		Example: `  jovepay invoice create 49.99 usd --order-id order-1001`,
	}
	cmd.AddCommand(c.createInvoiceCommand())
	return cmd
}

func (c *cli) createInvoiceCommand() *cobra.Command {
	var req jovepay.InvoiceRequest
	var qr when
	cmd := &cobra.Command{
		Use:   "create AMOUNT CURRENCY [COIN]",
		Short: "Make an invoice and get its address",
		Long: `Makes an invoice of AMOUNT CURRENCY and prints the address to send the customer
to. Without a COIN the customer chooses one. After paying the customer comes
back to --success-url.

A request whose answer is lost is not repeated: it ends with exit code 5,
"outcome unknown".`,
		Example: `  jovepay invoice create 49.99 usd
  jovepay invoice create 49.99 usd btc --order-id order-1001 --success-url https://shop.example/thanks
  jovepay invoice create 49.99 usd --qr always
  jovepay invoice create 49.99 usd --json`,
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: c.complete(nothing, fiats, c.coins),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, err := qr.draw(c.print)
			if err != nil {
				return err
			}
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
			return unprinted(c.showInvoice(invoice, draw), invoice.ID)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&req.OrderID, "order-id", "", "the shop's own `id` of the order")
	flags.StringVar(&req.OrderDescription, "description", "", "`text` that the customer is shown")
	flags.StringVar(&req.IPNCallbackURL, "ipn-url", "", "`URL` that notifications go to")
	flags.StringVar(&req.SuccessURL, "success-url", "", "`URL` that the customer comes back to after paying")
	flags.StringVar(&req.CancelURL, "cancel-url", "", "`URL` that the customer comes back to after giving up")
	flags.StringVar(&req.PartiallyPaidURL, "partially-paid-url", "", "`URL` that the customer comes back to after paying too little")
	flags.BoolVar(&req.FixedRate, "fixed-rate", false, "keep the rate until the payment expires")
	flags.BoolVar(&req.FeePaidByUser, "fee-paid-by-customer", false, "add the network fee to what the customer sends")
	c.qrFlag(cmd, &qr, "draw the address of the page as a QR code")
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
			output.Field{Name: "notifies", Value: invoice.IPNCallbackURL},
		)
		if qr && invoice.URL != "" {
			t.Code(invoice.URL, c.qrWidth(), c.print.Color)
		}
	})
}
