package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/testevent"
)

func (c *cli) ipnCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ipn",
		Short: "Send, receive and check notifications",
		Long: `JovePay tells a shop by signed notifications (IPN) what becomes of a payment.
"send" sends a shop what JovePay would, "listen" receives and checks, and
"verify" says why a signature does not match.

The IPN secret comes from JOVEPAY_IPN_SECRET, --ipn-secret-file or a sandbox.`,
		Example: `  jovepay --sandbox ipn listen --count 1 --timeout 1m`,
	}
	cmd.AddCommand(c.sendIPNCommand(), c.verifyIPNCommand(), c.listenIPNCommand())
	return cmd
}

// sending is a test notification in the making.
type sending struct {
	testevent.Event
	form    string
	body    string
	timeout time.Duration
	remote  bool
	dryRun  bool
}

func (c *cli) sendIPNCommand() *cobra.Command {
	var s sending
	cmd := &cobra.Command{
		Use:   "send URL",
		Short: "Send a shop a signed test event",
		Long: `Sends a shop a notification as JovePay would: the example of JovePay's guide,
signed with the IPN secret. Prints what the shop answers; the exit code is 0 if
that has a 2xx status, which JovePay takes as received.

--set gives a field another value, with the name that it has in the guide. A
value is JSON where it is valid JSON, so that 12, "12" and null are three
different values; order_id and order_description are text in any case. --body
sends a body of your own instead, byte for byte.

Which of five forms JovePay signs is not documented: a shop has to take them
all, and --form chooses the one to try. --camel has the names that JovePay's
shop plugins read.

Only URLs on this machine are called, unless --remote is given: a test event
looks like a paid order to the shop that gets it.`,
		Example: `  jovepay ipn send http://127.0.0.1:4011/ipn
  jovepay ipn send http://127.0.0.1:4011/ipn --status partially_paid --set order_id=order-1001
  jovepay ipn send http://127.0.0.1:4011/ipn --kind withdrawal --form php
  jovepay ipn send http://127.0.0.1:4011/ipn --form raw --camel
  jovepay ipn send http://127.0.0.1:4011/ipn --set price_amount=49.99 --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.sendIPN(cmd.Context(), s, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Kind, "kind", testevent.Payment, "`kind` of event: payment, withdrawal or recurring")
	flags.StringVar(&s.Status, "status", "", "`status` of the event (default finished)")
	flags.StringVar(&s.form, "form", string(jovepay.FormJS), "`form` to sign: js, js-arrays, php, python or raw")
	flags.BoolVar(&s.Camel, "camel", false, "names in camel case: paymentId instead of payment_id")
	flags.StringArrayVar(&s.Set, "set", nil, "`name=value` of a field; can be repeated")
	flags.StringVar(&s.body, "body", "", "send this `body`, @file or @- for the standard input")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "`time` for the shop to answer")
	flags.BoolVar(&s.remote, "remote", false, "allow URLs that are not on this machine")
	flags.BoolVar(&s.dryRun, "dry-run", false, "print body and signature, and send nothing")
	for _, flag := range []string{"kind", "status", "set", "camel"} {
		cmd.MarkFlagsMutuallyExclusive("body", flag)
	}
	c.completeFlag(cmd, "kind", kinds)
	c.completeFlag(cmd, "status", eventStatuses)
	c.completeFlag(cmd, "form", forms)
	return cmd
}

func (c *cli) sendIPN(ctx context.Context, s sending, address string) error {
	target, err := s.check(address)
	if err != nil {
		return err
	}
	body, err := c.testBody(s)
	if err != nil {
		return err
	}
	secret, err := c.sources().IPNSecret(ctx)
	if err != nil {
		return err
	}
	signature, err := testevent.Sign(secret, body, jovepay.IPNForm(s.form))
	if err != nil {
		return fail.Usage("%w", err)
	}
	if s.dryRun {
		return c.showUnsent(body, signature)
	}
	return c.send(ctx, target, body, signature, s.timeout)
}

// check refuses what cannot be sent, and where it may not go.
func (s *sending) check(raw string) (*url.URL, error) {
	target, err := url.Parse(raw)
	switch {
	case err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == "":
		return nil, fail.Usage("URL: want something like http://127.0.0.1:4011/ipn")
	case !s.remote && !setup.Loopback(target.Hostname()):
		return nil, fail.With(fail.WrongUse, "A test event looks like a paid order to the shop that gets it. If that is meant, add --remote.",
			fmt.Errorf("%s is not on this machine", target.Host))
	case !slices.Contains(testevent.Forms(), s.form):
		return nil, fail.Usage("--form: want one of %s, got %q", strings.Join(testevent.Forms(), ", "), s.form)
	case s.timeout <= 0:
		return nil, fail.Usage("--timeout: want a positive duration such as 30s")
	}
	return target, nil
}

func (c *cli) testBody(s sending) ([]byte, error) {
	if s.body != "" {
		return c.input("--body", s.body)
	}
	body, err := s.Body()
	if err != nil {
		return nil, fail.Usage("%w", err)
	}
	return body, nil
}

func (c *cli) showUnsent(body []byte, signature string) error {
	document := struct {
		Body      string `json:"body"`
		Header    string `json:"header"`
		Signature string `json:"signature"`
	}{string(body), jovepay.IPNSignatureHeader, signature}
	return c.print.Show(document, func(t *output.Text) {
		t.Line("%s: %s\n", document.Header, signature)
		t.Line("%s", document.Body)
	})
}

// shopAnswer is what a shop answered.
type shopAnswer struct {
	Status int    `json:"status"`
	Took   string `json:"took"`
	Body   string `json:"body,omitzero"` // its beginning
}

func (c *cli) send(ctx context.Context, target *url.URL, body []byte, signature string, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set(jovepay.IPNSignatureHeader, signature)
	answer, err := c.post(waiting, target.String(), header, body)
	switch {
	case err != nil && ctx.Err() == nil && waiting.Err() != nil:
		return fail.With(fail.TimedOut, "", fmt.Errorf("the shop does not answer within %v", timeout))
	case err != nil:
		return fmt.Errorf("the shop does not answer: %w", err)
	}
	begin := answer.begin()
	err = c.print.Show(begin, func(t *output.Text) {
		t.Line("%d %s (%s)", begin.Status, http.StatusText(begin.Status), begin.Took)
		for line := range strings.Lines(begin.Body) {
			t.Line("%s", strings.TrimRight(line, "\r\n"))
		}
	})
	if err == nil && (answer.status < 200 || answer.status > 299) {
		return fmt.Errorf("the shop answered %d: JovePay would send this notification again", answer.status)
	}
	return err
}

// reply is an answer to a notification, for whoever sent it.
type reply struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

const (
	largestAnswer = 1 << 20
	shownAnswer   = 2 << 10
)

// begin returns as much of the answer as is shown.
func (r *reply) begin() shopAnswer {
	text := string(r.body[:min(len(r.body), shownAnswer)])
	return shopAnswer{r.status, r.took.Round(time.Microsecond).String(), strings.ToValidUTF8(text, "�")}
}

// post sends a notification. A redirect is an answer like any other: it could
// lead to another machine.
func (c *cli) post(ctx context.Context, target string, header http.Header, body []byte) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	client := &http.Client{
		Transport:     c.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	begun := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil {
		return nil, err
	}
	return &reply{res.StatusCode, res.Header, answer, time.Since(begun)}, nil
}
