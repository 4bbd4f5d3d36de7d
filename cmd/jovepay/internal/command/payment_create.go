package command

import (
	"bytes"
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

func (c *cli) createPaymentCommand() *cobra.Command {
	var req jovepay.PaymentRequest
	var payAmount, purchase string
	var qr when
	cmd := &cobra.Command{
		Use:   "create AMOUNT CURRENCY COIN",
		Short: "Make a payment and get its deposit address",
		Long: `Makes a payment of AMOUNT CURRENCY, to be paid in COIN, and prints the address
to send the coins to, on a terminal also as a QR code. If a memo is shown, the
customer has to send it too, or the coins are lost.

A request whose answer is lost is not simply repeated: the customer could pay
twice. With --order-id, and e-mail and password among the settings, the command
looks for the order in the payment list until it knows, and makes the payment
once. Without them it ends with exit code 5, "outcome unknown", and prints the
id if the answer still had it. --order-id is about one call: called again, the
command makes another payment.`,
		Example: `  jovepay payment create 49.99 usd btc
  jovepay payment create 49.99 usd xrp --order-id order-1001
  jovepay payment create 49.99 usd btc --order-id order-1001 --ipn-url http://127.0.0.1:4011/ipn
  jovepay payment create 49.99 usd btc --json`,
		Args:              cobra.ExactArgs(3),
		ValidArgsFunction: c.complete(nothing, fiats, c.coins),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, err := qr.draw(c.print)
			if err != nil {
				return err
			}
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
			return unprinted(c.showPayment(p, draw), p.ID)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&req.OrderID, "order-id", "", "the shop's own `id` of the order")
	flags.StringVar(&req.OrderDescription, "description", "", "`text` that the customer is shown")
	flags.StringVar(&req.IPNCallbackURL, "ipn-url", "", "`URL` that notifications go to")
	flags.StringVar(&payAmount, "pay-amount", "", "`amount` of coins to ask for, instead of converting the price")
	flags.StringVar(&purchase, "purchase-id", "", "`id` of an earlier payment's purchase, to pay the same one")
	flags.StringVar(&req.PayoutAddress, "payout-address", "", "pay out to this `address`")
	flags.StringVar(&req.PayoutCurrency, "payout-currency", "", "`coin` to pay out, needed with --payout-address")
	flags.StringVar(&req.PayoutExtraID, "payout-memo", "", "`memo` of --payout-address")
	flags.BoolVar(&req.FixedRate, "fixed-rate", false, "keep the rate until the payment expires")
	flags.BoolVar(&req.FeePaidByUser, "fee-paid-by-customer", false, "add the network fee to what the customer sends")
	flags.StringVar(&req.Case, "case", "", "`outcome` to play, in JovePay's own test environment only")
	c.qrFlag(cmd, &qr, "draw the address as a QR code")
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

// unprinted adds to a failure to print what was just made that it was made, and
// its id: the answer is lost as if the network had lost it.
func unprinted(err error, id jovepay.ID) error {
	if err == nil {
		return nil
	}
	told := fail.With(fail.OutcomeUnknown, "It was made, and could not be printed. Do not repeat the command.", err)
	told.ID = id
	return told
}

// making is what a request makes, named by the member of the answer that has
// its id.
type making string

const (
	aPayment  making = "payment_id"
	anInvoice making = "id"
)

// lost says what to do if the answer is lost.
func (m making) lost() string {
	if m == anInvoice {
		return "It may have been made, and no list has an invoice that nobody has paid on. If you make another, give the customer the page of that one alone."
	}
	return "It may have been made. Do not simply repeat the command: look first, with \"jovepay payment list\"."
}

// unknownOutcome adds to an error what is known of a thing that may have been
// made: its id, if the answer has it.
func unknownOutcome(err error, made making) error {
	if !errors.Is(err, jovepay.ErrOutcomeUnknown) {
		return err
	}
	told := fail.With(fail.OutcomeUnknown, made.lost(), err)
	if answer := (*jovepay.APIError)(nil); errors.As(err, &answer) {
		told.ID = findID(answer.Body, string(made))
	}
	return told
}

// findID returns the member of a JSON object that may be cut off or broken
// after it.
func findID(body []byte, member string) jovepay.ID {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return ""
		}
		found := name.String() == member
		value, err := d.ReadValue()
		if err != nil || d.InputOffset() == int64(len(body)) && value.Kind() != '"' {
			return "" // a number at the very end may go on
		}
		var id jovepay.ID
		if found && id.UnmarshalJSON(value) == nil {
			return id
		}
	}
	return ""
}
