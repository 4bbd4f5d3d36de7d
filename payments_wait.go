package jovepay

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// WaitOptions says what to wait for and how often to poll. The zero value waits for a
// final status.
type WaitOptions struct {
	// Until ends the wait when it returns true. If it is nil, the wait ends at a
	// final status other than partially_paid, after which the customer may still
	// send the rest.
	Until func(*Payment) bool

	// MinInterval is the pause after a change. While nothing changes, the pause
	// doubles up to MaxInterval, or up to half of the time left until the
	// context's deadline if that is shorter. Each pause is shortened by up to a
	// quarter at random. Defaults 2 s and 30 s.
	MinInterval, MaxInterval time.Duration
}

func (o WaitOptions) done(p *Payment) bool {
	if o.Until != nil {
		return o.Until(p)
	}
	return p.Status.Final() && p.Status != PaymentPartiallyPaid
}

// Wait polls a payment until opts.Until is satisfied, and returns it. It tolerates
// temporary failures (network errors, 408, 429, 5xx), and ends with any other error,
// such as a response about another payment. When the context ends, Wait returns the
// payment as last seen, or nil, and the context's error. It does not start a pause
// that the context's deadline would cut short, but returns [context.DeadlineExceeded]
// at once, up to MinInterval before the deadline. The context is the only time limit.
//
// Notifications (IPN) arrive sooner and cost less; Wait is for programs that cannot
// receive them.
func (s *PaymentsService) Wait(ctx context.Context, id ID, opts WaitOptions) (*Payment, error) {
	if opts.MinInterval < 0 || opts.MaxInterval < 0 {
		return nil, &ValidationError{"interval", "want a positive duration, or 0 for the default"}
	}
	orDefault(&opts.MinInterval, 2*time.Second)
	orDefault(&opts.MaxInterval, max(30*time.Second, opts.MinInterval))
	var last *Payment
	for unchanged := 1; ; unchanged++ {
		p, err := s.Get(ctx, id)
		switch {
		case err == nil && opts.done(p):
			return p, nil
		case ctx.Err() != nil:
			return cmp.Or(p, last), s.waitError(id, cmp.Or(p, last), ctx.Err())
		case err != nil && !temporary(err):
			return last, err
		case err == nil:
			if last != nil && last.Status != p.Status {
				unchanged = 1
			}
			last = p
		}
		interval := opts.MinInterval
		for i := 1; i < unchanged && interval < opts.MaxInterval; i++ {
			interval *= 2
		}
		interval = min(interval, opts.MaxInterval)
		if deadline, ok := ctx.Deadline(); ok {
			interval = min(interval, max(opts.MinInterval, time.Until(deadline)/2))
		}
		interval -= jitter(interval/4, 1, interval)
		if err := pause(ctx, interval); err != nil {
			return last, s.waitError(id, last, err)
		}
	}
}

func (s *PaymentsService) waitError(id ID, last *Payment, cause error) error {
	status := "not seen"
	if last != nil {
		status = show(s, last.Status)
	}
	return fmt.Errorf("jovepay: waiting for payment %s (%s): %w", show(s, id), status, cause)
}

// show returns text from outside for an error: a short word unchanged, and anything
// else quoted and truncated, without the client's secrets.
func show[T ~string](s *PaymentsService, outside T) string {
	text := s.api.secrets.text(string(outside))
	odd := func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
	}
	if text != "" && len(text) <= 64 && !strings.ContainsFunc(text, odd) {
		return text
	}
	return fmt.Sprintf("%.64q", text)
}
