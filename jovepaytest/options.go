package jovepaytest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// Option configures a [Server]. A later one wins; nil does nothing.
type Option func(*settings) error

type settings struct {
	engine   engine.Config
	ipn      ipn.Config
	address  string
	hosts    []string // that requests may name besides loopback's
	pages    func(*Server) http.Handler
	latency  time.Duration
	payments int
	state    State // nil: in memory
}

// WithAddress makes the server listen on the given address, such as
// "127.0.0.1:4010", instead of a free loopback port. Port 0 is a free one. With
// the address of a network, or none before the port, other machines reach it
// too: its secrets open nothing else, but whoever has them can use the server,
// and those of a seed are the same everywhere.
func WithAddress(address string) Option {
	return func(s *settings) error {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("address %q must be host:port", address)
		}
		s.address = address
		return nil
	}
}

// WithHost accepts requests for further hosts, without a port, such as
// "host.docker.internal", by which a container may reach this machine. A request
// to a loopback address must have localhost, a loopback address or one of these
// in its Host header. Others are rejected with 403, whatever the path, because any
// web site could resolve its own name to this machine. They are not in
// [Server.Requests].
func WithHost(names ...string) Option {
	return func(s *settings) error {
		for _, name := range names {
			if name == "" || strings.ContainsAny(name, ":/[]@ ") {
				return fmt.Errorf("host %q must be a name without a port", name)
			}
		}
		s.hosts = slices.Clone(names)
		return nil
	}
}

// WithPages serves pages at every path that does not begin with /v1/, such as the
// one of an invoice_url. Without it these paths do not exist. The function is
// called once, with the complete server before its first request, and must return
// a handler. Requests for pages are not in [Server.Requests], and no [Fault] hits
// them. Their context ends with the server.
func WithPages(pages func(*Server) http.Handler) Option {
	return func(s *settings) error {
		if pages == nil {
			return errors.New("pages are nil")
		}
		s.pages = pages
		return nil
	}
}

// WithWrongAssetProcessing moves wrong-asset deposits on to finished, with
// [WithAutoAdvance] or otherwise immediately, instead of letting them wait for a
// person. It is a setting of JovePay's dashboard, which its guide says to use with
// caution.
func WithWrongAssetProcessing() Option {
	return func(s *settings) error {
		s.engine.PassWrongAssets = true
		return nil
	}
}

// WithSeed sets the seed from which ids, addresses, keys and tokens follow. The
// default is 0.
func WithSeed(seed uint64) Option {
	return func(s *settings) error {
		s.engine.Seed = seed
		return nil
	}
}

// WithClock sets the server's clock; the default is [time.Now]. It is for
// creation times, expiry of payments and tokens, and the steps of
// [WithAutoAdvance]. The function is called from many goroutines, one at a
// time, and must not call the server.
func WithClock(now func() time.Time) Option {
	return func(s *settings) error {
		if now == nil {
			return errors.New("clock is nil")
		}
		s.engine.Now = now
		return nil
	}
}

// WithFrozenClock stops the server's clock at the given time. Only
// [Server.MoveClock] moves it, so that times in responses and notifications are
// the same in every run. It replaces [WithClock].
func WithFrozenClock(at time.Time) Option {
	return func(s *settings) error {
		if at.Year() < 1970 || at.Year() > 2999 {
			return fmt.Errorf("clock must be between the years 1970 and 2999, got %v", at)
		}
		s.engine.Now = func() time.Time { return at }
		return nil
	}
}

// WithTokenLifetime sets how long a login lasts, in whole seconds. The default
// is 300 seconds.
func WithTokenLifetime(d time.Duration) Option {
	return func(s *settings) error {
		if d < time.Second {
			return fmt.Errorf("token lifetime must be at least a second, got %v", d)
		}
		s.engine.TokenLifetime = d
		return nil
	}
}

// WithListLag starts the server with a list of payments that lags behind: see
// [Server.SetListLag].
func WithListLag(d time.Duration) Option {
	return func(s *settings) error {
		s.engine.ListLag = d
		return nil
	}
}

// WithAutoAdvance moves a paid payment on by one status at every interval, as
// confirmations do. [Server.Pay] then returns at the first status. A payment that
// nobody pays still waits until it expires.
func WithAutoAdvance(interval time.Duration) Option {
	return func(s *settings) error {
		if interval <= 0 {
			return fmt.Errorf("auto-advance interval must be positive, got %v", interval)
		}
		s.engine.StepEvery = interval
		return nil
	}
}

// WithLatency delays every response by d, in real time.
func WithLatency(d time.Duration) Option {
	return func(s *settings) error {
		if d < 0 {
			return fmt.Errorf("latency must not be negative, got %v", d)
		}
		s.latency = d
		return nil
	}
}

// WithPayments starts the server with n finished payments, made one second
// apart until now, for tests of long lists. A million take a few seconds and
// about 400 MB.
func WithPayments(n int) Option {
	return func(s *settings) error {
		if n < 0 {
			return fmt.Errorf("number of payments must not be negative, got %d", n)
		}
		s.payments = n
		return nil
	}
}

// WithIPNRetries sets how often a notification is retried that got no response
// with a 2xx status, and the pause after the response or timeout, in real time. A
// merchant sets them in JovePay's dashboard. The default is 3 times, a second
// apart.
func WithIPNRetries(times int, interval time.Duration) Option {
	return func(s *settings) error {
		if times < 0 || interval < 0 {
			return fmt.Errorf("IPN retries must not be negative, got %d, %v apart", times, interval)
		}
		s.ipn.Repeats, s.ipn.Interval = times, interval
		return nil
	}
}

// WithIPNTimeout sets how long a shop may take to respond to a notification, in
// real time. The default is 10 seconds.
func WithIPNTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("IPN timeout must be positive, got %v", d)
		}
		s.ipn.Timeout = d
		return nil
	}
}

// WithRemoteCallbacks sends notifications to other machines too. By default they
// go to loopback addresses only, so that a test with a real shop's address never
// calls it.
func WithRemoteCallbacks() Option {
	return func(s *settings) error {
		s.ipn.Remote = true
		return nil
	}
}
