package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

// choice is the value of a flag that takes one of a few words.
type choice struct {
	value       *string
	placeholder string
	options     values
}

// String implements [pflag.Value].
func (c *choice) String() string { return *c.value }

// Type implements [pflag.Value].
func (c *choice) Type() string { return c.placeholder }

// Set implements [pflag.Value].
func (c *choice) Set(word string) error {
	var words []string
	for _, option := range c.options(context.Background()) {
		option, _, _ = strings.Cut(option, "\t")
		words = append(words, option)
	}
	if !slices.Contains(words, word) {
		last := len(words) - 1
		return fmt.Errorf("want %s or %s", strings.Join(words[:last], ", "), words[last])
	}
	*c.value = word
	return nil
}

// choiceFlag adds a flag that takes one of a few words, which are offered as
// completions. *value is the default.
func (c *cli) choiceFlag(cmd *cobra.Command, value *string, name, placeholder, usage string, options values) {
	cmd.Flags().Var(&choice{value, placeholder, options}, name, usage)
	c.completeFlag(cmd, name, options)
}

// timeout is how long a command waits; 0 is no limit.
type timeout time.Duration

func (t *timeout) addTo(cmd *cobra.Command) {
	cmd.Flags().DurationVar((*time.Duration)(t), "timeout", 0, "exit with code 8 after `duration`")
}

func (t timeout) validate() error {
	if t < 0 {
		return fail.Usage("--timeout: want a duration such as 30m, or 0 for none, got %v", t)
	}
	return nil
}

// context returns a child of ctx that ends when the timeout has passed.
func (t timeout) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if t == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(t))
}

// passed reports whether err, of work with a context made from ctx, says that the
// timeout has passed.
func (t timeout) passed(ctx context.Context, err error) bool {
	return t > 0 && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)
}

// String returns the timeout as a duration.
func (t timeout) String() string { return time.Duration(t).String() }

// exclude rejects a flag together with one of the others. The completion knows
// it too.
func exclude(cmd *cobra.Command, flag string, others ...string) {
	for _, other := range others {
		cmd.MarkFlagsMutuallyExclusive(flag, other)
	}
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		for _, other := range others {
			if cmd.Flags().Changed(flag) && cmd.Flags().Changed(other) {
				return fail.Usage("--%s cannot be combined with --%s", flag, other)
			}
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}

// qrFlag adds --qr. draw reports whether to draw a QR code.
func (c *cli) qrFlag(cmd *cobra.Command, what string) (draw func() bool) {
	value := "auto"
	c.choiceFlag(cmd, &value, "qr", "when", "draw "+what+" as a QR code: always, never, or auto for terminals only", words("auto", "always", "never"))
	return func() bool { return value == "always" || value == "auto" && c.print.Terminal }
}

// qrWidth returns how many characters wide a QR code may be.
func (c *cli) qrWidth() int {
	if c.print.Terminal {
		return c.print.Width()
	}
	return 1 << 10
}

// orderFields are the fields of a request that payments and invoices share.
type orderFields struct {
	orderID, description, ipnURL *string
	fixedRate, customerPaysFee   *bool
}

func (f orderFields) register(flags *pflag.FlagSet) {
	flags.StringVar(f.orderID, "order-id", "", "attach the shop's order `id`")
	flags.StringVar(f.description, "description", "", "show `text` to the customer")
	flags.StringVar(f.ipnURL, "ipn-url", "", "send notifications to `url`")
	flags.BoolVar(f.fixedRate, "fixed-rate", false, "keep the exchange rate until the payment expires")
	flags.BoolVar(f.customerPaysFee, "fee-paid-by-customer", false, "add the network fee to the amount that the customer sends")
}

// amount parses an amount from an argument or a flag.
func amount(name, text string) (jovepay.Amount, error) {
	parsed, err := jovepay.ParseAmount(text)
	if err != nil {
		return parsed, fail.Usage("%s: %s", name, strings.TrimPrefix(err.Error(), "jovepay: "))
	}
	return parsed, nil
}

// date parses a day, which begins at midnight UTC, or a time.
func date(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fail.Usage("%s: want a day such as 2026-11-01 or a time such as 2026-11-01T12:00:00Z, got %q", flag, text)
}
