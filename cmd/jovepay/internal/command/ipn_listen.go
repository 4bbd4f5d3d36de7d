package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

// largestIPN is what IPNVerifier reads of a notification by default.
const largestIPN = 64 << 10

// listening is how notifications are received.
type listening struct {
	address, path string
	forward       string
	answer        int
	count         int
	timeout       time.Duration
	only          []string
	remote        bool
}

func (c *cli) listenIPNCommand() *cobra.Command {
	var l listening
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive notifications, check them and print them",
		Long: `Receives notifications on this machine, checks their signatures and prints a line
for each. It answers 200 to genuine ones and 401 to others, and ends after
--count of them or with Ctrl-C, which is no failure unless --count is given. If
one of them was not genuine, the exit code is 6 in the end. An event that was
received before is marked "again".

With --forward every notification is passed on to a shop, its body and headers
untouched but for those about the connection, whether genuine or not, and the
shop's answer goes back to the sender: a look at the traffic between JovePay and
a shop.

JovePay cannot reach this machine; "jovepay sandbox" and "jovepay ipn send" can.`,
		Example: `  jovepay --sandbox ipn listen --count 1 --timeout 1m
  jovepay ipn listen --address 127.0.0.1:0 --timeout 10s
  jovepay ipn listen --forward http://127.0.0.1:8080/ipn --timeout 10s
  jovepay ipn listen --answer 503 --timeout 10s --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.check(); err != nil {
				return err
			}
			verifier, err := c.verifier(cmd, l.only)
			if err != nil {
				return err
			}
			return c.listen(cmd.Context(), &l, verifier)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&l.address, "address", "127.0.0.1:4011", "`address` to listen at; port 0 is any free one")
	flags.StringVar(&l.path, "path", "/ipn", "`path` of the URL")
	flags.StringVar(&l.forward, "forward", "", "`URL` of the shop's own handler to pass everything on to")
	flags.IntVar(&l.answer, "answer", 0, "answer genuine ones with this `status`, to see them sent again")
	flags.IntVar(&l.count, "count", 0, "end after so many notifications; 0 never does")
	flags.DurationVar(&l.timeout, "timeout", 0, "end after this `time`; with exit code 8 if --count have not come")
	flags.StringArrayVar(&l.only, "form", nil, "accept this `form` only; can be repeated")
	flags.BoolVar(&l.remote, "remote", false, "allow an address or a URL that is not on this machine")
	cmd.MarkFlagsMutuallyExclusive("forward", "answer")
	c.completeFlag(cmd, "form", forms)
	return cmd
}

func (l *listening) check() error {
	target, err := url.Parse(l.forward)
	switch {
	case err != nil, l.forward != "" && (target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == ""):
		return fail.Usage("--forward: want something like http://127.0.0.1:8080/ipn")
	case l.forward != "" && !l.remote && !setup.Loopback(target.Hostname()):
		return fail.With(fail.WrongUse, "If that is meant, add --remote.", fmt.Errorf("%s is not on this machine", target.Host))
	case !l.remote && !setup.LoopbackAddress(l.address):
		return fail.With(fail.WrongUse, "If that is meant, add --remote.", fmt.Errorf("--address: want one of this machine only, such as 127.0.0.1:4011, got %q", l.address))
	case len(l.path) == 0 || l.path[0] != '/':
		return fail.Usage("--path: want a path such as /ipn")
	case l.count < 0 || l.timeout < 0:
		return fail.Usage("--count and --timeout: want 0 or more")
	case l.answer != 0 && (l.answer < 200 || l.answer > 599):
		return fail.Usage("--answer: want a status such as 503")
	}
	return nil
}

// receipt is a notification as it was received.
type receipt struct {
	ReceivedAt time.Time `json:"received_at"`
	verdict
	Again     bool        `json:"again,omitzero"`
	Answered  int         `json:"answered"`
	Forwarded *shopAnswer `json:"forwarded,omitzero"`
	Problem   string      `json:"problem,omitzero"` // why it could not be passed on
}

// receiver is the handler of "ipn listen".
type receiver struct {
	*cli
	*listening
	verifier *jovepay.IPNVerifier
	end      context.CancelFunc

	mu       sync.Mutex
	seen     map[string]bool // keys of events
	received int
	refused  int
	fault    error // the output cannot be written
}

func (c *cli) listen(ctx context.Context, l *listening, verifier *jovepay.IPNVerifier) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	waiting, end := context.WithCancel(ctx)
	defer end()
	r := &receiver{cli: c, listening: l, verifier: verifier, end: end, seen: map[string]bool{}}
	server := &http.Server{
		Handler:           r,
		ReadTimeout:       15 * time.Second,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	where := "http://" + listener.Addr().String() + l.path
	c.print.Note("listening", where, "Listening at "+where+". Ctrl-C ends it.")

	var over <-chan time.Time
	if l.timeout > 0 {
		timer := time.NewTimer(l.timeout)
		defer timer.Stop()
		over = timer.C
	}
	timedOut := false
	select {
	case <-waiting.Done():
	case <-over:
		timedOut = true
	case err := <-served:
		return fmt.Errorf("listening: %w", err)
	}
	// Answers under way are finished, so that nothing that was counted is
	// sent again.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close() // it is over in any case
	}
	return r.outcome(ctx, timedOut)
}

func (r *receiver) outcome(ctx context.Context, timedOut bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.fault != nil:
		return r.fault
	case r.refused > 0:
		return fail.With(fail.NotGenuine, "", fmt.Errorf("%d of %d notifications are not genuine", r.refused, r.received))
	case timedOut && r.received < r.count:
		return fail.With(fail.TimedOut, "", fmt.Errorf("%d of %d notifications came within %v", r.received, r.count, r.timeout))
	case ctx.Err() != nil && r.received < r.count:
		return context.Cause(ctx)
	}
	return nil
}

// ServeHTTP takes a notification.
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
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, largestIPN))
	if err != nil {
		status := http.StatusBadRequest
		if limit := (*http.MaxBytesError)(nil); errors.As(err, &limit) {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	got := receipt{ReceivedAt: time.Now().UTC()}
	req.Body = io.NopCloser(bytes.NewReader(body))
	event, err := r.verifier.ParseRequest(req)
	if err == nil {
		got.verdict, got.Answered = genuine(event), http.StatusOK
		if r.answer != 0 {
			got.Answered = r.answer
		}
	} else {
		found := r.verifier.Diagnose(body, req.Header.Get(jovepay.IPNSignatureHeader))
		got.verdict = verdict{Error: err.Error(), Tried: found.Tried, Findings: found.Findings}
		got.Answered = http.StatusUnauthorized
	}
	if r.forward != "" {
		r.passOn(req, body, w, &got)
	} else {
		w.WriteHeader(got.Answered)
	}
	// The sender has its answer before the last notification ends the server.
	_ = http.NewResponseController(w).Flush()
	r.note(event, got)
}

// passOn gives the shop what came, and the sender the shop's answer.
func (r *receiver) passOn(req *http.Request, body []byte, w http.ResponseWriter, got *receipt) {
	header := req.Header.Clone()
	for _, hop := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te", "Trailer", "Expect"} {
		header.Del(hop) // they are about the connection, not the message
	}
	header.Del("Accept-Encoding") // net/http unpacks only what it asked for itself
	if header["User-Agent"] == nil {
		header["User-Agent"] = nil // or net/http adds its own
	}
	answer, err := r.post(req.Context(), r.forward, header, body)
	if err != nil {
		got.Answered, got.Problem = http.StatusBadGateway, err.Error()
		w.WriteHeader(got.Answered)
		return
	}
	begin := answer.begin()
	got.Answered, got.Forwarded = answer.status, &begin
	for _, name := range []string{"Content-Type", "Content-Encoding", "Retry-After"} {
		if value := answer.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // a sender that has gone sends it again
}

// note prints a notification, and ends the listening with the last one.
func (r *receiver) note(event jovepay.Event, got receipt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count > 0 && r.received >= r.count {
		return // one more, while the last was being answered
	}
	r.received++
	if got.Genuine {
		got.Again = r.seen[got.Key]
		r.seen[got.Key] = true
	} else {
		r.refused++
	}
	if err := r.print.Show(got, func(t *output.Text) { receiptLines(t, event, got) }); err != nil {
		r.fault = err
		r.end()
	}
	if r.count > 0 && r.received >= r.count {
		r.end()
	}
}

func receiptLines(t *output.Text, event jovepay.Event, got receipt) {
	about := "NOT GENUINE"
	if got.Genuine {
		about = "genuine (" + string(got.Form) + ")  " + summary(event)
	}
	if got.Again {
		about += "  again"
	}
	t.Line("%s  %s  answered %d", got.ReceivedAt.Format(time.RFC3339), about, got.Answered)
	if !got.Genuine && len(got.Findings) == 0 {
		t.Line("  - %s", got.Error)
	}
	for _, finding := range got.Findings {
		t.Line("  - %s", finding)
	}
	if got.Problem != "" {
		t.Line("  - It could not be passed on: %s", got.Problem)
	}
}

// summary says on one line what an event is about.
func summary(event jovepay.Event) string {
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
			text += fmt.Sprintf(" second deposit to %s", e.ParentPaymentID)
		}
		return text
	case *jovepay.WithdrawalEvent:
		return fmt.Sprintf("withdrawal %s %s %s", e.ID, e.Status, output.Money(e.Amount, e.Currency))
	case *jovepay.RecurringPaymentEvent:
		return fmt.Sprintf("recurring payment %s %s %s", e.ID, e.Status, output.Money(e.Amount, e.Currency))
	}
	return "an event of a kind that is not known"
}
