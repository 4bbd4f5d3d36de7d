package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

// The IDs in the examples of the help texts.
const (
	examplePayment = "5745459419"
	exampleInvoice = "6012345678"

	exampleMemo       = "5745459420"
	exampleExpired    = "5745459421"
	exampleWithdrawal = "7012345678"
	exampleRecurring  = "8012345678"
)

// exampleWorld is what the examples need to run.
type exampleWorld struct {
	dir  string
	box  *sandbox.Sandbox
	shop string // URL of a shop's IPN handler
	env  []string
}

// TestExamplesWork runs every line of the examples in the help texts in a shell,
// with a sandbox.
func TestExamplesWork(t *testing.T) {
	t.Parallel()
	w := newExampleWorld(t)
	ran := 0
	for _, cmd := range commands() {
		for line := range strings.Lines(cmd.Example) {
			line := strings.TrimSpace(line)
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				w.run(t, line)
			})
			ran++
		}
	}
	assert.Greater(t, ran, 60)
}

func newExampleWorld(t *testing.T) *exampleWorld {
	t.Helper()
	box, err := sandbox.New()
	require.NoError(t, err)
	verifier, err := jovepay.NewIPNVerifier(box.IPNSecret)
	require.NoError(t, err)
	shop := httptest.NewServer(verifier.Handler(func(context.Context, jovepay.Event) error { return nil }))
	t.Cleanup(func() {
		shop.Close()
		assert.NoError(t, box.Close())
	})
	const body = `{"payment_id":1,"payment_status":"finished"}`
	require.NoError(t, box.SendIPN(t.Context(), shop.URL+"/ipn", []byte(body))) // to be sent again
	w := &exampleWorld{dir: t.TempDir(), box: box, shop: shop.URL + "/ipn"}
	for name, content := range map[string]string{"body.json": body, "old-secret.txt": "old-secret-0123456789"} {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600))
	}
	w.env = append(os.Environ(), "GORACE="+quickExit,
		"JOVEPAY_BASE_URL="+box.URL, "JOVEPAY_API_KEY="+box.APIKey, "JOVEPAY_EMAIL="+box.Email,
		"JOVEPAY_PASSWORD="+box.Password, "JOVEPAY_IPN_SECRET="+box.IPNSecret, "JOVEPAY_SANDBOX=",
		"SIGNATURE="+verifier.Sign([]byte(body)))
	return w
}

// serves matches the examples that run until they are interrupted.
var serves = regexp.MustCompile(`^jovepay sandbox($| --)`)

func (w *exampleWorld) run(t *testing.T, line string) {
	t.Helper()
	env := w.env
	here := strings.TrimPrefix(w.box.URL, "http://")
	steers := strings.Contains(line, "jovepay sandbox ")
	line = strings.NewReplacer(
		"--sandbox ", "--sandbox="+here+" ",
		"http://127.0.0.1:4011/ipn", w.shop,
		"http://127.0.0.1:8080/ipn", w.shop,
		"--timeout 1m", "--timeout 100ms",
		"--timeout 10s", "--timeout 100ms",
	).Replace(w.replaceIDs(t, line))
	codes := []int{0}
	switch {
	case serves.MatchString(line):
		w.serve(t, line)
		return
	case steers:
		env = append(slices.Clip(env), "JOVEPAY_SANDBOX="+here)
	case strings.Contains(line, "ipn listen"):
		if !strings.Contains(line, "--address") {
			line += " --address 127.0.0.1:0"
		}
		codes = append(codes, 8) // nothing is sent
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", line)
	cmd.Dir, cmd.Env = w.dir, env
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		require.NoError(t, err)
	}
	assert.Contains(t, codes, cmd.ProcessState.ExitCode(), "%s\n%s", line, out)
}

// replaceIDs replaces the IDs of an example with those of a new payment and
// invoice.
func (w *exampleWorld) replaceIDs(t *testing.T, line string) string {
	t.Helper()
	client, err := w.box.Client()
	require.NoError(t, err)
	if strings.Contains(line, examplePayment) {
		p, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc",
		})
		require.NoError(t, err)
		if strings.Contains(line, "watch") || strings.Contains(line, "refund") {
			_, err := w.box.Pay(p.ID)
			require.NoError(t, err)
		}
		line = strings.ReplaceAll(line, examplePayment, string(p.ID))
	}
	if strings.Contains(line, exampleInvoice) {
		invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{
			PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc",
		})
		require.NoError(t, err)
		line = strings.ReplaceAll(line, exampleInvoice, string(invoice.ID))
	}
	if strings.Contains(line, exampleMemo) {
		p, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "xrp",
		})
		require.NoError(t, err)
		_, err = w.box.DepositWithoutMemo(p.ID, jovepay.Amount{}) // to be found
		require.NoError(t, err)
		line = strings.ReplaceAll(line, exampleMemo, string(p.ID))
	}
	if strings.Contains(line, exampleExpired) {
		p, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
			PriceAmount: jovepay.MustAmount("49.99"), PriceCurrency: "usd", PayCurrency: "btc",
		})
		require.NoError(t, err)
		_, err = w.box.Expire(p.ID)
		require.NoError(t, err)
		line = strings.ReplaceAll(line, exampleExpired, string(p.ID))
	}
	if strings.Contains(line, exampleWithdrawal) {
		made, err := w.box.Withdraw(jovepaytest.WithdrawalRequest{Currency: "btc", Amount: jovepay.MustAmount("1"), Address: "there"})
		require.NoError(t, err)
		line = strings.ReplaceAll(line, exampleWithdrawal, string(made.ID))
	}
	if strings.Contains(line, exampleRecurring) {
		made, err := w.box.Recur(jovepaytest.RecurringRequest{Currency: "btc", Amount: jovepay.MustAmount("1")})
		require.NoError(t, err)
		line = strings.ReplaceAll(line, exampleRecurring, string(made.ID))
	}
	return line
}

// serve runs an example until it responds, and interrupts it.
func (w *exampleWorld) serve(t *testing.T, line string) {
	t.Helper()
	if !strings.Contains(line, "--address") {
		line += " --address 127.0.0.1:0"
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "exec "+line)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	begin := make([]byte, 4096)
	n, err := out.Read(begin)
	require.NoError(t, err)
	address := regexp.MustCompile(`http://[\d.:]+\d`).Find(begin[:n])
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(address)+"/v1/status", nil)
	require.NoError(t, err)
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
}
