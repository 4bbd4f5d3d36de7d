package redisstream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/redisstream"
)

// TestServerSettings are accepted if the server keeps its messages.
func TestServerSettings(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		"--appendonly yes": "",
		"--appendonly yes --maxmemory 100mb --maxmemory-policy noeviction": "",
		"--appendonly yes --maxmemory-policy allkeys-lru":                  "", // without maxmemory, nothing is evicted
		"--appendonly yes --appendfsync always":                            "",
		"--appendonly yes --appendfsync everysec":                          "",

		"--appendonly yes --maxmemory 100mb --maxmemory-policy allkeys-lru":  "maxmemory-policy is allkeys-lru, want noeviction",
		"--appendonly yes --maxmemory 100mb --maxmemory-policy volatile-ttl": "maxmemory-policy is volatile-ttl, want noeviction",
		"--appendonly yes --appendfsync no":                                  "appendfsync is no, want everysec or always",
		"--appendonly no":                                                    "appendonly is no, want yes",
		"--appendonly no --save 60,1":                                        "appendonly is no, want yes",
		"--appendonly yes --cluster-enabled yes":                             "cluster-enabled is yes, want no",
		"--appendonly yes --replicaof 127.0.0.1,1":                           "role is slave, want master",
		"--maxmemory 100mb --maxmemory-policy allkeys-random": "maxmemory-policy is allkeys-random, want noeviction, " +
			"or maxmemory 0: a full server would drop messages; appendonly is no",
	} {
		t.Run(settings, func(t *testing.T) {
			t.Parallel()
			var args []string
			for word := range strings.FieldsSeq(settings) {
				args = append(args, strings.Split(word, ",")...)
			}
			srv := startRedis(t, args...)
			broker, err := redisstream.Connect(t.Context(), srv.address)
			if want == "" {
				require.NoError(t, err)
				require.NoError(t, broker.Close())
				return
			}
			require.ErrorContains(t, err, "redisstream: "+want)
			assert.NotContains(t, err.Error(), "\n")
			broker, err = redisstream.Connect(t.Context(), srv.address, redisstream.WithUncheckedServer())
			if strings.Contains(want, "append") || strings.Contains(want, "maxmemory") {
				require.NoError(t, err)
				require.NoError(t, broker.Close())
				return
			}
			require.Error(t, err, "it rejects messages")
		})
	}
}

// TestManagedServers forbid commands that administer the server.
func TestManagedServers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings []string
		rule     string
		want     string
	}{
		"no CONFIG":                {durableSettings(), "-config", ""},
		"no CONFIG, no append log": {[]string{"--appendonly", "no"}, "-config", "appendonly is no, want yes"},
		"no INFO":                  {durableSettings(), "-info", "does not show its settings (NOPERM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startRedis(t, test.settings...)
			require.NoError(t, srv.client.Do(t.Context(), "ACL", "SETUSER", "shop", "on", ">hunter2", "~*", "&*", "+@all", test.rule).Err())
			address := strings.Replace(srv.address, "redis://", "redis://shop:hunter2@", 1)
			broker, err := redisstream.Connect(t.Context(), address)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				broker, err = redisstream.Connect(t.Context(), address, redisstream.WithUncheckedServer())
			}
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, broker.Close()) })
			shop := testshop.New(t)
			assert.Equal(t, http.StatusOK, shop.Deliver(shop.Relay(t, broker), testshop.Body(1, finished)))
		})
	}
}
