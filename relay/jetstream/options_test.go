package jetstream_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay/jetstream"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]jetstream.Option{
		`name ""`:              jetstream.WithName(""),
		`name "a.b"`:           jetstream.WithName("a.b"),
		`name "a*"`:            jetstream.WithName("a*"),
		`name "xxx`:            jetstream.WithName(strings.Repeat("x", 65)),
		"replicas: want 1":     jetstream.WithReplicas(0),
		"to 5, got 6":          jetstream.WithReplicas(6),
		"jetstream: logger is": jetstream.WithLogger(nil),
	} {
		_, err := jetstream.Connect(t.Context(), "nats://127.0.0.1:1", opt)
		require.ErrorContains(t, err, want)
	}
}
