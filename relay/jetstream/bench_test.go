package jetstream_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
	"github.com/jovepay/jovepay-go/relay/jetstream"
)

func newRelay(b *testing.B, opts ...relay.Option) (*relaytest.Shop, *relay.Relay) {
	b.Helper()
	engine, err := jetstream.Embedded(b.TempDir())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	shop := relaytest.NewShop(b)
	return shop, shop.Relay(b, engine, opts...)
}

// BenchmarkHandler takes notifications: verified, and written through to the
// disk before the answer. "again" are deliveries of what is there already.
func BenchmarkHandler(b *testing.B) {
	for _, again := range []bool{false, true} {
		b.Run(map[bool]string{false: "first", true: "again"}[again], func(b *testing.B) {
			shop, consumer := newRelay(b)
			var id atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int64(1)
					if !again {
						n = id.Add(1)
					}
					if shop.Deliver(consumer, relaytest.Body(int(n), finished)) != http.StatusOK {
						b.Error("not accepted")
					}
				}
			})
		})
	}
}

// BenchmarkRun works on notifications that wait: verified again, applied to an
// inbox in memory, acknowledged.
func BenchmarkRun(b *testing.B) {
	shop, consumer := newRelay(b)
	for id := range b.N {
		require.Equal(b, http.StatusOK, shop.Deliver(consumer, relaytest.Body(id, finished)))
	}
	b.ResetTimer()
	stop := shop.Start(b, consumer)
	for range b.N {
		shop.Next(b)
	}
	b.StopTimer()
	require.NoError(b, stop())
}
