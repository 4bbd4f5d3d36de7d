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

// Sandbox is a running sandbox: a [jovepaytest.Server] with its page, its
// control API and, if asked for, its state file. Make one with [New] and close
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

// WithServer configures the server within the sandbox: its address, seed,
// clock, whatever package jovepaytest has options for. The page is the
// sandbox's own, so [jovepaytest.WithPages] has no effect.
//
// Keep to an address of this machine. With [jovepaytest.WithAddress] of a network
// JovePay's API is open to that network, for whoever has the key. The page and
// the control API answer only what comes to a loopback address under a name of
// loopback, wherever the sandbox listens and whatever [jovepaytest.WithHost] says.
func WithServer(opts ...jovepaytest.Option) Option {
	return func(s *settings) error {
		s.server = append(s.server, opts...)
		return nil
	}
}

// WithStateFile keeps payments, invoices, prices and the clock in the file, as
// [OpenState] and [jovepaytest.WithState] say, so that the next sandbox goes on
// where this one stopped. Without it they are kept in memory.
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
// says otherwise. It fails if an option is invalid, the port cannot be had, or
// the state file cannot be read whole, which is then left as it is.
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
// state file. It returns why what happened last could not be saved, if so.
// Closing twice does nothing.
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

// guard keeps other machines and sites out, since the control API asks for no
// key: what came to an address that is not loopback, whatever it calls it; the
// pages of a site in the browser on this machine (their requests name it as the
// origin); and names of one that lead to this machine (DNS rebinding).
func guard(next http.Handler) http.Handler {
	foreign := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			control.Reject(w, http.StatusForbidden, "FORBIDDEN", what)
		})
	}
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(foreign("the sandbox takes no orders from the pages of another site"))
	inside := origin.Handler(next)
	outside := foreign("page and control API are for this machine only, at localhost, 127.0.0.1 and [::1]")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if to != nil && isLoopback(to.String()) && isLoopback(r.Host) {
			inside.ServeHTTP(w, r)
		} else {
			outside.ServeHTTP(w, r)
		}
	})
}

// isLoopback reports whether a Host header, or an address, means this machine
// itself.
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
