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

// Server is a running JovePay with one merchant account. Make one with
// [NewServer] and close it. It is safe for concurrent use; its fields are for
// reading.
//
// Its secrets open nothing but this server. They are kept out of fmt, log and
// JSON output all the same, so that a test's output alarms nobody.
type Server struct {
	URL string // base URL of the API, such as http://127.0.0.1:41731

	APIKey    string `json:"-"` // what the x-api-key header must hold
	Email     string `json:"-"` // for POST /v1/auth
	Password  string `json:"-"` // for POST /v1/auth
	IPNSecret string `json:"-"` // the account's IPN secret key

	engine  *engine.Engine
	api     *emulator.API
	ipns    *ipn.Sender
	pace    *emulator.Pacemaker
	keeper  *keeper // nil: nothing is kept
	http    *http.Server
	stop    context.CancelFunc
	running *sync.WaitGroup
	auto    bool
}

// NewServer starts a server on a free loopback port, or on that of
// [WithAddress]. It fails if an option is invalid or the port cannot be had.
func NewServer(opts ...Option) (*Server, error) {
	s, err := chosen(opts)
	if err != nil {
		return nil, wrap(err)
	}
	e, err := engine.New(s.engine)
	if err != nil {
		return nil, wrap(err)
	}
	life, stop := context.WithCancel(context.Background()) //nolint:forbidigo // Close ends it
	kept, empty, err := load(context.WithoutCancel(life), s.state, e)
	if err == nil && empty {
		err = e.Preload(s.payments)
	}
	if err != nil {
		stop()
		return nil, wrap(err)
	}
	listener, err := new(net.ListenConfig).Listen(life, "tcp", s.address)
	if err != nil {
		stop()
		return nil, wrap(err)
	}
	url := "http://" + reachable(listener.Addr())
	account := e.Account()
	s.ipn.Secret, s.ipn.Seed, s.ipn.Now = account.IPNSecret, s.engine.Seed, e.Now
	server := &Server{
		URL:       url,
		APIKey:    account.APIKey,
		Email:     account.Email,
		Password:  account.Password,
		IPNSecret: account.IPNSecret,
		engine:    e,
		ipns:      ipn.NewSender(life, s.ipn),
		keeper:    kept,
		stop:      stop,
		running:   new(sync.WaitGroup),
		auto:      s.engine.StepEvery > 0,
	}
	server.pace = emulator.NewPacemaker(e, func() { _ = kept.save() }) // the next call says what fails
	server.api = emulator.New(emulator.Config{
		Engine: e, Seed: s.engine.Seed, PageURL: url, Latency: s.latency,
		Save: kept.save, Notified: server.ipns.Numbers,
	})
	e.Watch(server.changed)
	e.WatchTransfers(server.transferred)
	if kept != nil {
		kept.notify = server.ipns.Notify
	}
	if err = kept.save(); err == nil {
		err = server.start(life, listener, &s)
	}
	if err != nil {
		stop()
		server.ipns.Close()
		return nil, wrap(errors.Join(err, listener.Close()))
	}
	return server, nil
}

// chosen is what the options come to.
func chosen(opts []Option) (settings, error) {
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

// reachable is the address by which this machine reaches a listener: one on all
// addresses has none of its own.
func reachable(listener net.Addr) string {
	address, err := netip.ParseAddrPort(listener.String())
	if err != nil || !address.Addr().IsUnspecified() {
		return listener.String()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), address.Port()).String()
}

// start serves what comes to the listener, until life ends. With an error it has
// started nothing.
func (s *Server) start(life context.Context, listener net.Listener, opts *settings) error {
	var other http.Handler = s.api
	if opts.pages != nil {
		if other = opts.pages(s); other == nil {
			return errors.New("the function of pages returned none")
		}
	}
	s.http = &http.Server{
		Handler: emulator.Local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v1/") {
				s.serve(s.api, w, r)
			} else {
				s.serve(other, w, r)
			}
		}), opts.hosts),
		ConnState:         s.track,
		BaseContext:       func(net.Listener) context.Context { return life },
		ReadHeaderTimeout: 10 * time.Second,
	}
	s.running.Go(func() { s.pace.Run(life) })
	s.running.Go(func() { _ = s.http.Serve(listener) }) // until Close
	return nil
}

// changed hears of every change of a payment, as [engine.Engine.Watch] says.
func (s *Server) changed(p engine.Payment, next time.Time) {
	s.pace.Expect(next)
	if p.IPNCallbackURL == "" {
		return
	}
	s.tell(ipn.Notification{
		PaymentID: p.ID, ParentID: p.ParentID, Status: p.Status, URL: p.IPNCallbackURL, At: p.UpdatedAt,
		Body: func(camelCase bool) ([]byte, error) { return emulator.NotificationJSON(&p, camelCase) },
	})
}

// transferred hears of every change of a withdrawal or a recurring payment.
func (s *Server) transferred(t engine.Transfer) {
	if t.IPNCallbackURL == "" {
		return
	}
	at := t.UpdatedAt
	if at.IsZero() {
		at = t.CreatedAt
	}
	s.tell(ipn.Notification{
		PaymentID: t.ID, Status: t.Status, URL: t.IPNCallbackURL, At: at,
		Body: func(camelCase bool) ([]byte, error) { return emulator.TransferJSON(&t, camelCase) },
	})
}

// tell sends a notification, but not before what it tells of is saved.
func (s *Server) tell(n ipn.Notification) {
	if s.keeper == nil {
		s.ipns.Notify(n)
		return
	}
	s.keeper.tell(n)
}

// serve counts the requests under way, which outlive their connection when it
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

// Close stops the server: it cuts the requests and notifications under way,
// those that hang included, and returns when the last of them has ended and, with
// [WithState], everything is saved or has failed to be: see [Server.Err]. What
// happened can still be read. Closing twice does nothing.
func (s *Server) Close() {
	s.stop()
	s.ipns.Close()
	_ = s.http.Close()
	s.running.Wait()
	_ = s.keeper.save() // Err says what failed
}

// Client returns a client for the server's account, with API key and
// credentials. Further options come after those and so win over them.
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
