package jetstream_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay/jetstream"
)

func TestMalformedAddressKeepsItsPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"nats://u:hunter2%zz@127.0.0.1:1", "nats://u:hunter2@127.0.0.1:x"} {
		_, err := jetstream.Connect(t.Context(), address)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
