package jovepaytest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

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
