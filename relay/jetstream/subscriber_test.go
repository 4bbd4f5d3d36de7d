package jetstream_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

// never is an AckWait that no test outlives: what is held until it is over is
// lost to the test.
func never() jetstream.Option { return jetstream.WithAckWait(time.Hour) }

// TestStopHoldsNothing ends a relay that waits for messages and publishes one at
// that moment. It stays on the server for whoever asks next. The server would
// hand it to a request that was not withdrawn, and keep it from all others until
// AckWait is over.
func TestStopHoldsNothing(t *testing.T) {
	t.Parallel()
	engine, js := connected(t, never())
	consumer, err := js.Consumer(t.Context(), engine.Topic, engine.Topic)
	require.NoError(t, err)
	shop := relaytest.NewShop(t)
	shopRelay := shop.Relay(t, engine)
	for id := range 30 {
		stop := shop.Start(t, shopRelay)
		require.Eventually(t, func() bool {
			info, err := consumer.Info(t.Context())
			return err == nil && info.NumWaiting > 0
		}, 10*time.Second, time.Millisecond)
		require.NoError(t, stop())
		require.Equal(t, http.StatusOK, shop.Deliver(shopRelay, relaytest.Body(id, finished)))
		info, err := consumer.Info(t.Context())
		require.NoError(t, err)
		require.Zero(t, info.NumAckPending, "held by a relay that has ended")
		assert.Zero(t, info.NumWaiting, "asked for by a relay that has ended")
		stop = shop.Start(t, shopRelay)
		shop.Expect(t, id, finished, inbox.Applied)
		require.NoError(t, stop())
	}
}

// TestStopUnderWay ends a relay while messages are on their way to it: none of
// them is missing afterwards.
func TestStopUnderWay(t *testing.T) {
	t.Parallel()
	engine, _ := connected(t, never())
	shop := relaytest.NewShop(t)
	consumer := shop.Relay(t, engine)
	const rounds, n = 10, 20
	for round := range rounds {
		stop := shop.Start(t, consumer)
		for id := range n {
			require.Equal(t, http.StatusOK, shop.Deliver(consumer, relaytest.Body(round*n+id, finished)))
		}
		require.NoError(t, stop())
	}
	shop.Start(t, consumer)
	for range rounds * n {
		assert.Equal(t, inbox.Applied, shop.Next(t).Outcome)
	}
}

// TestGivenBackOften is what a message goes through when a shop's processes are
// replaced one after the other: it does not wait longer each time.
func TestGivenBackOften(t *testing.T) {
	t.Parallel()
	engine, _ := connected(t, never())
	shop := relaytest.NewShop(t)
	require.Equal(t, http.StatusOK, shop.Deliver(shop.Relay(t, engine), relaytest.Body(1, finished)))
	for i := range 8 {
		ctx, cancel := context.WithCancel(t.Context())
		messages, err := engine.Subscriber.Subscribe(ctx, engine.Topic)
		require.NoError(t, err)
		msg := <-messages
		if i == 7 {
			msg.Nack()
			<-msg.Context().Done() // it is through with it
		}
		cancel()
		<-messages
	}
	shop.Start(t, shop.Relay(t, engine))
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestGivenBackForGood has the server restart after a consumer gave a message
// back: it is not held then, either.
func TestGivenBackForGood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := natsServer(t, dir, server.RANDOM_PORT)
	port := srv.Addr().(*net.TCPAddr).Port
	open := func() *relay.Engine {
		engine, err := jetstream.Connect(t.Context(), srv.ClientURL(), never())
		require.NoError(t, err)
		return engine
	}
	engine, shop := open(), relaytest.NewShop(t)
	js := management(t, srv)
	given, err := js.Conn().SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.>")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, shop.Deliver(shop.Relay(t, engine), relaytest.Body(1, finished)))
	_, err = engine.Subscriber.Subscribe(t.Context(), engine.Topic)
	require.NoError(t, err)
	consumer, err := js.Consumer(t.Context(), engine.Topic, engine.Topic)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := consumer.Info(t.Context())
		return err == nil && info.NumAckPending == 1
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, engine.Close())
	// The server says that it read it. An advisory may get lost, but in that time
	// it has read it all the same.
	_, _ = given.NextMsg(10 * time.Second)
	_, err = consumer.Info(t.Context()) // it is through with it
	require.NoError(t, err)

	stopServer(srv)
	srv = natsServer(t, dir, port)
	t.Cleanup(func() { stopServer(srv) })
	engine = open()
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	shop.Start(t, shop.Relay(t, engine))
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestEmbeddedKilled leaves a message in the hands of a process that said no
// more. Nobody else can have it, so that it does not wait when the directory is
// opened again.
func TestEmbeddedKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	engine, err := jetstream.Embedded(dir, never())
	require.NoError(t, err)
	shop := relaytest.NewShop(t)
	require.Equal(t, http.StatusOK, shop.Deliver(shop.Relay(t, engine), relaytest.Body(1, finished)))
	require.NoError(t, engine.Close())

	srv, err := jetstream.Start(dir)
	require.NoError(t, err)
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	require.NoError(t, err)
	js, err := natsjs.New(conn)
	require.NoError(t, err)
	consumer, err := js.Consumer(t.Context(), engine.Topic, engine.Topic)
	require.NoError(t, err)
	_, err = consumer.Next()
	require.NoError(t, err)
	conn.Close()
	stopServer(srv)

	engine, err = jetstream.Embedded(dir, never())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	shop.Start(t, shop.Relay(t, engine))
	shop.Expect(t, 1, finished, inbox.Applied)
}
