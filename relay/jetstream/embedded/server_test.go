package embedded_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/jetstream"
	"github.com/jovepay/jovepay-go/relay/jetstream/internal/config"
)

// Tests of package jetstream that start, stop and empty servers are in this module,
// because it has a server.

const finished = jovepay.PaymentFinished

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// natsServer starts a server that listens, on a directory that outlives it.
func natsServer(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir,
	})
	require.NoError(t, err)
	go srv.Start()
	require.True(t, srv.ReadyForConnections(10*time.Second))
	return srv
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// withAckWait changes [jetstream.AckWait].
func withAckWait(d time.Duration) jetstream.Option {
	return func(c *config.Config) error {
		c.AckWait = d
		return nil
	}
}

// never makes AckWait longer than any test: a message that is held until then fails
// the test.
func never() jetstream.Option { return withAckWait(time.Hour) }

// newBroker returns a broker on its own server, and a management connection to it.
func newBroker(t *testing.T, opts ...jetstream.Option) (*relay.Broker, natsjs.JetStream) {
	t.Helper()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	return broker, management(t, srv)
}

func management(t *testing.T, srv *server.Server) natsjs.JetStream {
	t.Helper()
	conn, err := nats.Connect(srv.ClientURL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	return js
}

// backlog returns how many messages are in the streams of events.
func backlog(t *testing.T, conn *nats.Conn, broker *relay.Broker) (n int) {
	t.Helper()
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	for _, name := range []string{broker.Topic, broker.RetryTopic} {
		stream, err := js.Stream(t.Context(), name)
		require.NoError(t, err)
		n += int(stream.CachedInfo().State.Msgs)
	}
	return n
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
