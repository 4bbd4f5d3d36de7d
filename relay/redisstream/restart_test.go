package redisstream_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/redisstream"
)

// TestServerRestarts kills a Redis that syncs every write, and restarts it:
// notifications that got 200 are applied.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	srv := startRedis(t, append(durableSettings(), "--appendfsync", "always")...)
	broker := srv.connect(t)
	shop := testshop.New(t)
	r := shop.Relay(t, broker)
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	shop.Expect(t, 1, finished, inbox.Applied)

	accepted := map[jovepay.ID]bool{}
	for id := 2; id < 50; id++ {
		shop.Notify(t, r, id)
		accepted[jovepay.ID(strconv.Itoa(id))] = true
	}
	srv.kill()
	require.Equal(t, http.StatusInternalServerError, shop.Deliver(r, testshop.Body(50, finished)))
	srv.start(t)
	require.Eventually(t, func() bool {
		return shop.Deliver(r, testshop.Body(51, finished)) == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond)
	accepted["51"] = true
	for len(accepted) > 0 {
		delete(accepted, shop.Next(t).ID)
	}
}

// TestServerLoses deletes, while notifications arrive and are consumed, what a server
// may lose. Messages that it still has are applied, new ones are applied within seconds,
// and the shop need not restart anything.
func TestServerLoses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings []string
		lose     func(t *testing.T, srv *redisServer)
		keeps    bool // the entries
	}{
		"the group": {durableSettings(), func(t *testing.T, srv *redisServer) {
			t.Helper()
			for _, stream := range []string{"jovepay-ipn", "jovepay-ipn-retry"} {
				require.NoError(t, srv.client.XGroupDestroy(t.Context(), stream, "jovepay-ipn").Err())
			}
		}, true},
		"the index": {durableSettings(), func(t *testing.T, srv *redisServer) {
			t.Helper()
			require.NoError(t, srv.client.Del(t.Context(), "jovepay-ipn-ids").Err())
		}, true},
		"the streams": {durableSettings(), func(t *testing.T, srv *redisServer) {
			t.Helper()
			require.NoError(t, srv.client.Del(t.Context(), "jovepay-ipn", "jovepay-ipn-retry", "jovepay-ipn-poison").Err())
		}, false},
		"everything": {durableSettings(), func(t *testing.T, srv *redisServer) {
			t.Helper()
			require.NoError(t, srv.client.FlushAll(t.Context()).Err())
		}, false},
		"everything, by a restart": {[]string{"--save", "", "--appendonly", "no"}, func(t *testing.T, srv *redisServer) {
			t.Helper()
			srv.kill()
			srv.start(t)
		}, false},
		"its connections": {durableSettings(), func(t *testing.T, srv *redisServer) {
			t.Helper()
			require.NoError(t, srv.client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err())
		}, true},
		"its role, for a while": {durableSettings(), func(t *testing.T, srv *redisServer) {
			t.Helper()
			require.NoError(t, srv.client.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
			require.NoError(t, srv.client.ReplicaOf(t.Context(), "NO", "ONE").Err())
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startRedis(t, test.settings...)
			relays := make(chan int, 10_000)
			shop := testshop.New(t)
			shop.Work(testshop.FailFirst(1)) // so that some wait for their next attempt
			r := shop.Relay(t, srv.connect(t, redisstream.WithUncheckedServer()))
			shop.Start(t, r)
			var shops sync.WaitGroup
			lost := make(chan struct{})
			for worker := range 2 {
				shops.Go(func() {
					for id := worker; ; id += 2 {
						if shop.Deliver(r, testshop.Body(id, finished)) == http.StatusOK {
							relays <- id
						}
						select {
						case <-lost:
							return
						case <-time.After(time.Millisecond):
						}
					}
				})
			}
			for range 10 {
				shop.Next(t)
			}
			test.lose(t, srv)
			close(lost)
			shops.Wait()
			close(relays)

			began := time.Now()
			require.Eventually(t, func() bool {
				return shop.Deliver(r, testshop.Body(100_000, finished)) == http.StatusOK
			}, 10*time.Second, 10*time.Millisecond)
			applied := map[jovepay.ID]bool{}
			for !applied["100000"] {
				applied[shop.Next(t).ID] = true
			}
			assert.Less(t, time.Since(began), 10*time.Second)
			if !test.keeps {
				return
			}
			require.Eventually(t, func() bool { return srv.backlog(t, "jovepay-ipn") == 0 }, 20*time.Second, 10*time.Millisecond)
			for id := range relays {
				assert.Len(t, shop.Statuses(id), 1, "it got 200")
			}
		})
	}
}

// TestLostInProgress loses the group while work on a message is in progress. The
// message is delivered again, and leaves the stream in the end.
func TestLostInProgress(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	began, release := make(chan struct{}, 10), make(chan struct{})
	shop.Work(func(context.Context, jovepay.Event) error {
		began <- struct{}{}
		<-release
		return nil
	})
	r := shop.Relay(t, srv.connect(t))
	shop.Start(t, r)
	shop.Notify(t, r, 1)
	<-began
	require.NoError(t, srv.client.XGroupDestroy(t.Context(), "jovepay-ipn", "jovepay-ipn").Err())
	close(release)
	shop.Expect(t, 1, finished, inbox.Applied)
	shop.Expect(t, 1, finished, inbox.Duplicate)
	require.Eventually(t, func() bool { return srv.backlog(t, "jovepay-ipn") == 0 }, 20*time.Second, 10*time.Millisecond)
}

// TestLostIsNoDuplicate delivers a notification again that the server has lost: it is
// not dropped as a duplicate.
func TestLostIsNoDuplicate(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	r := shop.Relay(t, srv.connect(t))
	send := func() int {
		shop.Notify(t, r, 1)
		return srv.backlog(t, "jovepay-ipn")
	}
	require.Equal(t, 1, send())
	require.Equal(t, 1, send())
	entries, err := srv.client.XRange(t.Context(), "jovepay-ipn", "-", "+").Result()
	require.NoError(t, err)
	id := entries[0].ID

	require.NoError(t, srv.client.XDel(t.Context(), "jovepay-ipn", id).Err())
	assert.Equal(t, 1, send(), "its entry was deleted")
	require.NoError(t, srv.client.Del(t.Context(), "jovepay-ipn").Err())
	assert.Equal(t, 1, send(), "its stream was deleted")
	require.NoError(t, srv.client.Del(t.Context(), "jovepay-ipn").Err())
	notes, err := srv.client.HVals(t.Context(), "jovepay-ipn-ids").Result()
	require.NoError(t, err)
	require.Len(t, notes, 1)
	_, id, _ = strings.Cut(notes[0], " ")
	require.NoError(t, srv.client.XAdd(t.Context(), &redis.XAddArgs{Stream: "jovepay-ipn", ID: id, Values: []string{"a", "b"}}).Err())
	assert.Equal(t, 2, send(), "another entry has its id")
}

// TestServerFull rejects messages when memory is exhausted, and drops none: what it
// accepted is applied or in the poison queue.
func TestServerFull(t *testing.T) {
	t.Parallel()
	srv := startRedis(t)
	shop := testshop.New(t)
	r := shop.Relay(t, srv.connect(t))
	info, err := srv.client.InfoMap(t.Context(), "memory").Result()
	require.NoError(t, err)
	used, err := strconv.Atoi(info["Memory"]["used_memory"])
	require.NoError(t, err)
	require.NoError(t, srv.client.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(used+512<<10)).Err())
	accepted := map[jovepay.ID]bool{}
	for id := 0; shop.Deliver(r, testshop.Body(id, finished)) == http.StatusOK; id++ {
		accepted[jovepay.ID(strconv.Itoa(id))] = true
	}
	require.NotEmpty(t, accepted)
	shop.Work(testshop.FailFirst(1))
	shop.Start(t, r)
	require.Eventually(t, func() bool { return srv.backlog(t, "jovepay-ipn") == 0 }, 20*time.Second, 10*time.Millisecond)
	for poisoned, err := range r.PoisonEvents(t.Context()) { // the retry topic had no room for them
		require.NoError(t, err)
		payment, ok := poisoned.Event.(*jovepay.PaymentEvent)
		require.True(t, ok)
		delete(accepted, payment.ID)
	}
	for id := range accepted {
		number, err := strconv.Atoi(id.String())
		require.NoError(t, err)
		assert.Len(t, shop.Statuses(number), 1)
	}
}
