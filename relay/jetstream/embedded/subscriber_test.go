package embedded_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

// TestStopHoldsNothing ends a relay that waits for messages, and publishes one at that
// moment. It stays on the server for the next consumer. The server would deliver it to
// a request that was not withdrawn, and hold it until AckWait is over.
func TestStopHoldsNothing(t *testing.T) {
	t.Parallel()
	broker, js := newBroker(t, never())
	consumer, err := js.Consumer(t.Context(), broker.Topic, broker.Topic)
	require.NoError(t, err)
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	for id := range 30 {
		stop := shop.Start(t, r)
		require.Eventually(t, func() bool {
			info, err := consumer.Info(t.Context())
			return err == nil && info.NumWaiting > 0
		}, 10*time.Second, time.Millisecond)
		require.NoError(t, stop())
		shop.Notify(t, r, id)
		info, err := consumer.Info(t.Context())
		require.NoError(t, err)
		require.Zero(t, info.NumAckPending, "held for a relay that has ended")
		assert.Zero(t, info.NumWaiting, "requested by a relay that has ended")
		stop = shop.Start(t, r)
		shop.Expect(t, id, finished, inbox.Applied)
		require.NoError(t, stop())
	}
}

// TestStopInProgress ends a relay while messages are in flight to it: none of them
// is missing afterwards.
func TestStopInProgress(t *testing.T) {
	t.Parallel()
	broker, _ := newBroker(t, never())
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	const rounds, n = 10, 20
	for round := range rounds {
		stop := shop.Start(t, r)
		for id := range n {
			shop.Notify(t, r, round*n+id)
		}
		require.NoError(t, stop())
	}
	shop.Start(t, r)
	for range rounds * n {
		assert.Equal(t, inbox.Applied, shop.Next(t).Outcome)
	}
}

// TestGiveBackOften gives a message back again and again, as when the processes of a
// shop are replaced one after the other: its delay does not grow.
func TestGiveBackOften(t *testing.T) {
	t.Parallel()
	broker, _ := newBroker(t, never())
	shop := testshop.New(t)
	shop.Notify(t, shop.Relay(t, broker), 1)
	for i := range 8 {
		ctx, cancel := context.WithCancel(t.Context())
		messages, err := broker.Subscriber.Subscribe(ctx, broker.Topic)
		require.NoError(t, err)
		msg := <-messages
		if i == 7 {
			msg.Nack()
			<-msg.Context().Done() // given back
		}
		cancel()
		<-messages
	}
	shop.Start(t, shop.Relay(t, broker))
	shop.Expect(t, 1, finished, inbox.Applied)
}

// TestGiveBackOutlivesRestart restarts the server after a consumer gave a message back:
// the message is not held.
func TestGiveBackOutlivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := natsServer(t, dir, server.RANDOM_PORT)
	port := srv.Addr().(*net.TCPAddr).Port
	open := func() *relay.Broker {
		broker, err := jetstream.Connect(t.Context(), srv.ClientURL(), never())
		require.NoError(t, err)
		return broker
	}
	broker, shop := open(), testshop.New(t)
	js := management(t, srv)
	given, err := js.Conn().SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.>")
	require.NoError(t, err)
	shop.Notify(t, shop.Relay(t, broker), 1)
	_, err = broker.Subscriber.Subscribe(t.Context(), broker.Topic)
	require.NoError(t, err)
	consumer, err := js.Consumer(t.Context(), broker.Topic, broker.Topic)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := consumer.Info(t.Context())
		return err == nil && info.NumAckPending == 1
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, broker.Close())
	// Wait for the server to report that it has read this. The report may get lost,
	// but by then the server has read it.
	_, _ = given.NextMsg(10 * time.Second)
	_, err = consumer.Info(t.Context()) // it is through with it
	require.NoError(t, err)

	stopServer(srv)
	srv = natsServer(t, dir, port)
	t.Cleanup(func() { stopServer(srv) })
	broker = open()
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	shop.Start(t, shop.Relay(t, broker))
	shop.Expect(t, 1, finished, inbox.Applied)
}
