package jovepaytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// Server is a running JovePay with one merchant account. Create one with
// [NewServer], and close it. It is safe for concurrent use; its fields are for
// reading.
//
// Its secrets work with this server only. They are still kept out of fmt, log
// and JSON output, so that a test's output alarms nobody.
type Server struct {
	URL string // base URL of the API, such as http://127.0.0.1:41731

	APIKey    string `json:"-"` // the x-api-key header of a request
	Email     string `json:"-"` // for POST /v1/auth
	Password  string `json:"-"` // for POST /v1/auth
	IPNSecret string `json:"-"` // the account's IPN secret key

	engine  *engine.Engine
	ipns    *ipn.Sender
	notify  func(ipn.Notification) // through the keeper, if there is one
	keeper  *keeper                // nil: nothing is kept
	api     *emulator.API
	pace    *emulator.Pacemaker
	http    *http.Server
	stop    context.CancelFunc
	running *sync.WaitGroup
	auto    bool
}

// NewServer starts a server on a free loopback port, or on that of
// [WithAddress]. It fails if an option is invalid, the port is not available,
// or the state of [WithState] cannot be loaded.
func NewServer(opts ...Option) (*Server, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, wrap(err)
	}
	life, stop := context.WithCancel(context.Background()) //nolint:forbidigo // Close ends it
	server, err := listen(life, stop, &s)
	if err != nil {
		stop()
		return nil, wrap(err)
	}
	return server, nil
}

// newSettings returns the defaults with the options.
func newSettings(opts []Option) (settings, error) {
	s := settings{
		address: "127.0.0.1:0",
		ipn:     ipn.Config{Repeats: 3, Interval: time.Second, Timeout: 10 * time.Second},
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&s); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

// listen assembles a server for a new listener, and serves until life ends.
func listen(life context.Context, stop context.CancelFunc, s *settings) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(life, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	server, err := assemble(life, stop, "http://"+reachable(listener.Addr()), s)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server.running.Go(func() { server.pace.Run(life) })
	server.running.Go(func() { _ = server.http.Serve(listener) }) // until Close
	return server, nil
}

// assemble puts a server together, part by part: the engine, what its events
// go to, and what is asked through. It starts nothing.
func assemble(life context.Context, stop context.CancelFunc, address string, s *settings) (*Server, error) {
	e, err := engine.New(s.engine)
	if err != nil {
		return nil, err
	}
	account := e.Account()
	s.ipn.Secret, s.ipn.Seed, s.ipn.Now = account.IPNSecret, s.engine.Seed, e.Now
	server := &Server{
		URL:       address,
		APIKey:    account.APIKey,
		Email:     account.Email,
		Password:  account.Password,
		IPNSecret: account.IPNSecret,
		engine:    e,
		ipns:      ipn.NewSender(life, s.ipn),
		stop:      stop,
		running:   new(sync.WaitGroup),
		auto:      s.engine.StepEvery > 0,
	}
	server.notify = server.ipns.Notify
	if s.state != nil {
		if server.keeper, err = load(context.WithoutCancel(life), s.state, e, server.ipns.Notify); err != nil {
			return nil, err
		}
		server.notify = server.keeper.hold
	}
	if s.state == nil || server.keeper.fresh {
		if err := e.Preload(s.payments); err != nil {
			return nil, err
		}
	}
	server.pace = emulator.NewPacemaker(e, func() { _ = server.keeper.save() }) // the next call reports what failed
	server.api = emulator.New(emulator.Config{
		Engine: e, Seed: s.engine.Seed, PageURL: address, Latency: s.latency,
		Save: server.keeper.save, Wake: server.pace.Wake, Notified: server.ipns.Numbers,
	})
	e.Watch(server.paymentChanged)
	e.WatchTransfers(server.transferChanged)
	if err := server.keeper.save(); err != nil {
		return nil, err
	}
	handler, err := server.handler(s)
	if err != nil {
		return nil, err
	}
	server.http = &http.Server{
		Handler:           handler,
		ConnState:         server.track,
		BaseContext:       func(net.Listener) context.Context { return life },
		ReadHeaderTimeout: 10 * time.Second,
	}
	return server, nil
}

// handler serves the API, and the pages at all other paths.
func (s *Server) handler(opts *settings) (http.Handler, error) {
	var pages http.Handler = s.api
	if opts.pages != nil {
		if pages = opts.pages(s); pages == nil {
			return nil, errors.New("the function of WithPages returned nil")
		}
	}
	return emulator.Local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			s.serve(s.api, w, r)
		} else {
			s.serve(pages, w, r)
		}
	}), opts.hosts), nil
}

// reachable returns the address by which this machine reaches a listener, which
// may listen on all addresses.
func reachable(listener net.Addr) string {
	address, err := netip.ParseAddrPort(listener.String())
	if err != nil || !address.Addr().IsUnspecified() {
		return listener.String()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), address.Port()).String()
}

// paymentChanged is called at every change of a payment, as
// [engine.Engine.Watch] says.
func (s *Server) paymentChanged(p engine.Payment, next time.Time) {
	s.pace.Expect(next)
	if p.IPNCallbackURL == "" {
		return
	}
	s.notify(ipn.Notification{
		PaymentID: p.ID, ParentID: p.ParentID, Status: p.Status, URL: p.IPNCallbackURL, At: p.UpdatedAt,
		Body: func(camelCase bool) ([]byte, error) { return emulator.NotificationJSON(&p, camelCase) },
	})
}

// transferChanged is called at every change of a withdrawal or a recurring
// payment.
func (s *Server) transferChanged(t engine.Transfer) {
	if t.IPNCallbackURL == "" {
		return
	}
	at := t.UpdatedAt
	if at.IsZero() {
		at = t.CreatedAt
	}
	s.notify(ipn.Notification{
		PaymentID: t.ID, Status: t.Status, URL: t.IPNCallbackURL, At: at,
		Body: func(camelCase bool) ([]byte, error) { return emulator.TransferJSON(&t, camelCase) },
	})
}

// serve counts the requests in progress, which outlive their connection if it
// is cut.
func (s *Server) serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Done()
	h.ServeHTTP(w, r)
}

// track counts the open connections.
func (s *Server) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.running.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.running.Done()
	default:
	}
}

// Close stops the server. It cuts the requests and notifications in progress,
// including those that hang, and returns when the last of them has ended and,
// with [WithState], everything is saved or could not be: see [Server.Err]. What
// happened can still be read. Closing twice does nothing.
func (s *Server) Close() {
	s.stop()
	s.ipns.Close()
	_ = s.http.Close()
	s.running.Wait()
	_ = s.keeper.save() // Err reports what failed
}

// Client returns a client for the server's account, with API key and
// credentials. Further options override these.
func (s *Server) Client(opts ...jovepay.Option) (*jovepay.Client, error) {
	return jovepay.NewClient(append([]jovepay.Option{
		jovepay.WithBaseURL(s.URL),
		jovepay.WithAPIKey(s.APIKey),
		jovepay.WithCredentials(s.Email, s.Password),
	}, opts...)...)
}

// Format writes the server without its secrets, whatever the verb.
func (s Server) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "jovepaytest.Server("+s.URL+")")
}
