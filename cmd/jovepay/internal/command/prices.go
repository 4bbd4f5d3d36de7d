package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) currenciesCommand() *cobra.Command {
	var opts jovepay.CurrencyListOptions
	var search string
	cmd := &cobra.Command{
		Use:   "currencies",
		Short: "List the coins that customers can pay with",
		Long: `List the coins that customers can pay with. JovePay often sends only their
tickers; columns without values are not shown.`,
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
	cmd.Flags().BoolVar(&opts.FixedRate, "fixed-rate", false, "list only coins with fixed rates")
	cmd.Flags().StringVar(&search, "search", "", "list only coins with `text` in their ticker or name")
	return cmd
}

func currencyTable(t *output.Text, currencies []jovepay.Currency) {
	if len(currencies) == 0 {
		t.Line("no matching coins")
	}
	rows := make([][]string, len(currencies))
	for i, currency := range currencies {
		memo := ""
		if currency.ExtraIDExists {
			memo = "required"
		}
		rows[i] = []string{currency.Code, currency.Name, currency.Network, memo, currency.MinAmount.String(), currency.MaxAmount.String()}
	}
	t.Table([]string{"TICKER", "NAME", "NETWORK", "MEMO", "MINIMUM", "MAXIMUM"}, rows)
}

func (c *cli) minCommand() *cobra.Command {
	var opts jovepay.MinAmountOptions
	cmd := &cobra.Command{
		Use:   "min COIN",
		Short: "Show the minimum payment in a coin",
		Long: `Show the minimum payment in a coin. JovePay does not process payments below it.
The minimum depends on the payout currency, by default the account's own.`,
		Example: `  jovepay min btc
  jovepay min btc --fiat usd
  jovepay min eth --payout-currency usdttrc20 --json`,
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
	c.minimumFlags(cmd, &opts.To, &opts.FixedRate, &opts.FeePaidByUser)
	cmd.Flags().StringVar(&opts.FiatEquivalent, "fiat", "", "also show the minimum in `currency`, such as usd")
	c.completeFlag(cmd, "fiat", fiats)
	return cmd
}

// minimumFlags adds the flags that a minimum depends on.
func (c *cli) minimumFlags(cmd *cobra.Command, payout *string, fixedRate, customerPaysFee *bool) {
	flags := cmd.Flags()
	flags.StringVar(payout, "payout-currency", "", "assume a payout in `coin`")
	flags.BoolVar(fixedRate, "fixed-rate", false, "assume a fixed exchange rate")
	flags.BoolVar(customerPaysFee, "fee-paid-by-customer", false, "assume that the customer pays the network fee")
	c.completeFlag(cmd, "payout-currency", c.coins)
}

// quote is a price in coins. Payable is nil if the minimum was not requested.
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
		Short: "Convert a price to a coin and check the minimum",
		Long: `Convert a price to a coin at the current rate and check it against the minimum
payment in that coin. A price below the minimum is not payable. With --no-min,
convert between any two currencies without a check.`,
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
			response, err := client.Estimates.Quote(cmd.Context(), opts)
			if err != nil {
				return err
			}
			q.PayAmount, q.MinAmount, q.Payable = response.PayAmount, response.MinAmount, &response.Payable
			return c.showQuote(q)
		},
	}
	c.minimumFlags(cmd, &opts.PayoutCurrency, &opts.FixedRate, &opts.FeePaidByUser)
	cmd.Flags().BoolVar(&noMinimum, "no-min", false, "skip the minimum")
	return cmd
}

func (c *cli) showQuote(q quote) error {
	return c.print.Show(q, func(t *output.Text) {
		t.Line("%s = %s", output.Money(q.PriceAmount, q.PriceCurrency), output.Money(q.PayAmount, q.PayCurrency))
		switch {
		case q.Payable == nil:
		case *q.Payable:
			t.Line("payable: the minimum is %s", output.Money(q.MinAmount, q.PayCurrency))
		default:
			t.Line("not payable: the minimum is %s", output.Money(q.MinAmount, q.PayCurrency))
		}
	})
}
