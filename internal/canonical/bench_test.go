package canonical

import (
	"crypto/hmac"
	"crypto/sha512"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// guidePayment is the payment of JovePay's guide, in the guide's order, without
// white space: 501 bytes.
const guidePayment = `{"payment_id":123456789,"parent_payment_id":987654321,"invoice_id":null,` +
	`"payment_status":"finished","pay_address":"address","payin_extra_id":null,"price_amount":1,` +
	`"price_currency":"usd","pay_amount":15,"actually_paid":15,"actually_paid_at_fiat":0,` +
	`"pay_currency":"trx","order_id":null,"order_description":null,"purchase_id":"123456789",` +
	`"outcome_amount":14.8106,"outcome_currency":"trx","payment_extra_ids":null,"fee":{"currency":"btc",` +
	`"depositFee":0.09853637216235617,"withdrawalFee":0,"serviceFee":0}}`

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
