package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) watchPaymentCommand() *cobra.Command {
	until := string(jovepay.PaymentFinished)
	var interval time.Duration
	var limit timeout
	cmd := &cobra.Command{
		Use:   "watch ID",
		Short: "Watch a payment until it ends",
		Long: `Print a line for each change of a payment until it ends. The exit code is 0 if
the payment finished, or 7 if it ended otherwise, such as partially_paid. With
--until, stop as soon as the payment reaches or passes a status, for example
when sending is enough to ship.

On a terminal, the last line shows the current status. With --json, each change
is one line with the whole payment.

The payment is read at most once per --interval, and less often while nothing
changes. Notifications are faster: see "jovepay ipn listen".`,
		Example: `  jovepay payment watch 5745459419
  jovepay payment watch 5745459419 --until confirmed --timeout 30m
  jovepay payment watch 5745459419 --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.complete(c.payments),
		RunE: func(cmd *cobra.Command, args []string) error {
			if interval <= 0 {
				return fail.Usage("--interval: want a positive duration such as 5s, got %v", interval)
			}
			if err := limit.validate(); err != nil {
				return err
			}
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			w := &watch{cli: c, until: jovepay.PaymentStatus(until)}
			return w.run(cmd.Context(), client, jovepay.ID(args[0]), interval, limit)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&interval, "interval", 2*time.Second, "wait at least `duration` between requests")
	limit.addTo(cmd)
	c.choiceFlag(cmd, &until, "until", "status", "stop at `status`: waiting, confirming, confirmed, sending or finished",
		words("waiting", "confirming", "confirmed", "sending", "finished"))
	return cmd
}

// rank returns how far a payment has advanced toward finished, or -1 if it left
// that path.
func rank(status jovepay.PaymentStatus) int {
	return slices.Index(paymentStatuses()[:5], status)
}

// watch prints the changes of one payment.
type watch struct {
	*cli
	until    jovepay.PaymentStatus
	last     atomic.Pointer[jovepay.Payment]
	live     *output.Live
	printErr error
}

func (w *watch) run(ctx context.Context, client *jovepay.Client, id jovepay.ID, interval time.Duration, limit timeout) error {
	waiting, cancel := limit.context(ctx)
	defer cancel()
	w.live = w.print.Live(waiting, w.line)
	p, err := client.Payments.Wait(waiting, id, jovepay.WaitOptions{
		MinInterval: interval,
		MaxInterval: max(interval, 10*time.Second),
		Until:       w.update,
	})
	w.live.Stop()
	switch {
	case w.printErr != nil:
		return w.printErr
	case limit.passed(ctx, err):
		return fail.With(fail.TimedOut, "", fmt.Errorf("payment %s is not %s after %v", id, w.until, limit))
	case err != nil:
		return err
	case rank(p.Status) >= rank(w.until):
		return nil
	}
	return fail.With(fail.Unpaid, "", fmt.Errorf("payment %s ended with status %s", id, p.Status))
}

// update prints a payment that has changed, and reports whether to stop.
func (w *watch) update(p *jovepay.Payment) bool {
	last := w.last.Swap(p)
	if last == nil || last.Status != p.Status || !last.ActuallyPaid.Equal(p.ActuallyPaid) {
		w.printErr = w.live.Above(func() error {
			return w.print.Show(p, func(t *output.Text) { t.Line("%s", changeLine(p)) })
		})
	}
	return w.printErr != nil || rank(p.Status) >= rank(w.until) || p.Status.Final()
}

func changeLine(p *jovepay.Payment) string {
	at := p.UpdatedAt
	if at.IsZero() {
		at = p.CreatedAt
	}
	line := fmt.Sprintf("%s  %-14s", output.Time(at), p.Status)
	switch {
	case p.ActuallyPaid.Sign() > 0:
		line += fmt.Sprintf("  %s of %s", p.ActuallyPaid, output.Money(p.PayAmount, p.PayCurrency))
	case p.Status == jovepay.PaymentWaiting:
		line += fmt.Sprintf("  for %s to %s", output.Money(p.PayAmount, p.PayCurrency), p.PayAddress)
		if p.PayinExtraID != "" {
			line += " with memo " + p.PayinExtraID
		}
	}
	return strings.TrimSpace(line)
}

// line is the last line on a terminal.
func (w *watch) line(elapsed time.Duration) string {
	p := w.last.Load()
	if p == nil {
		return fmt.Sprintf("… loading  %s", elapsed)
	}
	return fmt.Sprintf("… %s  %s  (Ctrl-C stops watching; the payment continues)", p.Status, elapsed)
}
