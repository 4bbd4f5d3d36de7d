package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

func (c *cli) ipnCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ipn",
		Short: "Send, receive and verify notifications",
		Long: `JovePay notifies a shop of changes to a payment with signed HTTP requests (IPN,
instant payment notifications). The secret that signs them comes from
JOVEPAY_IPN_SECRET, --ipn-secret-file or --sandbox.`,
		Example: `  jovepay --sandbox ipn listen --count 1 --timeout 1m`,
	}
	cmd.AddCommand(c.sendIPNCommand(), c.verifyIPNCommand(), c.listenIPNCommand())
	return cmd
}

// formFlag adds --form for the forms to accept.
func (c *cli) formFlag(cmd *cobra.Command, accepted *[]string) {
	cmd.Flags().StringArrayVar(accepted, "form", nil, "accept only signatures of `form`; may be repeated")
	c.completeFlag(cmd, "form", forms)
}

// verifier returns a verifier with the configured secret. It accepts all forms
// unless some are named.
func (c *cli) verifier(ctx context.Context, accepted []string) (*jovepay.IPNVerifier, error) {
	secret, err := c.sources().IPNSecret(ctx)
	if err != nil {
		return nil, err
	}
	var opts []jovepay.IPNOption
	if len(accepted) > 0 {
		forms := make([]jovepay.IPNForm, len(accepted))
		for i, form := range accepted {
			forms[i] = jovepay.IPNForm(form)
		}
		opts = append(opts, jovepay.WithIPNForms(forms...))
	}
	verifier, err := jovepay.NewIPNVerifier(secret, opts...)
	if err != nil {
		return nil, fail.Usage("%w", err)
	}
	return verifier, nil
}

const remoteHint = "To allow it, add --remote."

// shopURL checks the URL of a shop's handler, which must be on this machine
// unless remote is true. Errors do not repeat it: it may contain a password.
func shopURL(name, raw string, remote bool, hint string) error {
	target, err := url.Parse(raw)
	switch {
	case err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == "":
		return fail.Usage("%s: want a URL such as http://127.0.0.1:4011/ipn", name)
	case !remote && !setup.Loopback(target.Hostname()):
		return fail.With(fail.BadUsage, hint, fmt.Errorf("%s: want a host on this machine, got %s", name, target.Host))
	}
	return nil
}

const (
	maxResponse   = 1 << 20
	shownResponse = 2 << 10
)

// response is a shop's response to a notification.
type response struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// responseSummary is as much of a response as is shown.
type responseSummary struct {
	Status int    `json:"status"`
	Took   string `json:"took"`
	Body   string `json:"body,omitzero"` // its first bytes
}

func (r *response) summary() responseSummary {
	text := string(r.body[:min(len(r.body), shownResponse)])
	return responseSummary{r.status, r.took.Round(time.Microsecond).String(), strings.ToValidUTF8(text, "�")}
}

// post sends a notification. Redirects are not followed: they could lead to
// another machine.
func (c *cli) post(ctx context.Context, target string, header http.Header, body []byte) (*response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	client := &http.Client{
		Transport:     c.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, maxResponse))
	if err != nil {
		return nil, err
	}
	return &response{res.StatusCode, res.Header, content, time.Since(start)}, nil
}
