package redisstream_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/redisstream"
)

// redisServer is a Redis for one test, which may kill and empty it.
type redisServer struct {
	address string
	client  *redis.Client
	binary  string
	args    []string
	process *exec.Cmd
}

// durableSettings returns the settings that Connect requires.
func durableSettings() []string { return []string{"--appendonly", "yes", "--save", ""} }

// startRedis starts a server with the given settings, or durable ones.
func startRedis(t *testing.T, settings ...string) *redisServer {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		hint := fmt.Sprintf("these tests start servers that they kill and empty: install redis-server (%v)", err)
		if os.Getenv("JOVEPAY_REQUIRE_SERVICES") == "1" {
			require.FailNow(t, hint)
		}
		t.Skip(hint)
	}
	if settings == nil {
		settings = durableSettings()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	s := &redisServer{
		address: "redis://127.0.0.1:" + strconv.Itoa(port),
		client:  redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + strconv.Itoa(port)}),
		binary:  binary,
		args:    append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", t.TempDir()}, settings...),
	}
	s.start(t)
	t.Cleanup(func() {
		s.kill()
		assert.NoError(t, s.client.Close())
	})
	return s
}

func (s *redisServer) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command(s.binary, s.args...)
	require.NoError(t, s.process.Start())
	require.Eventually(t, func() bool { return s.client.Ping(t.Context()).Err() == nil }, 20*time.Second, 10*time.Millisecond)
}

func (s *redisServer) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// connect returns a broker on the server. It is closed before the server is killed.
func (s *redisServer) connect(t *testing.T, opts ...redisstream.Option) *relay.Broker {
	t.Helper()
	broker, err := redisstream.Connect(t.Context(), s.address, append([]redisstream.Option{redisstream.WithClaimAfter(2 * time.Second)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, broker.Close()) })
	return broker
}

// backlog returns how many entries the streams of events have.
func (s *redisServer) backlog(t *testing.T, name string) int {
	t.Helper()
	var n int64
	for _, stream := range []string{name, name + "-retry"} {
		length, err := s.client.XLen(t.Context(), stream).Result()
		require.NoError(t, err)
		n += length
	}
	return int(n)
}
