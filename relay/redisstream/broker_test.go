package redisstream_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
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
	"github.com/jovepay/jovepay-go/relay/relaytest"
	"github.com/jovepay/jovepay-go/relay/redisstream"
)

const finished = jovepay.PaymentFinished

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedis(t *testing.T) {
	t.Parallel()
	shared := startRedis(t)
	var tests atomic.Int64
	relaytest.Run(t, func(t *testing.T) relaytest.Harness {
		t.Helper()
		name := fmt.Sprintf("shop-%d", tests.Add(1))
		return relaytest.Harness{
			Open: func() *relay.Engine {
				engine, err := redisstream.Connect(t.Context(), shared.address, redisstream.WithName(name), redisstream.WithClaimAfter(2*time.Second))
				require.NoError(t, err)
				return engine
			},
			Waiting: func() int { return shared.waiting(t, name) },
		}
	})
}

// TestManyPoisoned has more messages in the poison queue than one request reads.
func TestManyPoisoned(t *testing.T) {
	t.Parallel()
	engine := startRedis(t).connect(t)
	shop := relaytest.NewShop(t)
	consumer := shop.Relay(t, engine, relay.WithRetryFor(0))
	shop.Work(func(context.Context, jovepay.Event) error { panic("no") })
	stop := shop.Start(t, consumer)
	const n = 250
	for id := range n {
		require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(id, finished)))
	}
	shop.Poisoned(t, consumer, n)
	require.NoError(t, stop())
	shop.Work(nil)
	replayed, err := consumer.ReplayAll(t.Context())
	require.NoError(t, err)
	assert.Equal(t, n, replayed)
	shop.Start(t, consumer)
	for range n {
		assert.Equal(t, inbox.Applied, shop.Next(t).Outcome)
	}
}

// TestForeignEntries come from anyone who may write to the stream.
func TestForeignEntries(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	engine := srv.connect(t)
	for _, values := range []map[string]any{{"a": "b"}, {"payload": "x"}, {"_watermill_message_uuid": "y", "metadata": "not msgpack"}} {
		require.NoError(t, srv.client.XAdd(t.Context(), &redis.XAddArgs{Stream: engine.Topic, Values: values}).Err())
	}
	shop := relaytest.NewShop(t)
	consumer := shop.Relay(t, engine, relay.WithWorkers(1))
	shop.Start(t, consumer)
	shop.Poisoned(t, consumer, 3)
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(1, finished)))
	shop.Expect(t, 1, finished, inbox.Applied)
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
	engine := srv.connect(t, redisstream.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	ctx, cancel := context.WithCancel(t.Context())
	messages, err := engine.Subscriber.Subscribe(ctx, engine.Topic)
	require.NoError(t, err)
	require.NoError(t, srv.client.XGroupDestroy(t.Context(), engine.Topic, engine.Topic).Err())
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
