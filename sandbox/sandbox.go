package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox/internal/control"
	"github.com/jovepay/jovepay-go/sandbox/internal/page"
)

// Sandbox is a running sandbox: a [jovepaytest.Server] with its page, its control
// API and, with [WithStateFile], its state file. Create one with [New], and close
// it. It is safe for concurrent use.
type Sandbox struct {
	*jovepaytest.Server

	state *StateFile // nil: in memory
}

// Option configures a [Sandbox]. A later one wins; nil does nothing.
type Option func(*settings) error

type settings struct {
	server []jovepaytest.Option
	state  string
}

// WithServer configures the server of the sandbox: its address, seed and clock,
// and everything else that package jovepaytest has options for. The page is the
// sandbox's own, so [jovepaytest.WithPages] has no effect.
//
// Use an address of this machine. With [jovepaytest.WithAddress] of a network,
// JovePay's API is open to that network for whoever has the key. The page and the
// control API accept only requests to a loopback address under a name of loopback,
// wherever the sandbox listens and even with [jovepaytest.WithHost].
func WithServer(opts ...jovepaytest.Option) Option {
	return func(s *settings) error {
		s.server = append(s.server, opts...)
		return nil
	}
}

// WithStateFile keeps payments, invoices, prices and the clock in the file, so
// that the next sandbox continues where this one stopped: see [OpenState] and
// [jovepaytest.WithState]. Without it they are kept in memory.
func WithStateFile(path string) Option {
	return func(s *settings) error {
		if path == "" {
			return errors.New("state file has no name")
		}
		s.state = path
		return nil
	}
}

// New starts a sandbox, on a free loopback port unless [jovepaytest.WithAddress]
// is given. It fails if an option is invalid, the port is not available, or the
// state file cannot be read as a whole. The file is then not changed.
func New(opts ...Option) (*Sandbox, error) {
	var s settings
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&s); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	}
	pages, err := page.New()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.server = append(s.server, jovepaytest.WithPages(func(server *jovepaytest.Server) http.Handler {
		mux := http.NewServeMux()
		mux.Handle(control.Root, control.New(server))
		mux.Handle("/", pages.Handler(server))
		return guard(mux)
	}))
	box := new(Sandbox)
	if s.state != "" {
		if box.state, err = OpenState(s.state); err != nil {
			return nil, err
		}
		s.server = append(s.server, jovepaytest.WithState(box.state))
	}
	if box.Server, err = jovepaytest.NewServer(s.server...); err != nil {
		return nil, errors.Join(err, box.closeState())
	}
	return box, nil
}

// Close stops the sandbox as [jovepaytest.Server.Close] does, then releases its
// state file. The error says why the latest changes could not be saved. Closing
// twice does nothing.
func (s *Sandbox) Close() error {
	s.Server.Close()
	return errors.Join(s.Err(), s.closeState())
}

func (s *Sandbox) closeState() error {
	if s.state == nil {
		return nil
	}
	return s.state.Close()
}

// guard rejects requests of other machines and sites, since the control API
// requires no key: those to an address that is not loopback, whatever their Host
// header; those of a site's pages in a browser on this machine, which have that
// site as their origin; and those under a name that somebody else resolves to
// this machine (DNS rebinding).
func guard(next http.Handler) http.Handler {
	foreign := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			control.Reject(w, http.StatusForbidden, "FORBIDDEN", what)
		})
	}
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(foreign("requests from the pages of another site are rejected"))
	inside := origin.Handler(next)
	outside := foreign("the page and the control API are for this machine only, at localhost, 127.0.0.1 and [::1]")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if to != nil && isLoopback(to.String()) && isLoopback(r.Host) {
			inside.ServeHTTP(w, r)
		} else {
			outside.ServeHTTP(w, r)
		}
	})
}

// isLoopback reports whether a Host header or an address is of loopback.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
