package command

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/testevent"
)

// sendOptions are the flags of "ipn send".
type sendOptions struct {
	testevent.Event
	form    string
	data    string
	timeout time.Duration
	remote  bool
	dryRun  bool
}

func (c *cli) sendIPNCommand() *cobra.Command {
	s := sendOptions{Event: testevent.Event{Kind: testevent.Payment}, form: string(jovepay.FormJS)}
	cmd := &cobra.Command{
		Use:   "send URL",
		Short: "Send a signed test notification to a shop",
		Long: `Send a shop the example notification of JovePay's guide, signed with the IPN
secret, and print the response. The exit code is 0 if its status is 2xx, which
JovePay counts as delivered.

--set changes a field, named as in the guide. The value is read as JSON if it is
valid JSON, so 12, "12" and null differ; order_id and order_description are
always text. --data sends your own body instead, byte for byte.

JovePay's guide does not say which of five forms it signs, so a shop should
accept all of them. --form selects one. --camel uses the field names that
JovePay's shop plugins read.

Only URLs on this machine are called unless --remote is given: to a shop, a test
event looks like a paid order.`,
		Example: `  jovepay ipn send http://127.0.0.1:4011/ipn
  jovepay ipn send http://127.0.0.1:4011/ipn --status partially_paid --set order_id=order-1001
  jovepay ipn send http://127.0.0.1:4011/ipn --kind withdrawal --form php
  jovepay ipn send http://127.0.0.1:4011/ipn --form raw --camel
  jovepay ipn send http://127.0.0.1:4011/ipn --set price_amount=49.99 --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.sendIPN(cmd.Context(), s, args[0]) },
	}
	flags := cmd.Flags()
	c.choiceFlag(cmd, &s.Kind, "kind", "kind", "send an event of `kind` payment, withdrawal or recurring", kinds)
	flags.StringVar(&s.Status, "status", "", "send an event with `status` (default finished)")
	c.choiceFlag(cmd, &s.form, "form", "form", "sign in `form` js, js-arrays, php, python or raw", forms)
	flags.BoolVar(&s.Camel, "camel", false, "use camel case names: paymentId for payment_id")
	flags.StringArrayVar(&s.Set, "set", nil, "set a field, as `name=value`; may be repeated")
	flags.StringVarP(&s.data, "data", "d", "", "send `body`, @file or @- for standard input")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "wait up to `duration` for the response")
	flags.BoolVar(&s.dryRun, "dry-run", false, "print the body and the signature, and send nothing")
	flags.BoolVar(&s.remote, "remote", false, "allow a URL on another machine")
	exclude(cmd, "data", "kind", "status", "set", "camel")
	c.completeFlag(cmd, "status", eventStatuses)
	return cmd
}

func (c *cli) sendIPN(ctx context.Context, s sendOptions, target string) error {
	if err := shopURL("URL", target, s.remote, "To a shop, a test event looks like a paid order. "+remoteHint); err != nil {
		return err
	}
	if s.timeout <= 0 {
		return fail.Usage("--timeout: want a positive duration such as 30s, got %v", s.timeout)
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
		return c.showNotification(body, signature)
	}
	return c.send(ctx, target, body, signature, s.timeout)
}

func (c *cli) testBody(s sendOptions) ([]byte, error) {
	if s.data != "" {
		return c.input("--data", s.data)
	}
	body, err := s.Body()
	if err != nil {
		return nil, fail.Usage("%w", err)
	}
	return body, nil
}

func (c *cli) showNotification(body []byte, signature string) error {
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

func (c *cli) send(ctx context.Context, target string, body []byte, signature string, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set(jovepay.IPNSignatureHeader, signature)
	res, err := c.post(waiting, target, header, body)
	switch {
	case err != nil && ctx.Err() == nil && waiting.Err() != nil:
		return fail.With(fail.TimedOut, "", fmt.Errorf("no response from the shop within %v", timeout))
	case err != nil:
		return fmt.Errorf("no response from the shop: %w", err)
	}
	shown := res.summary()
	err = c.print.Show(shown, func(t *output.Text) {
		t.Line("%d %s (%s)", shown.Status, http.StatusText(shown.Status), shown.Took)
		for line := range strings.Lines(shown.Body) {
			t.Line("%s", strings.TrimRight(line, "\r\n"))
		}
	})
	if err == nil && (res.status < 200 || res.status > 299) {
		return fmt.Errorf("the shop responded with status %d, want 2xx: JovePay would retry this notification", res.status)
	}
	return err
}
