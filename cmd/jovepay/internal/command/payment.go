package command

import (
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

// paymentStatuses lists the statuses in the order of a payment's life.
func paymentStatuses() []jovepay.PaymentStatus {
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
		jovepay.PaymentPartiallyPaid, jovepay.PaymentFailed, jovepay.PaymentRefunded, jovepay.PaymentExpired, jovepay.PaymentCancelled,
		jovepay.PaymentCanceled, jovepay.PaymentWrongAssetConfirmed,
	}
}

func (c *cli) paymentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "payment",
		Short: "Create, list and watch payments",
		Long:  `A payment asks a customer to send an amount of a coin to its own address.`,
		Example: `  jovepay payment create 49.99 usd btc --order-id order-1001
  jovepay payment list`,
	}
	cmd.AddCommand(c.createPaymentCommand(), c.getPaymentCommand(), c.listPaymentsCommand(), c.watchPaymentCommand())
	return cmd
}

func (c *cli) showPayment(p *jovepay.Payment, qr bool) error {
	return c.print.Show(p, func(t *output.Text) { t.Payment(p, qr, c.qrWidth(), c.print.Color) })
}

func (c *cli) getPaymentCommand() *cobra.Command {
	var draw func() bool
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Show a payment",
		Long: `Show a payment. While it waits for coins, a terminal also shows its address as a
QR code, and a warning if the coins need a memo. With --json, amounts are exact.`,
		Example: `  jovepay payment get 5745459419
  jovepay payment get 5745459419 --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.complete(c.payments),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			p, err := client.Payments.Get(cmd.Context(), jovepay.ID(args[0]))
			if err != nil {
				return err
			}
			return c.showPayment(p, draw())
		},
	}
	draw = c.qrFlag(cmd, "the deposit address")
	return cmd
}
