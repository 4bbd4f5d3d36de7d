package jetstream_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/jetstream"
	"github.com/jovepay/jovepay-go/relay/jetstream/internal/config"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// withAckWait changes [jetstream.AckWait].
func withAckWait(d time.Duration) jetstream.Option {
	return func(c *config.Config) error {
		c.AckWait = d
		return nil
	}
}

// TestBroker runs the conformance kit on the NATS server of this machine. It may
// be an old one: in about one of 100 shutdowns, nats-server 2.9.10 holds a message
// that was given back until AckWait is over. The tests that start a server are in
// module embedded, which has one.
func TestBroker(t *testing.T) {
	t.Parallel()
	address := os.Getenv("JOVEPAY_TEST_NATS")
	if address == "" {
		address = nats.DefaultURL
	}
	conn, err := nats.Connect(address, nats.Timeout(2*time.Second))
	if err != nil {
		hint := fmt.Sprintf("no NATS server at %s (%v): start one with nats-server -js", address, err)
		if os.Getenv("JOVEPAY_REQUIRE_SERVICES") == "1" {
			require.FailNow(t, hint)
		}
		t.Skip(hint)
	}
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	var tests atomic.Int64
	relaytest.Run(t, func(t *testing.T) relaytest.Harness {
		t.Helper()
		name := fmt.Sprintf("jovepay-test-%d-%d", time.Now().UnixNano(), tests.Add(1))
		t.Cleanup(func() {
			for _, stream := range []string{name, name + "-retry", name + "-poison"} {
				assert.NoError(t, js.DeleteStream(context.WithoutCancel(t.Context()), stream))
			}
		})
		return relaytest.Harness{
			Open: func() *relay.Broker {
				broker, err := jetstream.Connect(t.Context(), address, jetstream.WithName(name), withAckWait(10*time.Second))
				require.NoError(t, err)
				return broker
			},
			Backlog: func() (n int) {
				for _, topic := range []string{name, name + "-retry"} {
					stream, err := js.Stream(t.Context(), topic)
					require.NoError(t, err)
					n += int(stream.CachedInfo().State.Msgs)
				}
				return n
			},
		}
	})
}

func TestMalformedAddressKeepsItsPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"nats://u:hunter2%zz@127.0.0.1:1", "nats://u:hunter2@127.0.0.1:x"} {
		_, err := jetstream.Connect(t.Context(), address)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	_, err := jetstream.Connect(t.Context(), "nats://127.0.0.1:1", nil)
	require.ErrorContains(t, err, "jetstream: connect")
}
