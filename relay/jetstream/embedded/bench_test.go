package embedded_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
	"github.com/jovepay/jovepay-go/relay/jetstream/embedded"
)

func newRelay(b *testing.B, opts ...relay.Option) (*testshop.Shop, *relay.Relay) {
	b.Helper()
	broker, err := embedded.Open(b.TempDir())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, broker.Close()) })
	shop := testshop.New(b)
	return shop, shop.Relay(b, broker, opts...)
}

// BenchmarkHandler accepts notifications: verified, and written through to the disk
// before the response. "again" delivers one that is already there.
func BenchmarkHandler(b *testing.B) {
	for _, again := range []bool{false, true} {
		b.Run(map[bool]string{false: "first", true: "again"}[again], func(b *testing.B) {
			shop, r := newRelay(b)
			var id atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int64(1)
					if !again {
						n = id.Add(1)
					}
					if shop.Deliver(r, testshop.Body(int(n), finished)) != http.StatusOK {
						b.Error("not accepted")
					}
				}
			})
		})
	}
}

// BenchmarkRun consumes a backlog: verified again, applied to an inbox in memory,
// acknowledged.
func BenchmarkRun(b *testing.B) {
	shop, r := newRelay(b)
	for id := range b.N {
		shop.Notify(b, r, id)
	}
	b.ResetTimer()
	stop := shop.Start(b, r)
	for range b.N {
		shop.Next(b)
	}
	b.StopTimer()
	require.NoError(b, stop())
}
