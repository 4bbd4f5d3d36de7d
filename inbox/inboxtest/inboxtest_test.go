package inboxtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inbox/inboxtest"
)

// brokenStore names a broken store to run the kit on, in a separate process:
// the kit's verdict on it is a failed test.
const brokenStore = "JOVEPAY_TEST_BROKEN_STORE"

// The kit is worth what it finds: each store breaks one promise, and the
// subtests that it must not pass are named.
func TestFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenStore) != "" {
		t.Skip("only the broken store is tested")
	}
	for name, fails := range map[string][]string{
		"forgets":             {"Once", "OutOfOrder", "Lookup"},
		"does not wait":       {"Once", "Waits"},
		"waits forever":       {"Waits"},
		"records too early":   {"Failure", "Panic", "Poisoned", "ContextEnds"},
		"keeps failed writes": {"Failure", "Panic", "ContextEnds"},
		"loses writes":        {"Once", "OutOfOrder"},
		"knows no order":      {"OutOfOrder", "Shuffled", "MoneyAfterEnd"},
		"knows no duplicates": {"Once", "Waits"},
		"knows only keys":     {"FullerReport"},
		"ignores case":        {"Bytewise"},
		"cuts positions":      {"Bytewise"},
		"swallows panics":     {"Panic"},
		"hides errors":        {"Failure"},
		"ignores contexts":    {"ContextEnded", "ContextEnds"},
		"looks and records":   {"Lookup"},
		"prunes nothing":      {"Prune"},
		"prunes all":          {"Prune"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenStore$/^("+strings.Join(fails, "|")+")$", "-test.v")
			test.Env = append(os.Environ(), brokenStore+"="+name)
			out, err := test.CombinedOutput()
			require.Error(t, err, "the broken store passes:\n%s", out)
			for _, subtest := range fails {
				assert.Contains(t, string(out), "--- FAIL: TestBrokenStore/"+subtest+" ", "%s", out)
			}
		})
	}
}

func TestBrokenStore(t *testing.T) {
	t.Parallel()
	name := os.Getenv(brokenStore)
	if name == "" {
		t.Skip("run by TestFindsWhatIsBroken")
	}
	inboxtest.Run(t, func(*testing.T) inboxtest.Harness[*notes] {
		store := &broken{how: name}
		return inboxtest.Harness[*notes]{Store: store, Write: store.write, Written: store.written}
	})
}

// A store that is right passes, in the same harness.
func TestSoundStore(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, func(*testing.T) inboxtest.Harness[*notes] {
		store := &broken{}
		return inboxtest.Harness[*notes]{Store: store, Write: store.write, Written: store.written}
	})
}

// notes are the writes of a transaction.
type notes []string

// broken is an inbox.Memory with transactions for the notes, that breaks the
// promise in how.
type broken struct {
	inbox.Memory
	how   string
	mu    sync.Mutex
	turns sync.Map // of *sync.Mutex
	keys  sync.Map
	notes notes
}

func (b *broken) write(_ context.Context, tx *notes, note string) error {
	*tx = append(*tx, note)
	return nil
}

func (b *broken) written(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notes, nil
}

func (b *broken) commit(tx *notes) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, *tx...)
}

func (b *broken) Apply(ctx context.Context, e inbox.Entry, apply func(context.Context, *notes) error) (outcome inbox.Outcome, err error) {
	e = b.spoil(e)
	tx := new(notes)
	work := func(ctx context.Context, _ inbox.NoTx) error { return apply(ctx, tx) }
	record := b.Memory.Apply
	defer func() {
		if outcome == inbox.Applied && b.how != "loses writes" || b.how == "keeps failed writes" {
			b.commit(tx)
		}
	}()
	switch b.how {
	case "forgets":
		return inbox.Applied, apply(ctx, tx)
	case "does not wait":
		if outcome, err := b.Lookup(ctx, e); outcome != inbox.Pending {
			return outcome, err
		}
		if err := apply(ctx, tx); err != nil {
			return "", err
		}
		_, err := record(ctx, e, nothing)
		return inbox.Applied, err
	case "waits forever":
		turn, _ := b.turns.LoadOrStore(e.Subject, new(sync.Mutex))
		turn.(*sync.Mutex).Lock()
		defer turn.(*sync.Mutex).Unlock()
	case "records too early":
		if outcome, err := record(ctx, e, nothing); outcome != inbox.Applied {
			return outcome, err
		}
		return inbox.Applied, apply(ctx, tx)
	case "knows no order":
		e.Subject += e.Key
	case "knows no duplicates":
		if outcome, err = record(ctx, e, work); outcome == inbox.Duplicate {
			outcome = inbox.Outdated
		}
		return outcome, err
	case "knows only keys":
		if _, known := b.keys.LoadOrStore(e.Key, true); known {
			return inbox.Duplicate, nil
		}
	case "swallows panics":
		defer func() { _ = recover() }()
	case "hides errors":
		if outcome, err = record(ctx, e, work); err != nil {
			err = context.DeadlineExceeded
		}
		return outcome, err
	case "ignores contexts":
		ctx = context.WithoutCancel(ctx)
	}
	return record(ctx, e, work)
}

func (b *broken) Lookup(ctx context.Context, e inbox.Entry) (inbox.Outcome, error) {
	e = b.spoil(e)
	outcome, err := b.Memory.Lookup(ctx, e)
	if b.how == "looks and records" && outcome == inbox.Pending {
		_, err = b.Memory.Apply(ctx, e, nothing)
	}
	return outcome, err
}

func (b *broken) Prune(ctx context.Context, before time.Time) (int64, error) {
	switch b.how {
	case "prunes nothing":
		return 0, nil
	case "prunes all":
		before = time.Now().Add(1000 * time.Hour)
	}
	return b.Memory.Prune(ctx, before)
}

// spoil keeps an entry as a badly made table would.
func (b *broken) spoil(e inbox.Entry) inbox.Entry {
	switch b.how {
	case "ignores case":
		e.Position, e.Subject = strings.ToLower(e.Position), strings.ToLower(e.Subject)
	case "cuts positions":
		e.Position = e.Position[:min(len(e.Position), 200)]
	}
	return e
}

func nothing(context.Context, inbox.NoTx) error { return nil }
