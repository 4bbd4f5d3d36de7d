package relay_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClose(t *testing.T) {
	t.Parallel()
	f, broker := newFake(t)
	broker.Stop = func() error { return errDown }
	require.ErrorIs(t, broker.Close(), errDown)
	broker.Stop = nil
	require.NoError(t, broker.Close(), "Watermill closes twice")
	require.Error(t, f.Publish("events"))
}
