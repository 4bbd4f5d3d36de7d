package orders

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Option configures a [Book]. One that is nil changes nothing.
type Option func(*settings) error

type settings struct {
	callback    string
	owned       func(string) bool
	maxPayments int
	policy      jovepay.SettlePolicy
	topUps      bool
	log         *slog.Logger
	lossy       bool
	attempts    int
	customize   func(*jovepay.PaymentRequest)

	interval       time.Duration // of Run
	lookBack       time.Duration // of Run's reconciliation
	reconcileEvery time.Duration
	sendTime       time.Duration // for a create
	settle         time.Duration // after an unknown outcome
	crash          time.Duration // after a crash
}

func defaults() settings {
	return settings{
		owned:       func(string) bool { return true },
		maxPayments: 10,
		log:         slog.New(slog.DiscardHandler),
		attempts:    10,
		customize:   func(*jovepay.PaymentRequest) {},

		interval:       10 * time.Second,
		lookBack:       14 * 24 * time.Hour,
		reconcileEvery: 15 * time.Minute,
		sendTime:       30 * time.Second,
		settle:         20 * time.Second,
		crash:          2 * time.Minute,
	}
}

// rules returns the rules about money, or an error if the policy is invalid.
func (s *settings) rules() (*rules, error) {
	settler, err := jovepay.NewSettler(s.policy)
	if err != nil {
		return nil, err
	}
	return &rules{settler: settler, policy: s.policy, topUps: s.topUps, attempts: s.attempts}, nil
}

// WithCallback has JovePay send the notifications of the book's payments and
// invoices to the given URL. The default is the one in JovePay's dashboard.
func WithCallback(url string) Option {
	return func(s *settings) error {
		s.callback = url
		r := jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "usd", PayCurrency: "btc", IPNCallbackURL: url,
		}
		return r.Validate()
	}
}

// WithOwned says which order ids are the shop's, if other shops use the same
// JovePay account. Events of other orders are acknowledged and not recorded. By
// default all are the shop's, and coins for one that is not in the book are a
// case.
func WithOwned(owned func(orderID string) bool) Option {
	return func(s *settings) error {
		if owned != nil {
			s.owned = owned
		}
		return nil
	}
}

// WithMaxPayments limits the payments that Pay creates for an order. The default
// is 10.
func WithMaxPayments(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("maximum of payments: want 1 or more, got %d", n)
		}
		s.maxPayments = n
		return nil
	}
}

// WithSettlePolicy says which payments are good enough. The default is the
// strictest policy.
func WithSettlePolicy(p jovepay.SettlePolicy) Option {
	return func(s *settings) error {
		s.policy = p
		return nil
	}
}

// WithTopUps fulfills an order when the deposits to one address add up to what was
// asked for, within the tolerance of the policy. Each counts once, in the coin of
// the first, if it has finished and was not refunded. By default such a sum is a
// case: JovePay's guide advises against fulfilling on a further deposit
// automatically, because the rate may have changed.
func WithTopUps() Option {
	return func(s *settings) error {
		s.topUps = true
		return nil
	}
}

// WithLogger logs what the book does on its own, and what it cannot return as an
// error. By default nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		if log != nil {
			s.log = log
		}
		return nil
	}
}

// WithLossyStore accepts a database that can lose committed transactions in a
// crash.
func WithLossyStore() Option {
	return func(s *settings) error {
		s.lossy = true
		return nil
	}
}

// WithHookAttempts sets how often a hook can fail for an order before a case
// opens. The hook is called again all the same. The default is 10.
func WithHookAttempts(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("attempts: want 1 or more, got %d", n)
		}
		s.attempts = n
		return nil
	}
}

// WithPaymentRequest lets fn change what is sent to create a payment, for example
// to fix the rate. It must not change order, price or coin.
func WithPaymentRequest(fn func(*jovepay.PaymentRequest)) Option {
	return func(s *settings) error {
		if fn != nil {
			s.customize = fn
		}
		return nil
	}
}

// WithInterval sets how often [Book.Run] looks for unfinished work. The default
// is 10 seconds.
func WithInterval(d time.Duration) Option {
	return positive("interval", d, func(s *settings) { s.interval = d })
}

// WithReconciliation has [Book.Run] reconcile the payments of the last lookBack,
// by the time of their creation, every so often. The default is every 15 minutes
// the last 14 days.
func WithReconciliation(every, lookBack time.Duration) Option {
	return func(s *settings) error {
		return errors.Join(
			positive("reconciliation interval", every, func(s *settings) { s.reconcileEvery = every })(s),
			positive("look back", lookBack, func(s *settings) { s.lookBack = lookBack })(s))
	}
}

// WithTimes sets how long a create may take until it is sent, how long after an
// unknown outcome, and how long after a crash, JovePay's list is complete. The
// defaults are 30 seconds, 20 seconds and 2 minutes. All replicas need the same.
func WithTimes(send, settle, crash time.Duration) Option {
	return func(s *settings) error {
		return errors.Join(
			positive("send time", send, func(s *settings) { s.sendTime = send })(s),
			positive("settle window", settle, func(s *settings) { s.settle = settle })(s),
			positive("settle window after a crash", crash, func(s *settings) { s.crash = crash })(s))
	}
}

func positive(what string, d time.Duration, set func(*settings)) Option {
	return func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("%s: want a positive duration, got %v", what, d)
		}
		set(s)
		return nil
	}
}
