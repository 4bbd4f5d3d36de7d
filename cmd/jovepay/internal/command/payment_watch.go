package command

import (
	"context"
	"errors"
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
	var until string
	var interval, timeout time.Duration
	cmd := &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a payment until it is over",
		Long: `Follows a payment and prints a line for every change, until it is over. The exit
code tells how: 0 if it is finished, 7 if it ended in another way, partially_paid
included. With --until it ends as soon as the payment is that far or farther:
sending, say, if that is enough to ship on.

On a terminal the last line shows what is waited for. With --json every change is
one line with the whole payment.

The payment is asked for at most once in every interval, and less often while
nothing happens. Notifications tell sooner: see "jovepay ipn listen".`,
		Example: `  jovepay payment watch 5745459419
  jovepay payment watch 5745459419 --until confirmed --timeout 30m
  jovepay payment watch 5745459419 --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.complete(c.payments),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rank(jovepay.PaymentStatus(until)) < 0 {
				return fail.Usage("--until: want waiting, confirming, confirmed, sending or finished, got %q", until)
			}
			if timeout < 0 || interval <= 0 {
				return fail.Usage("--interval and --timeout: want a positive duration such as 5s or 30m")
			}
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			w := &watch{cli: c, until: jovepay.PaymentStatus(until)}
			return w.run(cmd.Context(), client, jovepay.ID(args[0]), interval, timeout)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&until, "until", string(jovepay.PaymentFinished), "`status` that is far enough")
	flags.DurationVar(&interval, "interval", 2*time.Second, "shortest `time` between two requests")
	flags.DurationVar(&timeout, "timeout", 0, "give up after this `time` with exit code 8; 0 never does")
	c.completeFlag(cmd, "until", func(context.Context) []cobra.Completion {
		return []cobra.Completion{"confirming", "confirmed", "sending", "finished"}
	})
	return cmd
}

// rank returns how far a payment is on its ordinary way, or -1.
func rank(status jovepay.PaymentStatus) int {
	return slices.Index(paymentStatuses()[:5], status)
}

// watch is one payment being followed.
type watch struct {
	*cli
	until jovepay.PaymentStatus
	last  atomic.Pointer[jovepay.Payment]
	live  *output.Live
	fault error // the output cannot be written
}

func (w *watch) run(ctx context.Context, client *jovepay.Client, id jovepay.ID, interval, timeout time.Duration) error {
	waiting := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	w.live = w.print.Live(waiting, w.line)
	p, err := client.Payments.Wait(waiting, id, jovepay.WaitOptions{
		MinInterval: interval,
		MaxInterval: max(interval, 10*time.Second),
		Until:       w.seen,
	})
	w.live.Stop()
	switch {
	case w.fault != nil:
		return w.fault
	case err != nil && timeout > 0 && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return fail.With(fail.TimedOut, "", fmt.Errorf("payment %s is not %s after %v", id, w.until, timeout))
	case err != nil:
		return err
	case rank(p.Status) >= rank(w.until):
		return nil
	}
	return fail.With(fail.Unpaid, "", fmt.Errorf("payment %s ended %s", id, p.Status))
}

// seen prints a payment that has changed, and reports whether it is the end.
func (w *watch) seen(p *jovepay.Payment) bool {
	last := w.last.Swap(p)
	if last == nil || last.Status != p.Status || !last.ActuallyPaid.Equal(p.ActuallyPaid) {
		w.fault = w.live.Above(func() error {
			return w.print.Show(p, func(t *output.Text) { t.Line("%s", change(p)) })
		})
	}
	return w.fault != nil || rank(p.Status) >= rank(w.until) || p.Status.Final()
}

func change(p *jovepay.Payment) string {
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

// line is what stands at the bottom of a terminal.
func (w *watch) line(elapsed time.Duration) string {
	p := w.last.Load()
	if p == nil {
		return fmt.Sprintf("… asking  %s", elapsed)
	}
	return fmt.Sprintf("… %s, %s since the start; Ctrl-C ends the watching, not the payment", p.Status, elapsed)
}
