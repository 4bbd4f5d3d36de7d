package redisstream_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay/redisstream"
)

func TestMalformedAddressKeepsItsPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"redis://:hunter2%zz@127.0.0.1:1", "redis://:hunter2#x@127.0.0.1:1", "http://:hunter2@127.0.0.1"} {
		_, err := redisstream.Connect(t.Context(), address)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
