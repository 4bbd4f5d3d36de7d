package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) currenciesCommand() *cobra.Command {
	var opts jovepay.CurrencyListOptions
	var search string
	cmd := &cobra.Command{
		Use:   "currencies",
		Short: "The coins that customers can pay with",
		Long: `Lists the coins that customers can pay with at present. Often JovePay tells the
ticker only; columns that nothing is known of are left out.`,
		Example: `  jovepay currencies
  jovepay currencies --search usdt
  jovepay currencies --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			list, err := client.Currencies.List(cmd.Context(), opts)
			if err != nil {
				return err
			}
			found := list.Currencies[:0:0]
			for _, currency := range list.Currencies {
				if strings.Contains(strings.ToLower(currency.Code+" "+currency.Name), strings.ToLower(search)) {
					found = append(found, currency)
				}
			}
			list.Currencies = found
			return c.print.Show(list, func(t *output.Text) { currencyTable(t, found) })
		},
	}
	cmd.Flags().BoolVar(&opts.FixedRate, "fixed-rate", false, "only coins that can be paid at a fixed rate")
	cmd.Flags().StringVar(&search, "search", "", "only coins with this `text` in their ticker or name")
	return cmd
}

func currencyTable(t *output.Text, currencies []jovepay.Currency) {
	if len(currencies) == 0 {
		t.Line("no such currency")
	}
	rows := make([][]string, len(currencies))
	for i, currency := range currencies {
		memo := ""
		if currency.ExtraIDExists {
			memo = "memo"
		}
		rows[i] = []string{currency.Code, currency.Name, currency.Network, memo, currency.MinAmount.String(), currency.MaxAmount.String()}
	}
	t.Table([]string{"TICKER", "NAME", "NETWORK", "NEEDS", "MINIMUM", "MAXIMUM"}, rows)
}

func (c *cli) minCommand() *cobra.Command {
	var opts jovepay.MinAmountOptions
	cmd := &cobra.Command{
		Use:   "min COIN",
		Short: "The least that can be paid in a coin",
		Long: `Prints the least that can be paid in a coin. What is paid below it is not
processed: check a price against it before a payment is made. It depends on
what is paid out; without --to that is the account's own payout currency.`,
		Example: `  jovepay min btc
  jovepay min btc --fiat usd
  jovepay min eth --to usdttrc20 --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.complete(c.coins),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.From = args[0]
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			minimum, err := client.Estimates.MinAmount(cmd.Context(), opts)
			if err != nil {
				return err
			}
			return c.print.Show(minimum, func(t *output.Text) {
				line := output.Money(minimum.MinAmount, opts.From)
				if !minimum.FiatEquivalent.IsNull() {
					line += " (" + output.Money(minimum.FiatEquivalent, opts.FiatEquivalent) + ")"
				}
				t.Line("%s", line)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.To, "to", "", "`coin` that is paid out")
	flags.StringVar(&opts.FiatEquivalent, "fiat", "", "also tell it in this `currency`, such as usd")
	flags.BoolVar(&opts.FixedRate, "fixed-rate", false, "for payments at a fixed rate")
	flags.BoolVar(&opts.FeePaidByUser, "fee-paid-by-customer", false, "for payments whose fee the customer pays")
	c.completeFlag(cmd, "to", c.coins)
	c.completeFlag(cmd, "fiat", fiats)
	return cmd
}

// quote is a price in coins. Without a minimum it tells nothing of whether the
// price can be paid.
type quote struct {
	PriceAmount   jovepay.Amount `json:"price_amount"`
	PriceCurrency string         `json:"price_currency"`
	PayAmount     jovepay.Amount `json:"pay_amount"`
	PayCurrency   string         `json:"pay_currency"`
	MinAmount     jovepay.Amount `json:"min_amount,omitzero"`
	Payable       *bool          `json:"payable,omitzero"`
}

func (c *cli) estimateCommand() *cobra.Command {
	var opts jovepay.QuoteOptions
	var noMinimum bool
	cmd := &cobra.Command{
		Use:   "estimate AMOUNT CURRENCY COIN",
		Short: "What a price is in a coin, and whether it can be paid",
		Long: `Converts a price into a coin at the present rate, and asks for the least that
can be paid in that coin: a price below it cannot be paid, which "payable"
tells. With --no-min it only converts, between any two currencies.`,
		Example: `  jovepay estimate 49.99 usd btc
  jovepay estimate 0.01 btc usd --no-min
  jovepay estimate 49.99 usd btc --json`,
		Args:              cobra.ExactArgs(3),
		ValidArgsFunction: c.complete(nothing, fiats, c.coins),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if opts.PriceAmount, err = amount("AMOUNT", args[0]); err != nil {
				return err
			}
			opts.PriceCurrency, opts.PayCurrency = args[1], args[2]
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			q := quote{PriceAmount: opts.PriceAmount, PriceCurrency: opts.PriceCurrency, PayCurrency: opts.PayCurrency}
			if noMinimum {
				estimate, err := client.Estimates.Get(cmd.Context(), jovepay.EstimateOptions{Amount: opts.PriceAmount, From: opts.PriceCurrency, To: opts.PayCurrency})
				if err != nil {
					return err
				}
				q.PayAmount = estimate.EstimatedAmount
				return c.showQuote(q)
			}
			answer, err := client.Estimates.Quote(cmd.Context(), opts)
			if err != nil {
				return err
			}
			q.PayAmount, q.MinAmount, q.Payable = answer.PayAmount, answer.MinAmount, &answer.Payable
			return c.showQuote(q)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&noMinimum, "no-min", false, "do not ask for the minimum")
	flags.StringVar(&opts.PayoutCurrency, "to", "", "`coin` that is paid out")
	flags.BoolVar(&opts.FixedRate, "fixed-rate", false, "for a payment at a fixed rate")
	flags.BoolVar(&opts.FeePaidByUser, "fee-paid-by-customer", false, "for a payment whose fee the customer pays")
	c.completeFlag(cmd, "to", c.coins)
	return cmd
}

func (c *cli) showQuote(q quote) error {
	return c.print.Show(q, func(t *output.Text) {
		t.Line("%s is %s", output.Money(q.PriceAmount, q.PriceCurrency), output.Money(q.PayAmount, q.PayCurrency))
		switch {
		case q.Payable == nil:
		case *q.Payable:
			t.Line("payable: the minimum is %s", output.Money(q.MinAmount, q.PayCurrency))
		default:
			t.Line("not payable: the minimum is %s", output.Money(q.MinAmount, q.PayCurrency))
		}
	})
}

// amount reads an amount from an argument or a flag.
func amount(name, text string) (jovepay.Amount, error) {
	parsed, err := jovepay.ParseAmount(text)
	if err != nil {
		return parsed, fail.Usage("%s: %s", name, strings.TrimPrefix(err.Error(), "jovepay: "))
	}
	return parsed, nil
}
