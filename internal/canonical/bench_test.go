package canonical

import (
	"crypto/hmac"
	"crypto/sha512"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkGuidePayment measures the work on the guide's payment beside what
// nothing can be faster than: one HMAC-SHA512 over the ready text.
func BenchmarkGuidePayment(b *testing.B) {
	body := []byte(guidePayment)
	mac := hmac.New(sha512.New, []byte("an IPN key as JovePay shows it once"))
	var sum [sha512.Size]byte
	var d Document
	require.NoError(b, d.Parse(body, DefaultDepth, math.MaxInt))
	text := d.Append(make([]byte, 0, 1024), JS)

	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mac.Reset()
			mac.Write(text)
			mac.Sum(sum[:0])
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = d.Parse(body, DefaultDepth, math.MaxInt)
		}
	})
	for f := JS; f <= Python; f++ {
		b.Run("append/"+f.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text = d.Append(text[:0], f)
			}
		})
	}
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = d.Parse(body, DefaultDepth, math.MaxInt)
			text = d.Append(text[:0], JS)
			mac.Reset()
			mac.Write(text)
			mac.Sum(sum[:0])
		}
	})
}

// BenchmarkSize measures reading a body and writing it in all four forms, by
// kind and size of the body.
func BenchmarkSize(b *testing.B) {
	for _, h := range hostiles() {
		for _, kib := range []int{1, 32, 1024} {
			b.Run(fmt.Sprintf("%s/%dKiB", h.name, kib), func(b *testing.B) {
				bodies := [][]byte{[]byte(h.build(kib<<10, 1)), []byte(h.build(kib<<10, 2))}
				var d Document
				var text []byte
				b.SetBytes(int64(len(bodies[0])))
				b.ReportAllocs()
				use := func(body []byte) {
					if err := d.Parse(body, DefaultDepth, math.MaxInt); err != nil {
						b.Fatal(err)
					}
					for f := JS; f <= Python; f++ {
						text = d.Append(text[:0], f)
					}
				}
				use(bodies[1])
				for i := 0; b.Loop(); i++ {
					use(bodies[i%2])
				}
			})
		}
	}
}
