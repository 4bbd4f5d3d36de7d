package jovepaytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// State keeps a server's records beyond the server's life, for example in a
// file. The server calls it from one goroutine at a time. It does not close it:
// whoever created the state closes it after [Server.Close].
//
// A state is for one account. Two servers must not use it at the same time; a
// state that can be opened twice has to reject the second.
//
// The context of both calls is not canceled by [Server.Close], which waits for
// the last save.
type State interface {
	// Load returns every record that was saved, in any order, and none for a
	// new state. The server calls it once, before anything else. NewServer
	// fails with its error.
	Load(ctx context.Context) ([]StateRecord, error)

	// Save keeps the records, each in place of the one of the same Kind and ID
	// if there is one: all of them or, with an error, none. When it has
	// returned nil they must outlive the process. No batch is empty or has two
	// records of the same Kind and ID. The records are the server's; their
	// Data must not be changed, and may be kept.
	//
	// After an error the server responds with 500, and retries with the next
	// call: see [WithState].
	Save(ctx context.Context, records []StateRecord) error
}

// StateRecord is one record: a payment, an invoice, a price. Nothing is ever
// removed from a state.
type StateRecord struct {
	Kind string // what it is, such as "payment"; lower-case letters
	ID   string // which of its kind; letters and digits, never empty
	Data []byte // JSON, an object in UTF-8; only the server reads it
}

// WithState keeps the server's records in a state: payments, invoices,
// withdrawals, recurring payments, currencies with their prices, the number of
// logins, how far the clock was moved, and creates that are yet to take effect. A server that starts with a state
// continues where the last one stopped; what fell due in between happens at the
// start. It must have the seed of the last one: see [WithSeed]. [WithPayments]
// has an effect on an empty state only.
//
// Everything is saved before the API responds, before a method of [Server]
// returns, and before a shop is notified. So if the process is killed, nothing
// is lost that anybody has seen. A request without a response may be saved or
// not. The journal, faults, how notifications are sent, how long a login lasts,
// how far the list lags and notifications in progress are not kept: a shop that
// has missed one gets the payment.
//
// While saving fails, the API responds with status 500 and every method that
// changes something returns the error, although the change happened. Each
// retries to save everything that is not saved yet. See [Server.Err].
//
// If a state cannot be read as a whole, [NewServer] returns an error with the
// record and does not change the state.
func WithState(state State) Option {
	return func(s *settings) error {
		if state == nil {
			return errors.New("state is nil")
		}
		s.state = state
		return nil
	}
}

// keeper saves what happens in an engine to a state, and notifies shops only
// then. A nil keeper keeps nothing.
type keeper struct {
	state  State
	engine *engine.Engine
	notify func(ipn.Notification)
	fresh  bool            // the state had no records
	ctx    context.Context //nolint:containedctx // of all saves, which no caller may cancel

	mu  sync.Mutex // one save at a time
	err error      // of the last save

	outbox sync.Mutex // taken under the engine's lock, so held for a moment only
	held   []ipn.Notification
}

// load restores a new engine from a state, and returns its keeper. It saves
// nothing yet.
func load(ctx context.Context, state State, e *engine.Engine, notify func(ipn.Notification)) (*keeper, error) {
	saved, err := state.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	records := make([]engine.Record, len(saved))
	for i, r := range saved {
		records[i] = engine.Record(r)
	}
	if err := e.Restore(records); err != nil {
		return nil, fmt.Errorf("load the state: %w", err)
	}
	e.Keep()
	return &keeper{state: state, engine: e, notify: notify, fresh: len(saved) == 0, ctx: ctx}, nil
}

// hold sends a notification once its event is saved. It is called under the
// engine's lock.
func (k *keeper) hold(n ipn.Notification) {
	k.outbox.Lock()
	defer k.outbox.Unlock()
	k.held = append(k.held, n)
}

// save saves what has happened so far. It returns when that is done, by itself
// or by another call.
func (k *keeper) save() error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	// The events of these happened before, so they are among what is saved now.
	k.outbox.Lock()
	count := len(k.held)
	k.outbox.Unlock()
	k.err = k.engine.Save(func(records []engine.Record) error {
		batch := make([]StateRecord, len(records))
		for i, r := range records {
			batch[i] = StateRecord(r)
		}
		return k.state.Save(k.ctx, batch)
	})
	if k.err != nil {
		k.err = fmt.Errorf("save the state: %w", k.err)
		return k.err
	}
	k.outbox.Lock()
	saved := slices.Clone(k.held[:count])
	k.held = slices.Delete(k.held, 0, count)
	k.outbox.Unlock()
	for _, n := range saved {
		k.notify(n)
	}
	return nil
}

// lookUp returns what look finds, once it is saved: what has happened on its own
// may not be yet.
func lookUp[T any](s *Server, look func() (T, error)) (T, error) {
	found, err := look()
	if err == nil {
		err = wrap(s.keeper.save())
	}
	return found, err
}

// Err returns why the last attempt to save what happened failed: see
// [WithState]. It is nil if everything is saved, and without a state. After
// [Server.Close] it reports whether anything was lost.
func (s *Server) Err() error {
	if s.keeper == nil {
		return nil
	}
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	return wrap(s.keeper.err)
}
