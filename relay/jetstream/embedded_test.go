package jetstream_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmbedded(t *testing.T) {
	t.Parallel()
	relaytest.Run(t, func(t *testing.T) relaytest.Harness {
		t.Helper()
		dir := t.TempDir()
		var opened *relay.Engine
		return relaytest.Harness{
			Open: func() *relay.Engine {
				engine, err := jetstream.Embedded(dir, never())
				require.NoError(t, err)
				opened = engine
				return engine
			},
			Waiting: func() int {
				n, err := jetstream.Waiting(t.Context(), opened)
				require.NoError(t, err)
				return n
			},
		}
	})
}

// TestServerOfEmbedded writes through to the disk, and is not to be reached.
func TestServerOfEmbedded(t *testing.T) {
	t.Parallel()
	srv, err := jetstream.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { stopServer(srv) })
	assert.True(t, srv.JetStreamConfig().SyncAlways)
	assert.Nil(t, srv.Addr())
}

// TestDirectory belongs to one engine at a time.
func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := jetstream.Embedded(dir)
	require.NoError(t, err)
	_, err = jetstream.Embedded(dir)
	require.ErrorContains(t, err, "in use")
	other, err := jetstream.Embedded(filepath.Join(t.TempDir(), "c"))
	require.NoError(t, err)
	require.NoError(t, other.Close())
	require.NoError(t, first.Close())
	again, err := jetstream.Embedded(dir)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestEmbeddedFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := jetstream.Embedded(file)
	require.ErrorContains(t, err, "not a directory")

	// It is not used where it cannot be locked.
	unlocked := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(unlocked, "lock"), 0o700))
	_, err = jetstream.Embedded(unlocked)
	require.ErrorContains(t, err, "cannot be locked")

	// The server's own directory cannot be made.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	var log lockedBuffer
	_, err = jetstream.Embedded(dir, jetstream.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.ErrorContains(t, err, "JetStream")
	assert.Contains(t, log.String(), "nats-server")

	_, err = jetstream.Embedded(t.TempDir(), jetstream.WithReplicas(3))
	require.ErrorContains(t, err, "replicas")
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, opt := range []jetstream.Option{
		jetstream.WithName(""), jetstream.WithName("a.b"), jetstream.WithName("a*"), jetstream.WithName(strings.Repeat("x", 65)),
		jetstream.WithReplicas(0), jetstream.WithReplicas(6), jetstream.WithLogger(nil),
	} {
		_, err := jetstream.Embedded(t.TempDir(), opt)
		require.Error(t, err)
		_, err = jetstream.Connect(t.Context(), "nats://127.0.0.1:1", opt)
		require.Error(t, err)
	}
	engine, err := jetstream.Embedded(t.TempDir(), nil, jetstream.WithName("shop_1"), nil)
	require.NoError(t, err)
	assert.Equal(t, "shop_1", engine.Topic)
	assert.Equal(t, "shop_1-poison", engine.PoisonTopic)
	require.NoError(t, engine.Close())
}

// TestRestartForgetsIDs of messages that were acknowledged, and no others. It is
// the inbox that knows for good.
func TestRestartForgetsIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *relay.Engine {
		engine, err := jetstream.Embedded(dir)
		require.NoError(t, err)
		return engine
	}
	shop, engine := relaytest.NewShop(t), open()
	consumer := shop.Relay(t, engine)
	stop := shop.Start(t, consumer)
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(1, finished)))
	shop.Expect(t, 1, finished, inbox.Applied)
	require.NoError(t, stop())
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(2, finished)))
	require.NoError(t, engine.Close())

	engine = open()
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	consumer = shop.Relay(t, engine, relay.WithWorkers(1))
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(1, finished)))
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(2, finished)))
	stop = shop.Start(t, consumer)
	assert.ElementsMatch(t, []relaytest.Outcome{
		{ID: "2", Status: finished, Outcome: inbox.Applied},
		{ID: "1", Status: finished, Outcome: inbox.Duplicate},
	}, []relaytest.Outcome{shop.Next(t), shop.Next(t)})
	require.NoError(t, stop())
	assert.Empty(t, shop.Outcomes)
}

// TestCloseWhileSubscribing ends every subscription, or refuses it.
func TestCloseWhileSubscribing(t *testing.T) {
	t.Parallel()
	engine, err := jetstream.Embedded(t.TempDir())
	require.NoError(t, err)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			messages, err := engine.Subscriber.Subscribe(t.Context(), engine.Topic)
			if err != nil {
				return
			}
			for range messages {
				t.Error("a message")
			}
		})
	}
	require.NoError(t, engine.Close())
	callers.Wait()
	_, err = engine.Subscriber.Subscribe(t.Context(), engine.Topic)
	require.Error(t, err)
	require.NoError(t, engine.Subscriber.Close(), "twice")
}

// TestLongNotification is as long as the verifier takes.
func TestLongNotification(t *testing.T) {
	t.Parallel()
	engine, err := jetstream.Embedded(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	shop := relaytest.NewShop(t)
	consumer := shop.Relay(t, engine)
	head := `{"payment_id":1,"payment_status":"finished","order_description":"`
	body := head + strings.Repeat("x", 64<<10-len(head)-2) + `"}`
	require.Len(t, body, 64<<10)
	require.Equal(t, http.StatusOK, shop.Deliver(consumer, body))
	shop.Start(t, consumer)
	shop.Expect(t, 1, finished, inbox.Applied)
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
