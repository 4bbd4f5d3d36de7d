package inbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inbox/inboxtest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, func(*testing.T) inboxtest.Harness[inbox.NoTx] {
		return inboxtest.Harness[inbox.NoTx]{Store: new(inbox.Memory)}
	})
}

// What is pruned while an event of the same payment is being applied must not
// take the record of that event with it.
func TestMemoryPruneDuringApply(t *testing.T) {
	t.Parallel()
	var store inbox.Memory
	box := inbox.New(&store)
	tomorrow := time.Now().Add(24 * time.Hour)
	_, err := box.Process(t.Context(), payment("1", jovepay.PaymentSending), nothing)
	require.NoError(t, err)

	got, err := box.Process(t.Context(), payment("1", jovepay.PaymentFinished), func(ctx context.Context, _ inbox.NoTx, _ jovepay.Event) error {
		n, err := box.Prune(ctx, tomorrow)
		assert.EqualValues(t, 1, n)
		return err
	})
	require.NoError(t, err)
	assert.Equal(t, inbox.Applied, got)

	got, err = box.Process(t.Context(), payment("1", jovepay.PaymentFinished), nothing)
	require.NoError(t, err)
	assert.Equal(t, inbox.Duplicate, got)
}

func TestMemoryPruneContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := inbox.New(new(inbox.Memory)).Prune(ctx, time.Now())
	require.ErrorIs(t, err, context.Canceled)
	assert.EqualError(t, err, "inbox: prune: context canceled")
}

func nothing(context.Context, inbox.NoTx, jovepay.Event) error { return nil }
