package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
)

func (c *cli) createPaymentCommand() *cobra.Command {
	var req jovepay.PaymentRequest
	var payAmount, purchase string
	var draw func() bool
	cmd := &cobra.Command{
		Use:   "create AMOUNT CURRENCY COIN",
		Short: "Create a payment and print its deposit address",
		Long: `Create a payment of AMOUNT CURRENCY in COIN and print the address to send the
coins to, on a terminal also as a QR code. If it prints a memo, the customer
must send that too, or the coins are lost.

If the response is lost, the request is not simply retried, because the customer
could pay twice. With --order-id and a login, the command searches the payment
list for the order and retries only if the payment isn't there. Otherwise the
exit code is 5, "outcome_unknown", and the ID is printed if it arrived.

--order-id does not link two runs: running the command again creates a second
payment.`,
		Example: `  jovepay payment create 49.99 usd btc
  jovepay payment create 49.99 usd xrp --order-id order-1001
  jovepay payment create 49.99 usd btc --order-id order-1001 --ipn-url http://127.0.0.1:4011/ipn
  jovepay payment create 49.99 usd btc --json`,
		Args:              cobra.ExactArgs(3),
		ValidArgsFunction: c.complete(nothing, fiats, c.coins),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if req.PriceAmount, err = amount("AMOUNT", args[0]); err != nil {
				return err
			}
			if payAmount != "" {
				if req.PayAmount, err = amount("--pay-amount", payAmount); err != nil {
					return err
				}
			}
			req.PriceCurrency, req.PayCurrency, req.PurchaseID = args[1], args[2], jovepay.ID(purchase)
			p, err := c.createPayment(cmd.Context(), req)
			if err != nil {
				return err
			}
			return printFailure(c.showPayment(p, draw()), p.ID)
		},
	}
	flags := cmd.Flags()
	orderFields{&req.OrderID, &req.OrderDescription, &req.IPNCallbackURL, &req.FixedRate, &req.FeePaidByUser}.register(flags)
	flags.StringVar(&payAmount, "pay-amount", "", "request `amount` of COIN instead of converting the price")
	flags.StringVar(&purchase, "purchase-id", "", "add the payment to purchase `id` of an earlier payment")
	flags.StringVar(&req.PayoutAddress, "payout-address", "", "pay out to `address`; requires --payout-currency")
	flags.StringVar(&req.PayoutCurrency, "payout-currency", "", "pay out in `coin`")
	flags.StringVar(&req.PayoutExtraID, "payout-memo", "", "add `memo` to the payout")
	flags.StringVar(&req.Case, "case", "", "simulate `outcome`, in JovePay's own test environment only")
	draw = c.qrFlag(cmd, "the deposit address")
	c.completeFlag(cmd, "payout-currency", c.coins)
	return cmd
}

func (c *cli) createPayment(ctx context.Context, req jovepay.PaymentRequest) (*jovepay.Payment, error) {
	client, settings, err := c.account(ctx)
	if err != nil {
		return nil, err
	}
	create := client.Payments.Create
	if req.OrderID != "" && settings.CanLogIn() {
		create = client.Payments.CreateOnce
	}
	p, err := create(ctx, req)
	return p, unknownOutcome(err, aPayment)
}
