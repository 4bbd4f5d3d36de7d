package sandbox_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

// victim has the name of the state file that a process of this test uses until it
// is killed.
const victim = "JOVEPAY_TEST_STATE"

// A sandbox that is killed while it saves has lost nothing that it responded,
// and the next one continues.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	known := map[jovepay.ID]bool{}
	for range 5 {
		process, client := startVictim(t, path)
		buyUntilKilled(t, process, client, known)
	}

	s, err := sandbox.New(sandbox.WithStateFile(path))
	require.NoError(t, err)
	for id := range known {
		_, err := s.Payment(id)
		assert.NoError(t, err)
	}
	assert.GreaterOrEqual(t, len(known), 200)
	require.NoError(t, s.Close())
}

// startVictim runs a sandbox in a separate process.
func startVictim(t *testing.T, path string) (*exec.Cmd, *jovepay.Client) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	process.Env = append(os.Environ(), victim+"="+path)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	lines := bufio.NewScanner(out)
	url := ""
	for lines.Scan() && url == "" {
		url, _ = strings.CutPrefix(lines.Text(), "listening ")
		if !strings.HasPrefix(url, "http") {
			url = ""
		}
	}
	require.NotEmpty(t, url)
	client, err := jovepay.NewClient(jovepay.WithBaseURL(url), jovepay.WithAPIKey(lines.Text()))
	require.NoError(t, err)
	return process, client
}

// buyUntilKilled lets four customers make payments until the end, which comes
// in between, after at least 40 of them, and adds those with a response to
// known.
func buyUntilKilled(t *testing.T, process *exec.Cmd, client *jovepay.Client, known map[jovepay.ID]bool) {
	t.Helper()
	var mu sync.Mutex
	wanted := len(known) + 40
	var customers sync.WaitGroup
	enough := make(chan struct{}, 1)
	for range 4 {
		customers.Go(func() {
			for {
				p, err := client.Payments.Create(t.Context(), jovepay.PaymentRequest{
					PriceAmount: jovepay.MustAmount("10"), PriceCurrency: "usd", PayCurrency: "btc", OrderID: "A", Case: "success",
				})
				if err != nil {
					return
				}
				mu.Lock()
				known[p.ID] = true
				if len(known) >= wanted {
					select {
					case enough <- struct{}{}:
					default:
					}
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	require.NoError(t, process.Process.Kill())
	customers.Wait()
	require.Error(t, process.Wait())
}

func TestVictim(t *testing.T) {
	t.Parallel()
	path := os.Getenv(victim)
	if path == "" {
		t.Skip("run by TestKilled")
	}
	s, err := sandbox.New(sandbox.WithStateFile(path))
	require.NoError(t, err)
	fmt.Printf("listening %s\n%s\n", s.URL, s.APIKey)
	<-t.Context().Done()
}

// What one sandbox knew the next one knows, the clock and the prices included.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	first, err := sandbox.New(sandbox.WithStateFile(path), nil)
	require.NoError(t, err)
	client, err := first.Client()
	require.NoError(t, err)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd", OrderID: "A"})
	require.NoError(t, err)
	p, err := first.CheckOut(invoice.ID, "trx")
	require.NoError(t, err)
	p, err = first.Pay(p.ID)
	require.NoError(t, err)
	require.NoError(t, first.SetPrice("trx", jovepay.MustAmount("0.5")))
	_, err = sandbox.New(sandbox.WithStateFile(path))
	require.ErrorContains(t, err, "is in use by another sandbox")
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())

	second, err := sandbox.New(sandbox.WithStateFile(path))
	require.NoError(t, err)
	again, err := second.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, string(p.Raw), string(again.Raw))
	onInvoice, err := second.InvoicePayments(invoice.ID)
	require.NoError(t, err)
	assert.Len(t, onInvoice, 1)
	price, err := second.Estimate(jovepay.MustAmount("1"), "usd", "trx")
	require.NoError(t, err)
	assert.Equal(t, "2", price.String())
	require.NoError(t, second.Close())

	_, err = sandbox.New(sandbox.WithStateFile(path), sandbox.WithServer(jovepaytest.WithSeed(9)))
	assert.Error(t, err, "another seed")
	third, err := sandbox.New(sandbox.WithStateFile(path))
	require.NoError(t, err)
	require.NoError(t, third.Close())
}

// Records that are whole, but are not what a server has written, are rejected
// too, and left alone.
func TestStrangeRecords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	for _, r := range []jovepaytest.StateRecord{record("payment", "1", `{}`), record("payment", "x", `[1]`), record("novelty", "1", `{"a":1}`)} {
		state := openState(t, path)
		require.NoError(t, state.Save(t.Context(), []jovepaytest.StateRecord{r}))
		require.NoError(t, state.Close())
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = sandbox.New(sandbox.WithStateFile(path))
		require.Error(t, err)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, before, after)
		require.NoError(t, os.Remove(path))
	}
}
