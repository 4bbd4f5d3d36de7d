package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

// TestStreamGone deletes each stream, as an administrator may: the first to need it
// creates it again with its previous settings.
func TestStreamGone(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	js := management(t, srv)
	const name = "shop"
	_, err := js.CreateStream(t.Context(), natsjs.StreamConfig{
		Name: name, Subjects: []string{name}, Retention: natsjs.WorkQueuePolicy, Description: "mine", Duplicates: 24 * time.Hour,
	})
	require.NoError(t, err)
	broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), jetstream.WithName(name))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(time.Second))

	require.NoError(t, js.DeleteStream(t.Context(), name))
	require.Equal(t, http.StatusOK, shop.Deliver(r, testshop.Body(1, finished)), "the stream is created again")
	stream, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	assert.Equal(t, "mine", stream.CachedInfo().Config.Description)
	assert.Equal(t, 24*time.Hour, stream.CachedInfo().Config.Duplicates)

	require.NoError(t, js.DeleteStream(t.Context(), name))
	shop.Start(t, r)
	require.Equal(t, http.StatusOK, shop.Deliver(r, testshop.Body(1, finished)), "a lost message is not a duplicate")
	shop.Expect(t, 1, finished, inbox.Applied)
	for id, gone := range []string{name, broker.RetryTopic, broker.PoisonTopic} {
		require.NoError(t, js.DeleteStream(t.Context(), gone))
		shop.Work(testshop.FailFirst(1))
		require.Equal(t, http.StatusOK, shop.Deliver(r, testshop.Body(10+id, finished)), gone)
		shop.Expect(t, 10+id, finished, inbox.Applied)
	}
	shop.Work(testshop.FailFirst(1000))
	shop.Notify(t, r, 20)
	shop.PoisonEvents(t, r, 1)
}

// TestServerLosesData restarts the server on an empty directory: notifications are
// accepted and applied again, without a restart of the shop.
func TestServerLosesData(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) }) // the last one, after the broker has closed
	port := srv.Addr().(*net.TCPAddr).Port
	broker, err := jetstream.Connect(t.Context(), srv.ClientURL(),
		jetstream.WithNATS(nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	shop.Start(t, r)
	shop.Notify(t, r, 0)
	shop.Expect(t, 0, finished, inbox.Applied)
	stopServer(srv)

	srv = natsServer(t, t.TempDir(), port)
	require.Eventually(t, func() bool {
		return shop.Deliver(r, testshop.Body(1, finished)) == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestCloseWaitsForStream cancels a subscription, and closes the broker, while the server
// creates a lost stream: Close waits for the server's response. A server that is stopped
// before leaves the stream's files open.
func TestCloseWaitsForStream(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	t.Cleanup(func() { stopServer(srv) })
	link := &slowLink{subject: []byte("$JS.API.STREAM.CREATE."), sent: make(chan struct{}), release: make(chan struct{})}
	broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), jetstream.WithNATS(nats.SetCustomDialer(link)))
	require.NoError(t, err)
	js := management(t, srv)
	require.NoError(t, js.DeleteStream(t.Context(), broker.Topic))
	link.armed.Store(true)

	ctx, cancel := context.WithCancel(t.Context())
	subscribed, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := broker.Subscriber.Subscribe(ctx, broker.Topic)
		subscribed <- err
	}()
	<-link.sent
	cancel()
	go func() { closed <- broker.Close() }()
	select {
	case err := <-closed:
		assert.Fail(t, "closed before the response", "error: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(link.release)
	if !t.Failed() {
		require.NoError(t, <-closed)
	}
	require.ErrorIs(t, <-subscribed, context.Canceled)
	_, err = js.Stream(t.Context(), broker.Topic)
	require.NoError(t, err)
}

// slowLink dials connections. Once armed, they send a message to the subject, and
// receive nothing more until release is closed.
type slowLink struct {
	subject       []byte
	armed         atomic.Bool
	sent, release chan struct{}
}

func (l *slowLink) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return slowConn{conn, l}, err
}

type slowConn struct {
	net.Conn
	link *slowLink
}

func (c slowConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, c.link.subject) && c.link.armed.Swap(false) {
		close(c.link.sent)
	}
	return c.Conn.Write(b)
}

func (c slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.link.sent:
		<-c.link.release
	default:
	}
	return n, err
}

// TestManyRetries has more events wait for their next attempt than the server lets a
// consumer leave unacknowledged by default: they hold up nothing.
func TestManyRetries(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker, relay.WithRetryFor(time.Hour))
	const n = 1100
	shop.Work(func(_ context.Context, event jovepay.Event) error {
		if payment, ok := event.(*jovepay.PaymentEvent); ok && payment.ID == jovepay.ID(strconv.Itoa(n)) {
			return nil
		}
		return errors.New("no such order")
	})
	shop.Start(t, r)
	for id := range n {
		shop.Notify(t, r, id)
	}
	waiting, err := js.Consumer(t.Context(), broker.RetryTopic, broker.RetryTopic)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := waiting.Info(t.Context())
		return err == nil && info.NumAckPending > 1000
	}, 40*time.Second, 10*time.Millisecond)
	shop.Notify(t, r, n)
	shop.Expect(t, n, finished, inbox.Applied)
}
