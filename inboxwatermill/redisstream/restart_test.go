package redisstream_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inboxwatermill/internal/enginetest"
	"github.com/jovepay/jovepay-go/inboxwatermill/redisstream"
)

// TestServerRestarts kills a Redis that syncs every write, and brings it back:
// what was answered with 200 is applied.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("JOVEPAY_REQUIRE_SERVICES") == "1" {
			require.NoError(t, err)
		}
		t.Skip("no redis-server here to kill")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	address := "redis://127.0.0.1:" + strconv.Itoa(port)
	dir := t.TempDir()
	start := func() (kill func()) {
		server := exec.CommandContext(t.Context(), binary, "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
			"--dir", dir, "--appendonly", "yes", "--appendfsync", "always", "--save", "")
		require.NoError(t, server.Start())
		client := redis.NewClient(&redis.Options{Addr: address[len("redis://"):]})
		defer client.Close() //nolint:errcheck // it was only asked
		require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, 20*time.Second, 10*time.Millisecond)
		return func() {
			_ = server.Process.Kill()
			_ = server.Wait()
		}
	}
	kill := start()
	engine, err := redisstream.Connect(t.Context(), address, redisstream.WithClaimAfter(time.Second))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, engine.Close()) })
	shop := enginetest.NewShop(t)
	relay := shop.Relay(t, engine)
	stop := shop.Start(t, relay)
	require.Equal(t, http.StatusOK, shop.Deliver(relay, enginetest.Body(1, jovepay.StatusFinished)))
	shop.Expect(t, 1, jovepay.StatusFinished, inbox.Applied)

	accepted := map[jovepay.ID]bool{}
	for id := 2; id < 50; id++ {
		require.Equal(t, http.StatusOK, shop.Deliver(relay, enginetest.Body(id, jovepay.StatusFinished)))
		accepted[jovepay.ID(strconv.Itoa(id))] = true
	}
	kill()
	require.Equal(t, http.StatusInternalServerError, shop.Deliver(relay, enginetest.Body(50, jovepay.StatusFinished)))
	kill = start()
	require.Eventually(t, func() bool {
		return shop.Deliver(relay, enginetest.Body(51, jovepay.StatusFinished)) == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond)
	accepted["51"] = true
	for len(accepted) > 0 {
		delete(accepted, shop.Next(t).ID)
	}
	require.NoError(t, stop())
	kill()
}
