package jovepaytest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

var errFull = errors.New("the disk is full")

// memory is a state that a test can look into and let fail.
type memory struct {
	mu      sync.Mutex
	records map[[2]string]string
	batches [][]jovepaytest.StateRecord
	err     error
	gate    chan bool // nil: open
}

func newMemory(records ...jovepaytest.StateRecord) *memory {
	m := &memory{records: map[[2]string]string{}}
	for _, r := range records {
		m.records[[2]string{r.Kind, r.ID}] = string(r.Data)
	}
	return m
}

func (m *memory) Load(context.Context) ([]jovepaytest.StateRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list(), m.err
}

func (m *memory) list() (list []jovepaytest.StateRecord) {
	for key, data := range m.records { // in any order
		list = append(list, jovepaytest.StateRecord{Kind: key[0], ID: key[1], Data: []byte(data)})
	}
	return list
}

func (m *memory) Save(_ context.Context, records []jovepaytest.StateRecord) error {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	seen := map[[2]string]bool{}
	for _, r := range records {
		key := [2]string{r.Kind, r.ID}
		if seen[key] || r.ID == "" || len(r.Data) == 0 {
			return fmt.Errorf("record %v is empty or twice in the batch", key)
		}
		seen[key] = true
		m.records[key] = string(r.Data)
	}
	if len(records) == 0 {
		return errors.New("an empty batch")
	}
	m.batches = append(m.batches, slices.Clone(records))
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) snapshot() map[[2]string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}

// account is all that a server knows of its account.
func account(t *testing.T, server *jovepaytest.Server, invoices ...jovepay.ID) (list []string) {
	t.Helper()
	payments, err := server.Payments()
	require.NoError(t, err)
	for _, p := range payments {
		list = append(list, string(p.Raw)+p.ExpirationEstimateDate.String()+p.Network+p.IPNCallbackURL)
	}
	for _, id := range invoices {
		invoice, err := server.Invoice(id)
		require.NoError(t, err)
		list = append(list, strings.ReplaceAll(string(invoice.Raw), server.URL, "server"))
		of, err := server.InvoicePayments(id)
		require.NoError(t, err)
		for _, p := range of {
			list = append(list, "of invoice "+p.ID.String())
		}
	}
	currencies, err := server.Currencies()
	require.NoError(t, err)
	return append(list, fmt.Sprint(currencies, server.Now()))
}

// A server that was stopped continues as if it had not been.
func TestARestartForgetsNothing(t *testing.T) {
	t.Parallel()
	shop := newMoody(t)
	state := newMemory()
	first, never := newBusy(t, shop.URL, jovepaytest.WithState(state)), newBusy(t, shop.URL)
	var invoices []jovepay.ID
	for _, b := range []*busy{first, never} {
		b.life()
		invoice, err := b.client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("64"), PriceCurrency: "usd"})
		require.NoError(t, err)
		_, err = b.server.CheckOut(invoice.ID, "pepe")
		require.NoError(t, err)
		invoices = append(invoices, invoice.ID)
	}
	require.Equal(t, invoices[0], invoices[1])
	before := account(t, first.server, invoices[0])
	first.server.Close()
	require.NoError(t, first.server.Err())
	saved := state.snapshot()

	second := newServer(t, busyOptions(jovepaytest.WithState(state), jovepaytest.WithPayments(100))...)
	assert.Equal(t, before, account(t, second, invoices[0]))
	assert.Equal(t, saved, state.snapshot(), "there was nothing to save")

	// From here on both go the same way.
	for _, server := range []*jovepaytest.Server{second, never.server} {
		b := &busy{t: t, server: server, client: newClient(t, server), shop: shop.URL}
		list, err := b.client.Payments.List(t.Context(), jovepay.PaymentListOptions{Limit: 100, SortBy: "created_at"})
		require.NoError(t, err)
		require.NoError(t, server.SetCurrencies("btc", "ltc", "pepe"))
		for _, p := range list.Payments {
			_, err := server.Deposit(p.ID, jovepay.Amount{})
			require.NoError(t, err)
		}
		b.create("another")
		transfer, err := server.Withdraw(jovepaytest.WithdrawalRequest{Currency: "ltc", Amount: jovepay.MustAmount("3"), Address: "M"})
		require.NoError(t, err)
		_, err = server.SetWithdrawalStatus(transfer.ID, jovepay.WithdrawalFailed)
		require.NoError(t, err)
		_, err = server.MoveClock(8 * 24 * time.Hour)
		require.NoError(t, err)
	}
	assert.Equal(t, account(t, never.server, invoices[0]), account(t, second, invoices[0]))
}

// Whenever the process is killed, what is saved by then is a whole state.
func TestEverySaveLeavesAWholeState(t *testing.T) {
	t.Parallel()
	state := newMemory()
	b := newBusy(t, newMoody(t).URL, jovepaytest.WithState(state))
	b.life()
	b.server.Close()
	require.Greater(t, len(state.batches), 40)
	killed := newMemory()
	for i, batch := range state.batches {
		require.NoError(t, killed.Save(t.Context(), batch))
		at := newMemory(killed.list()...)
		server, err := jovepaytest.NewServer(busyOptions(jovepaytest.WithState(at))...)
		require.NoError(t, err, "after batch %d", i)
		server.Close()
		require.NoError(t, server.Err())
	}
	assert.Equal(t, state.records, killed.records)
}

func TestWhatIsDueGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	hands := newHands()
	state := newMemory()
	options := []jovepaytest.Option{
		jovepaytest.WithClock(hands.Now), jovepaytest.WithState(state), jovepaytest.WithAutoAdvance(time.Hour),
	}
	server := newServer(t, options...)
	s := newShop(t, server)
	client := newClient(t, server)
	forgotten, paid := createFor(t, client, s), createFor(t, client, s)
	_, err := server.Pay(paid.ID)
	require.NoError(t, err)
	_, err = server.MoveClock(90 * time.Minute)
	require.NoError(t, err)
	login, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{})
	require.NoError(t, err)
	require.Len(t, login.Payments, 2)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	server.Close()
	require.Len(t, s.heard(), 4)

	server = newServer(t, options...)
	assert.Equal(t, hands.Now().Add(90*time.Minute), server.Now(), "the clock was moved for good")
	hands.Pass(30 * time.Minute)
	p, err := server.Payment(paid.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentSending, p.Status)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	server.Close()

	hands.Pass(8 * 24 * time.Hour)
	server = newServer(t, options...)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	p, err = server.Payment(forgotten.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentExpired, p.Status)
	assert.Equal(t, forgotten.CreatedAt.Add(7*24*time.Hour), p.UpdatedAt.Time, "when it was due")
	assert.ElementsMatch(t, []jovepay.PaymentStatus{
		"waiting", "waiting", "confirming", "confirmed", "sending", "finished", "expired",
	}, s.heard())
}

// There is no response, and no shop is notified, before the save.
func TestSavedBeforeItIsKnown(t *testing.T) {
	t.Parallel()
	state := newMemory()
	server := newServer(t, jovepaytest.WithState(state))
	s := newShop(t, server)
	state.gate = make(chan bool)
	created := make(chan error, 1)
	go func() {
		request := order()
		request.IPNCallbackURL = s.url
		client, err := server.Client()
		if err == nil {
			_, err = client.Payments.Create(t.Context(), request)
		}
		created <- err
	}()
	require.Eventually(t, func() bool { return server.Count("POST", "") == 1 && server.Requests()[0].Handled }, 10*time.Second, time.Millisecond)
	assert.Empty(t, server.Deliveries())
	assert.Empty(t, created)
	assert.Zero(t, server.Requests()[0].Status)
	close(state.gate)
	require.NoError(t, <-created)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.Len(t, s.heard(), 1)
}

func TestWhileSavingFails(t *testing.T) {
	t.Parallel()
	state := newMemory()
	server := newServer(t, jovepaytest.WithState(state))
	s := newShop(t, server)
	client := newClient(t, server, jovepay.WithRetry(jovepay.RetryPolicy{MaxAttempts: 1}))
	p := createFor(t, client, s)
	invoice, err := client.Invoices.Create(t.Context(), jovepay.InvoiceRequest{PriceAmount: jovepay.MustAmount("5"), PriceCurrency: "usd"})
	require.NoError(t, err)
	require.NoError(t, server.WaitDeliveries(t.Context()))
	require.NoError(t, server.Err())

	state.fail(errFull)
	request := order()
	request.IPNCallbackURL = s.url
	_, err = client.Payments.Create(t.Context(), request)
	require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	require.ErrorIs(t, err, jovepay.ErrServer)
	assert.NotContains(t, err.Error(), "disk", "it is not the shop's business")
	_, err = client.Payments.Get(t.Context(), p.ID)
	require.ErrorIs(t, err, jovepay.ErrServer, "what is not saved is not shown either")
	_, err = server.Pay(p.ID)
	require.ErrorIs(t, err, errFull)
	_, err = server.Payment(p.ID)
	require.ErrorIs(t, err, errFull)
	_, err = server.Payments()
	require.ErrorIs(t, err, errFull)
	_, err = server.Invoice(invoice.ID)
	require.ErrorIs(t, err, errFull)
	_, err = server.Currencies()
	require.ErrorIs(t, err, errFull)
	_, err = server.Estimate(jovepay.MustAmount("1"), "usd", "btc")
	require.ErrorIs(t, err, errFull)
	require.ErrorIs(t, server.SetPrice("btc", jovepay.MustAmount("1")), errFull)
	require.ErrorIs(t, server.Err(), errFull)
	assert.Len(t, server.Deliveries(), 1, "nobody is notified")

	state.fail(nil)
	got, err := client.Payments.Get(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentFinished, got.Status)
	require.NoError(t, server.Err())
	require.NoError(t, server.WaitDeliveries(t.Context()))
	assert.ElementsMatch(t, append(life(), jovepay.PaymentWaiting), s.heard())

	state.fail(errFull)
	_, err = server.SetStatus(p.ID, jovepay.PaymentRefunded)
	require.ErrorIs(t, err, errFull)
	server.Close()
	require.ErrorIs(t, server.Err(), errFull, "it was lost")

	state.fail(nil)
	server = newServer(t, jovepaytest.WithState(state))
	all, err := server.Payments()
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, jovepay.PaymentFinished, all[0].Status)
}

// Many at the same time are saved together, and every one with a response is
// there after a kill.
func TestEveryPaymentWithAResponseIsSaved(t *testing.T) {
	t.Parallel()
	state := newMemory()
	server := newServer(t, jovepaytest.WithState(state))
	client := newClient(t, server)
	var mu sync.Mutex
	var missing []jovepay.ID
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				p, err := client.Payments.Create(t.Context(), order())
				if !assert.NoError(t, err) {
					return
				}
				state.mu.Lock()
				_, saved := state.records[[2]string{"payment", p.ID.String()}]
				state.mu.Unlock()
				if !saved {
					mu.Lock()
					missing = append(missing, p.ID)
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	assert.Empty(t, missing)
}

func TestAStateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	_, err := jovepaytest.NewServer(jovepaytest.WithState(nil))
	require.ErrorContains(t, err, "state is nil")

	state := newMemory()
	state.fail(errFull)
	_, err = jovepaytest.NewServer(jovepaytest.WithState(state))
	require.ErrorIs(t, err, errFull)
	require.ErrorContains(t, err, "load the state")

	readOnly := &sealed{newMemory()}
	_, err = jovepaytest.NewServer(jovepaytest.WithState(readOnly))
	require.ErrorIs(t, err, errFull, "a new state is written to at once, so that it has a seed")

	state.fail(nil)
	server := newServer(t, jovepaytest.WithState(state), jovepaytest.WithPayments(3))
	server.Close()
	require.Len(t, state.records, 4)
	_, err = jovepaytest.NewServer(jovepaytest.WithState(state), jovepaytest.WithSeed(1))
	require.ErrorContains(t, err, "jovepaytest: load the state: record account main: seed 0 is not the server's, 1")

	broken := newMemory(append(state.list(), jovepaytest.StateRecord{Kind: "cheque", ID: "1", Data: []byte("{}")})...)
	before := broken.snapshot()
	_, err = jovepaytest.NewServer(jovepaytest.WithState(broken))
	require.ErrorContains(t, err, "record cheque 1: its kind is not known")
	assert.Equal(t, before, broken.snapshot())
	assert.Empty(t, broken.batches, "nothing is written")
}

// sealed is a state that can be read only.
type sealed struct{ *memory }

func (sealed) Save(context.Context, []jovepaytest.StateRecord) error { return errFull }
