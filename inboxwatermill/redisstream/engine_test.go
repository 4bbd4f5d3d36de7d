package redisstream_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inboxwatermill"
	"github.com/jovepay/jovepay-go/inboxwatermill/internal/enginetest"
	"github.com/jovepay/jovepay-go/inboxwatermill/redisstream"
)

// TestMain gives goroutines a second to end: Watermill's reader of a stream that
// was closed may sleep for half of one.
func TestMain(m *testing.M) {
	code := m.Run()
	var leak error
	for range 3 {
		if leak = goleak.Find(); leak == nil {
			break
		}
	}
	if code == 0 && leak != nil {
		fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	os.Exit(code)
}

// server returns the address of the machine's Redis, and a client of it.
func server(t *testing.T) (string, *redis.Client) {
	t.Helper()
	address := os.Getenv("JOVEPAY_TEST_REDIS")
	if address == "" {
		address = "redis://127.0.0.1:6379"
	}
	options, err := redis.ParseURL(address)
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	if err := client.Ping(t.Context()).Err(); err != nil {
		hint := fmt.Sprintf("no Redis at %s (%v): start one with redis-server", address, err)
		if os.Getenv("JOVEPAY_REQUIRE_SERVICES") == "1" {
			require.FailNow(t, hint)
		}
		t.Skip(hint)
	}
	return address, client
}

func TestRedis(t *testing.T) {
	t.Parallel()
	address, client := server(t)
	var tests atomic.Int64
	enginetest.Run(t, func(t *testing.T) enginetest.Harness {
		t.Helper()
		name := newName(t, client, tests.Add(1))
		return enginetest.Harness{Open: func() *inboxwatermill.Engine {
			engine, err := redisstream.Connect(t.Context(), address, redisstream.WithName(name), redisstream.WithClaimAfter(time.Second))
			require.NoError(t, err)
			return engine
		}}
	})
}

// newName returns the name of a stream that is deleted after the test.
func newName(t *testing.T, client *redis.Client, i int64) string {
	t.Helper()
	name := fmt.Sprintf("jovepay-test-%d-%d", time.Now().UnixNano(), i)
	t.Cleanup(func() { assert.NoError(t, client.Del(context.WithoutCancel(t.Context()), name, name+"-poison").Err()) })
	return name
}

// TestManyPoisoned has more messages in the poison queue than one request reads.
func TestManyPoisoned(t *testing.T) {
	t.Parallel()
	address, client := server(t)
	engine, err := redisstream.Connect(t.Context(), address, redisstream.WithName(newName(t, client, 0)),
		redisstream.WithClaimAfter(time.Second))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	shop := enginetest.NewShop(t)
	relay := shop.Relay(t, engine, inboxwatermill.WithRetryFor(0))
	shop.Work(func(context.Context, jovepay.Event) error { panic("no") })
	stop := shop.Start(t, relay)
	const n = 250
	for id := range n {
		require.Equal(t, http.StatusOK, shop.Deliver(relay, enginetest.Body(id, jovepay.StatusFinished)))
	}
	shop.Poisoned(t, relay, n)
	require.NoError(t, stop())
	shop.Work(nil)
	replayed, err := relay.ReplayAll(t.Context())
	require.NoError(t, err)
	assert.Equal(t, n, replayed)
	shop.Start(t, relay)
	for range n {
		assert.Equal(t, inbox.Applied, shop.Next(t).Outcome)
	}
}

// TestForeignEntries come from anyone who may write to the stream.
func TestForeignEntries(t *testing.T) {
	t.Parallel()
	address, client := server(t)
	name := newName(t, client, 1)
	engine, err := redisstream.Connect(t.Context(), address, redisstream.WithName(name))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	for _, values := range []map[string]any{{"a": "b"}, {"payload": "x"}, {"_watermill_message_uuid": "y", "metadata": "not msgpack"}} {
		require.NoError(t, client.XAdd(t.Context(), &redis.XAddArgs{Stream: name, Values: values}).Err())
	}
	shop := enginetest.NewShop(t)
	relay := shop.Relay(t, engine, inboxwatermill.WithWorkers(1))
	shop.Start(t, relay)
	shop.Poisoned(t, relay, 3)
	require.Equal(t, http.StatusOK, shop.Deliver(relay, enginetest.Body(1, jovepay.StatusFinished)))
	shop.Expect(t, 1, jovepay.StatusFinished, inbox.Applied)
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
	address, client := server(t)
	var log bytes.Buffer
	engine, err := redisstream.Connect(t.Context(), address, redisstream.WithName(newName(t, client, 2)),
		redisstream.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	require.NoError(t, err)
	require.NoError(t, engine.Close())
	assert.Contains(t, log.String(), "closed")
}
