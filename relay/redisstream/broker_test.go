package redisstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/redisstream"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

const finished = jovepay.PaymentFinished

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBroker(t *testing.T) {
	t.Parallel()
	shared := startRedis(t)
	var tests atomic.Int64
	relaytest.Run(t, func(t *testing.T) relaytest.Harness {
		t.Helper()
		name := fmt.Sprintf("shop-%d", tests.Add(1))
		return relaytest.Harness{
			Open: func() *relay.Broker {
				broker, err := redisstream.Connect(t.Context(), shared.address, redisstream.WithName(name), redisstream.WithClaimAfter(2*time.Second))
				require.NoError(t, err)
				return broker
			},
			Backlog: func() int { return shared.backlog(t, name) },
		}
	})
}

// TestManyPoisoned puts more messages into the poison queue than one request reads.
func TestManyPoisoned(t *testing.T) {
	t.Parallel()
	broker := startRedis(t).connect(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(0))
	shop.Work(func(context.Context, jovepay.Event) error { panic("no") })
	stop := shop.Start(t, r)
	const n = 250
	for id := range n {
		shop.Notify(t, r, id)
	}
	shop.PoisonEvents(t, r, n)
	require.NoError(t, stop())
	shop.Work(nil)
	replayed, err := r.ReplayAll(t.Context())
	require.NoError(t, err)
	assert.Equal(t, n, replayed)
	shop.Start(t, r)
	for range n {
		assert.Equal(t, inbox.Applied, shop.Next(t).Outcome)
	}
}

// TestForeignEntries adds entries that anyone with access could add.
func TestForeignEntries(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	broker := srv.connect(t)
	for _, values := range []map[string]any{{"a": "b"}, {"payload": "x"}, {"_watermill_message_uuid": "y", "metadata": "not msgpack"}} {
		require.NoError(t, srv.client.XAdd(t.Context(), &redis.XAddArgs{Stream: broker.Topic, Values: values}).Err())
	}
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithWorkers(1))
	shop.Start(t, r)
	shop.PoisonEvents(t, r, 3)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)
}

func TestMalformedAddressKeepsItsPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"redis://:hunter2%zz@127.0.0.1:1", "redis://:hunter2#x@127.0.0.1:1", "http://:hunter2@127.0.0.1"} {
		_, err := redisstream.Connect(t.Context(), address)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestConnectFails(t *testing.T) {
	t.Parallel()
	_, err := redisstream.Connect(t.Context(), "redis://127.0.0.1:1?max_retries=-1", nil)
	require.ErrorContains(t, err, "refused")
	_, err = redisstream.Connect(t.Context(), "http://example.com")
	require.ErrorContains(t, err, "address")
	for _, opt := range []redisstream.Option{redisstream.WithName(""), redisstream.WithLogger(nil)} {
		_, err = redisstream.Connect(t.Context(), "redis://127.0.0.1:1", opt)
		require.Error(t, err)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	var log lockedBuffer
	broker := srv.connect(t, redisstream.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	ctx, cancel := context.WithCancel(t.Context())
	messages, err := broker.Subscriber.Subscribe(ctx, broker.Topic)
	require.NoError(t, err)
	require.NoError(t, srv.client.XGroupDestroy(t.Context(), broker.Topic, broker.Topic).Err())
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "lost the consumer group") }, 20*time.Second, time.Millisecond)
	cancel()
	<-messages
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
