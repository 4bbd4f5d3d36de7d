package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

// maxIPN is the body limit of IPNVerifier by default.
const maxIPN = 64 << 10

// listenOptions are the flags of "ipn listen".
type listenOptions struct {
	address, path string
	forward       string
	respond       int
	count         int
	timeout       time.Duration
	accepted      []string // forms
	remote        bool
}

func (c *cli) listenIPNCommand() *cobra.Command {
	var l listenOptions
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive notifications and verify them",
		Long: `Receive notifications on this machine, verify their signatures and print a line
for each. Genuine ones get the status 200, others 401. An event that was
received before is marked as a duplicate. The command stops after --count
notifications or on Ctrl-C; the exit code is 6 if any was not genuine.

With --forward, send each notification on to a shop, genuine or not, and the
shop's response back to the sender. The body and the headers stay unchanged,
except for headers about the connection.

JovePay cannot reach this machine; "jovepay sandbox" and "jovepay ipn send" can.`,
		Example: `  jovepay --sandbox ipn listen --count 1 --timeout 1m
  jovepay ipn listen --address 127.0.0.1:0 --timeout 10s
  jovepay ipn listen --forward http://127.0.0.1:8080/ipn --timeout 10s
  jovepay ipn listen --respond 503 --timeout 10s --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.check(); err != nil {
				return err
			}
			verifier, err := c.verifier(cmd.Context(), l.accepted)
			if err != nil {
				return err
			}
			return c.listen(cmd.Context(), &l, verifier)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&l.address, "address", "127.0.0.1:4011", "listen on `address`; port 0 picks a free one")
	flags.StringVar(&l.path, "path", "/ipn", "receive notifications at `path`")
	flags.StringVar(&l.forward, "forward", "", "forward notifications to the shop at `url`")
	flags.IntVar(&l.respond, "respond", 0, "respond to genuine notifications with status `n`, to have them retried")
	flags.IntVar(&l.count, "count", 0, "stop after `n` notifications")
	flags.DurationVar(&l.timeout, "timeout", 0, "stop after `duration`, with exit code 8 if fewer than --count arrived")
	flags.BoolVar(&l.remote, "remote", false, "allow an address or a URL on another machine")
	exclude(cmd, "forward", "respond")
	c.formFlag(cmd, &l.accepted)
	return cmd
}

func (l *listenOptions) check() error {
	switch {
	case !l.remote && !setup.LoopbackAddress(l.address):
		return fail.With(fail.BadUsage, remoteHint, fmt.Errorf("--address: want an address of this machine such as 127.0.0.1:4011, got %q", l.address))
	case len(l.path) == 0 || l.path[0] != '/':
		return fail.Usage("--path: want a path such as /ipn, got %q", l.path)
	case l.count < 0:
		return fail.Usage("--count: want 0 or more, got %d", l.count)
	case l.timeout < 0:
		return fail.Usage("--timeout: want 0 or more, got %v", l.timeout)
	case l.respond != 0 && (l.respond < 200 || l.respond > 599):
		return fail.Usage("--respond: want a status from 200 to 599, got %d", l.respond)
	case l.forward != "":
		return shopURL("--forward", l.forward, l.remote, remoteHint)
	}
	return nil
}

// receipt describes a notification that was received.
type receipt struct {
	ReceivedAt time.Time `json:"received_at"`
	verdict
	Duplicate    bool             `json:"duplicate,omitzero"`
	StatusCode   int              `json:"status_code"` // of the response
	Forwarded    *responseSummary `json:"forwarded,omitzero"`
	ForwardError string           `json:"forward_error,omitzero"`
}

// receiver is the handler of "ipn listen".
type receiver struct {
	*cli
	*listenOptions
	verifier *jovepay.IPNVerifier
	stop     context.CancelFunc

	mu         sync.Mutex
	seen       map[string]bool // keys of events
	received   int
	notGenuine int
	printErr   error
}

func (c *cli) listen(ctx context.Context, l *listenOptions, verifier *jovepay.IPNVerifier) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	r := &receiver{cli: c, listenOptions: l, verifier: verifier, stop: stop, seen: map[string]bool{}}
	server := &http.Server{
		Handler:           r,
		ReadTimeout:       15 * time.Second,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String() + l.path
	c.print.Note("listening", url, "Listening on "+url+". Press Ctrl-C to stop.")

	var timeout <-chan time.Time
	if l.timeout > 0 {
		timer := time.NewTimer(l.timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	timedOut := false
	select {
	case <-waiting.Done():
	case <-timeout:
		timedOut = true
	case err := <-served:
		return err
	}
	// Complete the responses in progress, so that no notification that was
	// counted is retried.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close() // the program exits in any case
	}
	return r.result(ctx, timedOut)
}

func (r *receiver) result(ctx context.Context, timedOut bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.printErr != nil:
		return r.printErr
	case r.notGenuine > 0:
		return fail.With(fail.NotGenuine, "", fmt.Errorf("%d of %d notifications were not genuine", r.notGenuine, r.received))
	case timedOut && r.received < r.count:
		return fail.With(fail.TimedOut, "", fmt.Errorf("received %d of %d notifications within %v", r.received, r.count, r.timeout))
	case ctx.Err() != nil && r.received < r.count:
		return context.Cause(ctx)
	}
	return nil
}

// ServeHTTP receives a notification.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Path != r.path:
		http.NotFound(w, req)
		return
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxIPN))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	got := receipt{ReceivedAt: time.Now().UTC()}
	req.Body = io.NopCloser(bytes.NewReader(body))
	event, err := r.verifier.ParseRequest(req)
	if err == nil {
		got.verdict, got.StatusCode = genuine(event), http.StatusOK
		if r.respond != 0 {
			got.StatusCode = r.respond
		}
	} else {
		diagnosis := r.verifier.Diagnose(body, req.Header.Get(jovepay.IPNSignatureHeader))
		got.verdict, got.StatusCode = notGenuine(err, diagnosis), http.StatusUnauthorized
	}
	if r.forward != "" {
		r.forwardTo(w, req, body, &got)
	} else {
		w.WriteHeader(got.StatusCode)
	}
	// Send the response before the last notification stops the server.
	_ = http.NewResponseController(w).Flush()
	r.record(event, got)
}

// forwardTo sends a notification to the shop, and the shop's response to the
// sender.
func (r *receiver) forwardTo(w http.ResponseWriter, req *http.Request, body []byte, got *receipt) {
	header := req.Header.Clone()
	for _, hop := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te", "Trailer", "Expect"} {
		header.Del(hop) // about the connection, not the message
	}
	header.Del("Accept-Encoding") // net/http decompresses only what it requested itself
	if header["User-Agent"] == nil {
		header["User-Agent"] = nil // or net/http adds its own
	}
	res, err := r.post(req.Context(), r.forward, header, body)
	if err != nil {
		got.StatusCode, got.ForwardError = http.StatusBadGateway, err.Error()
		w.WriteHeader(got.StatusCode)
		return
	}
	summary := res.summary()
	got.StatusCode, got.Forwarded = res.status, &summary
	for _, name := range []string{"Content-Type", "Content-Encoding", "Retry-After"} {
		if value := res.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body) // a sender that has disconnected will retry
}

// record counts and prints a notification, and stops the server after the last
// one.
func (r *receiver) record(event jovepay.Event, got receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count > 0 && r.received >= r.count {
		return // it arrived during the response to the last one
	}
	r.received++
	if got.Genuine {
		got.Duplicate = r.seen[got.Key]
		r.seen[got.Key] = true
	} else {
		r.notGenuine++
	}
	if err := r.print.Show(got, func(t *output.Text) { receiptLines(t, event, got) }); err != nil {
		r.printErr = err
		r.stop()
	}
	if r.count > 0 && r.received >= r.count {
		r.stop()
	}
}

func receiptLines(t *output.Text, event jovepay.Event, got receipt) {
	about := "NOT GENUINE"
	if got.Genuine {
		about = "genuine (" + string(got.Form) + ")  " + eventLine(event)
	}
	if got.Duplicate {
		about += "  duplicate"
	}
	t.Line("%s  %s  response %d", got.ReceivedAt.Format(time.RFC3339), about, got.StatusCode)
	if !got.Genuine && len(got.Findings) == 0 {
		t.Line("  - %s", got.Error)
	}
	for _, finding := range got.Findings {
		t.Line("  - %s", finding)
	}
	if got.ForwardError != "" {
		t.Line("  - Forwarding failed: %s", got.ForwardError)
	}
}

// eventLine describes an event on one line.
func eventLine(event jovepay.Event) string {
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		text := fmt.Sprintf("payment %s %s", e.ID, e.Status)
		if e.OrderID != "" {
			text += " order " + e.OrderID
		}
		if e.ActuallyPaid.Sign() > 0 {
			text += fmt.Sprintf(" paid %s of %s", e.ActuallyPaid, output.Money(e.PayAmount, e.PayCurrency))
		}
		if e.ParentPaymentID != "" {
			text += fmt.Sprintf(" repeated deposit to %s", e.ParentPaymentID)
		}
		return text
	case *jovepay.WithdrawalEvent:
		return fmt.Sprintf("withdrawal %s %s %s", e.ID, e.Status, output.Money(e.Amount, e.Currency))
	case *jovepay.RecurringPaymentEvent:
		return fmt.Sprintf("recurring payment %s %s %s", e.ID, e.Status, output.Money(e.Amount, e.Currency))
	}
	return "unknown event"
}
