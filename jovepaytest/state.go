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

// State keeps a server's records beyond the server's life: in a file, say. The
// server calls it from one goroutine at a time, and closes nothing: who made
// the state closes it after [Server.Close].
//
// A state is one account's. Two servers must not use it at the same time;
// where that can happen, it is for the state to refuse the second.
//
// The context of both calls is not cancelled by [Server.Close], which waits
// for the last save.
type State interface {
	// Load returns every record that was saved, in any order; of a new state,
	// none. The server calls it once, before anything else. An error is why
	// there is no server.
	Load(ctx context.Context) ([]StateRecord, error)

	// Save keeps the records, each in place of the one of the same Kind and ID
	// if there is one: all of them or, with an error, none. When it has
	// returned nil they must outlive the process. No batch is empty or has two
	// records of the same Kind and ID. The records are the server's; their
	// Data must not be changed, and may be kept.
	//
	// After an error the server answers 500, and tries again with the next
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
// logins, and how far the clock was moved. A server that starts with a state
// goes on where the last one stopped; what fell due in between happens at the
// start. It must have the seed of the last one: see [WithSeed]. [WithPayments]
// counts for an empty state only.
//
// What happened is saved before it is answered, by the API as well as by the
// methods of [Server], and before a shop is told of it. So when the process is
// killed, nothing is lost that anybody knows of. What was not answered may be
// saved or not. Not kept are the journal, faults, how notifications are sent,
// how long a login lasts, and notifications that were under way: a shop that has
// missed one asks for the payment.
//
// While saving fails, every request is answered with status 500 and every
// method that changes something returns the error, although the change
// happened; each tries again to save everything that is not saved yet. See
// [Server.Err].
//
// A state that cannot be read as a whole is an error of [NewServer] that names
// the record, and is left untouched.
func WithState(state State) Option {
	return func(s *settings) error {
		if state == nil {
			return errors.New("state is nil")
		}
		s.state = state
		return nil
	}
}

// keeper brings what happens in an engine into a state, and lets shops hear of
// it only then. A nil keeper keeps nothing.
type keeper struct {
	state  State
	engine *engine.Engine
	notify func(ipn.Notification)
	ctx    context.Context //nolint:containedctx // of all saves, which no caller may cut

	mu  sync.Mutex // one save at a time
	err error      // of the last save

	outbox sync.Mutex // taken under the engine's lock, so held for a moment only
	held   []ipn.Notification
}

// load makes a new engine what the state says, and returns its keeper. It
// saves nothing yet.
func load(ctx context.Context, state State, e *engine.Engine) (k *keeper, empty bool, err error) {
	if state == nil {
		return nil, true, nil
	}
	kept, err := state.Load(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("load the state: %w", err)
	}
	records := make([]engine.Record, len(kept))
	for i, r := range kept {
		records[i] = engine.Record(r)
	}
	if err := e.Restore(records); err != nil {
		return nil, false, fmt.Errorf("load the state: %w", err)
	}
	e.Keep()
	return &keeper{state: state, engine: e, ctx: ctx}, len(kept) == 0, nil
}

// tell sends a notification once what it tells of is saved. It is called under
// the engine's lock.
func (k *keeper) tell(n ipn.Notification) {
	k.outbox.Lock()
	defer k.outbox.Unlock()
	k.held = append(k.held, n)
}

// save saves what has happened so far, and returns when that is done, by
// itself or by another call.
func (k *keeper) save() error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	// What these tell of happened before, so it is among what is saved now.
	k.outbox.Lock()
	count := len(k.held)
	k.outbox.Unlock()
	k.err = k.engine.Save(func(records []engine.Record) error {
		kept := make([]StateRecord, len(records))
		for i, r := range records {
			kept[i] = StateRecord(r)
		}
		return k.state.Save(k.ctx, kept)
	})
	if k.err != nil {
		k.err = fmt.Errorf("save the state: %w", k.err)
		return k.err
	}
	k.outbox.Lock()
	told := slices.Clone(k.held[:count])
	k.held = slices.Delete(k.held, 0, count)
	k.outbox.Unlock()
	for _, n := range told {
		k.notify(n)
	}
	return nil
}

// known returns what look finds, once it is saved: what has happened by itself
// may be new to it.
func known[T any](s *Server, look func() (T, error)) (T, error) {
	found, err := look()
	if err == nil {
		err = wrap(s.keeper.save())
	}
	return found, err
}

// Err returns why the last attempt to save what happened failed: see
// [WithState]. It is nil if everything is saved, and without a state. After
// [Server.Close] it tells whether anything was lost.
func (s *Server) Err() error {
	if s.keeper == nil {
		return nil
	}
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	return wrap(s.keeper.err)
}
