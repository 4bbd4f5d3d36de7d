// Package engine is JovePay without a network: the payments, invoices, prices
// and logins of one merchant account, and the rules by which they change.
//
// It is a state machine under one lock. It starts no goroutine and reads no clock
// but the one it is given. What is due (a payment that expires, a status that
// moves on) happens at the start of the next call, in the order in which it was
// due. Ids, addresses and secrets are functions of the seed, so the same seed,
// clock and calls give the same state.
package engine

import (
	"fmt"
	"sync"
	"time"
)

const (
	defaultTokenLifetime = 300 * time.Second
	paymentLifetime      = 7 * 24 * time.Hour
	fixedRateLifetime    = 20 * time.Minute
)

// Config sets up an Engine. The zero value is ready to use.
type Config struct {
	// Seed decides every id, address and secret.
	Seed uint64
	// Now is the clock; nil is time.Now. It is called under the engine's lock.
	Now func() time.Time
	// TokenLifetime is how long a login lasts, in whole seconds; 0 is 300 s.
	TokenLifetime time.Duration
	// StepEvery is the time after which a paid payment moves on to its next
	// status; 0 leaves that to Advance.
	StepEvery time.Duration
	// ListLag is how far the list of payments lags behind; 0 is not at all.
	ListLag time.Duration
	// PassWrongAssets moves coins of a wrong asset on to their end, instead of
	// letting them wait for a person.
	PassWrongAssets bool
}

// Engine is the state of one merchant account. It is safe for concurrent use.
type Engine struct {
	account   Account
	seed      uint64
	stepEvery time.Duration

	passWrongAssets bool

	mu         sync.Mutex
	clock      func() time.Time
	ahead      time.Duration // of the clock, as it was moved
	lifetime   time.Duration // of the tokens of logins to come
	ids        sequence
	logins     uint64
	currencies map[string]*currency
	tickers    []string // coins in the order in which they are listed
	payments   map[int64]*record
	created    timeline
	invoices   map[int64]*invoiceRecord
	transfers  map[int64]*Transfer
	creates    map[int64]*Create // those that take effect late
	due        deadlines
	late       []*Create // those that have not taken effect yet, the earliest first
	lag        time.Duration
	undos      []undo            // of what the list does not show yet
	unsaved    map[mark]struct{} // nil: nothing is kept
	saved      accountRecord

	watch          func(p Payment, next time.Time) // nil: nobody
	watchTransfers func(t Transfer)                // nil: nobody
}

// New returns an engine with the default currencies and no payments.
func New(cfg Config) (*Engine, error) {
	if cfg.TokenLifetime == 0 {
		cfg.TokenLifetime = defaultTokenLifetime
	}
	if err := checkTokenLifetime(cfg.TokenLifetime); err != nil {
		return nil, err
	}
	if cfg.StepEvery < 0 {
		return nil, fmt.Errorf("step interval must not be negative, got %v", cfg.StepEvery)
	}
	if err := checkListLag(cfg.ListLag); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	e := &Engine{
		account:    newAccount(cfg.Seed),
		seed:       cfg.Seed,
		lifetime:   cfg.TokenLifetime,
		stepEvery:  cfg.StepEvery,
		clock:      cfg.Now,
		ids:        newSequence(cfg.Seed),
		currencies: make(map[string]*currency),
		payments:   make(map[int64]*record),
		invoices:   make(map[int64]*invoiceRecord),
		transfers:  make(map[int64]*Transfer),
		creates:    make(map[int64]*Create),
		lag:        cfg.ListLag,

		passWrongAssets: cfg.PassWrongAssets,
	}
	for _, c := range defaultCurrencies() {
		e.addCurrency(c)
	}
	return e, nil
}

// begin takes the lock, which the caller releases, and makes everything happen
// that was due.
func (e *Engine) begin() time.Time {
	e.mu.Lock()
	now := e.now()
	e.catchUp(now)
	return now
}
