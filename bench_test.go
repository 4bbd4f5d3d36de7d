package jovepay_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// BenchmarkPaymentsGet is one call over loopback TCP: Payments.Get beside the
// same call written by hand, over the same connections to the same server.
// Both bound what they read and decode into the same struct.
func BenchmarkPaymentsGet(b *testing.B) {
	content := compact(b, responseFile(b, "payment_finished.json"))
	address := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content)
	})
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	hc := &http.Client{Transport: transport}
	client := newClient(b, address, jovepay.WithHTTPClient(hc))
	ctx := b.Context()

	b.Run("impl=sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Payments.Get(ctx, "5745459419"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=handwritten", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := getByHand(ctx, hc, address, "5745459419"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// handPayment has the fields of a Payment, which encoding/json reads by itself.
type handPayment jovepay.Payment

// getByHand is what a careful programmer writes without an SDK.
func getByHand(ctx context.Context, hc *http.Client, base, id string) (*jovepay.Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/payment/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("x-api-key", apiKey)
	res, err := hc.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, content)
	}
	var payment handPayment
	if err := json.Unmarshal(content, &payment); err != nil {
		return nil, err
	}
	if payment.ID == "" {
		return nil, errors.New("no payment")
	}
	return (*jovepay.Payment)(&payment), nil
}

// BenchmarkDecodePage is a list page of 500 payments. The SDK's side is the
// whole of Payments.List but for the network; the peers only decode.
func BenchmarkDecodePage(b *testing.B) {
	content := benchPage(0, 500, 500)
	client := newClient(b, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			text := content
			if r.Method == http.MethodPost {
				text = []byte(`{"token":"` + token() + `"}`)
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: r}, nil
		})}))
	b.Run("impl=sdk", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		for b.Loop() {
			list, err := client.Payments.List(b.Context(), jovepay.PaymentListOptions{})
			if err != nil || len(list.Payments) != 500 {
				b.Fatal(err)
			}
		}
	})
	// The same struct: every field has the type it has in the SDK.
	b.Run("impl=encodingjson", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		for b.Loop() {
			var list struct {
				Payments                       []*handPayment `json:"data"`
				Limit, Page, PagesCount, Total int
			}
			if err := json.Unmarshal(content, &list); err != nil || len(list.Payments) != 500 {
				b.Fatal(err)
			}
		}
	})
	// The same fields as plain strings, numbers and times, which costs
	// encoding/json least: but then 1.0 and 1 differ and forms may not vary.
	b.Run("impl=encodingjson-plain", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		for b.Loop() {
			var list struct {
				Data                           []*plainPayment
				Limit, Page, PagesCount, Total int
			}
			if err := json.Unmarshal(content, &list); err != nil || len(list.Data) != 500 {
				b.Fatal(err)
			}
		}
	})
}

type plainPayment struct {
	ID              json.Number `json:"payment_id"`
	ParentID        json.Number `json:"parent_payment_id"`
	InvoiceID       json.Number `json:"invoice_id"`
	Status          string      `json:"payment_status"`
	PayAddress      string      `json:"pay_address"`
	PayinExtraID    string      `json:"payin_extra_id"`
	PriceAmount     json.Number `json:"price_amount"`
	PriceCurrency   string      `json:"price_currency"`
	PayAmount       json.Number `json:"pay_amount"`
	ActuallyPaid    json.Number `json:"actually_paid"`
	PayCurrency     string      `json:"pay_currency"`
	OrderID         string      `json:"order_id"`
	Description     string      `json:"order_description"`
	PurchaseID      json.Number `json:"purchase_id"`
	OutcomeAmount   json.Number `json:"outcome_amount"`
	OutcomeCurrency string      `json:"outcome_currency"`
	PayoutHash      string      `json:"payout_hash"`
	PayinHash       string      `json:"payin_hash"`
	CreatedAt       time.Time   `json:"created_at"`
	UpdatedAt       time.Time   `json:"updated_at"`
	Type            string      `json:"type"`
}

// benchPage is a page of a list of total payments.
func benchPage(number, limit, total int) []byte {
	page := []byte(`{"data":[`)
	for i := number * limit; i < min(total, (number+1)*limit); i++ {
		if i > number*limit {
			page = append(page, ',')
		}
		page = append(page, `{"payment_id":57454`...)
		page = strconv.AppendInt(page, int64(1_000_000+i), 10)
		page = append(page, `,"parent_payment_id":null,"invoice_id":null,"payment_status":"finished","pay_address":"3EZ2uTdVDAMFXTfc6uLDDKR6o8qKBZXVkj",`+
			`"payin_extra_id":null,"price_amount":3999.5,"price_currency":"usd","pay_amount":0.17070286,"actually_paid":0.17070286,"pay_currency":"btc",`+
			`"order_id":"RGDBP-21314","order_description":"Apple Macbook Pro 2019 x 1","purchase_id":5837122679,"outcome_amount":3980.25,`+
			`"outcome_currency":"usdttrc20","payout_hash":"0xdef","payin_hash":"abc","created_at":"2026-11-22T15:00:22.742Z",`+
			`"updated_at":"2026-11-22T15:30:22.742Z","type":"crypto2crypto"}`...)
	}
	return fmt.Appendf(page, `],"limit":%d,"page":%d,"pagesCount":%d,"total":%d}`, limit, number, (total+limit-1)/limit, total)
}

// BenchmarkAll walks 100,000 payments on a server that takes 20 ms to
// respond, with the default window of 8, next to a loop that reads one page after
// the other.
func BenchmarkAll(b *testing.B) {
	const payments = 100_000
	pages := make([][]byte, payments/500+1) // made ahead: the server's work is not the client's; the last is empty
	for i := range pages {
		pages[i] = benchPage(i, 500, payments)
	}
	address := serve(b, func(w http.ResponseWriter, r *http.Request) {
		text := []byte(`{"token":"` + token() + `"}`)
		if r.Method == http.MethodGet {
			<-time.After(20 * time.Millisecond)
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			text = pages[page]
		}
		_, _ = w.Write(text)
	})
	client := newClient(b, address, jovepay.WithCredentials(email, password))
	b.Run("impl=sdk", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range client.Payments.All(b.Context(), jovepay.PaymentListOptions{}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			require.Equal(b, payments, n)
		}
	})
	b.Run("impl=pageafterpage", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for page := 0; n < payments; page++ {
				list, err := client.Payments.List(b.Context(), jovepay.PaymentListOptions{Limit: 500, Page: page})
				if err != nil || len(list.Payments) == 0 {
					b.Fatal(err)
				}
				n += len(list.Payments)
			}
		}
	})
}

// BenchmarkAllHeap reports the most that lives on the heap while lists of
// different lengths are walked.
func BenchmarkAllHeap(b *testing.B) {
	for _, payments := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("payments=%d", payments), func(b *testing.B) {
			live := uint64(0)
			for b.Loop() {
				live = max(live, heapOfAll(b, payments))
			}
			b.ReportMetric(float64(live)/(1<<20), "live-MiB")
		})
	}
}

func TestAllKeepsNoList(t *testing.T) { //nolint:paralleltest // reads the heap
	if testing.Short() {
		t.Skip("walks 100,000 payments")
	}
	short, long := heapOfAll(t, 10_000), heapOfAll(t, 100_000)
	t.Logf("10,000 payments: %d KiB, 100,000 payments: %d KiB", short>>10, long>>10)
	assert.Less(t, long, short*4, "the heap grows with the list") // 100,000 payments would take over 50 MiB
}

// heapOfAll walks a list and returns the most that lived on the heap, beyond
// what did before.
func heapOfAll(tb testing.TB, payments int) (most uint64) {
	tb.Helper()
	client := newClient(tb, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			text := []byte(`{"token":"` + token() + `"}`)
			if r.Method == http.MethodGet {
				page, _ := strconv.Atoi(r.URL.Query().Get("page"))
				text = benchPage(page, 500, payments)
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
		})}))
	live := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, n := live(), 0
	for _, err := range client.Payments.All(tb.Context(), jovepay.PaymentListOptions{}) {
		require.NoError(tb, err)
		if n++; n%(payments/10) == 0 {
			most = max(most, live()-before)
		}
	}
	require.Equal(tb, payments, n)
	return most
}

// allDiffer returns a body as long as the guide's payment that each form writes
// in its own way.
func allDiffer() string {
	return strings.NewReplacer(
		`"payment_extra_ids":null`, `"payment_extra_ids":[1]`,
		`"actually_paid_at_fiat":0`, `"actually_paid_at_fiat":1e-8`,
		`"pay_address":"address"`, `"pay_address":"é st"`,
	).Replace(guidePayment)
}

// BenchmarkIPN measures the verifier on the guide's payment beside what nothing
// can be faster than, an HMAC over the ready text, and beside what a shop would
// write by itself.
func BenchmarkIPN(b *testing.B) {
	v, body := newVerifier(b, ipnSecret), []byte(guidePayment)
	for _, impl := range verifiers(b) {
		b.Run("impl="+impl.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				impl.run()
			}
		})
	}
	b.Run("impl=all-differ", func(b *testing.B) {
		hard := []byte(allDiffer())
		last := signAs(b, jovepay.FormPython, allDiffer())
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Verify(hard, last); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=jsontext", func(b *testing.B) {
		mac := hmac.New(sha512.New, []byte(ipnSecret))
		var sum [sha512.Size]byte
		b.ReportAllocs()
		for b.Loop() {
			text := jsontext.Value(bytes.Clone(body))
			if err := text.Canonicalize(); err != nil {
				b.Fatal(err)
			}
			mac.Reset()
			mac.Write(text)
			mac.Sum(sum[:0])
		}
	})
	b.Run("impl=map", func(b *testing.B) {
		signature := signAs(b, jovepay.FormJS, guidePayment)
		b.ReportAllocs()
		for b.Loop() {
			if !verifyWithMap(body, signature) {
				b.Fatal("rejected")
			}
		}
	})
}

// BenchmarkIPNRatio lets the floor, Verify and Parse take turns: what slows the
// machine slows all of them.
func BenchmarkIPNRatio(b *testing.B) {
	impls := verifiers(b)
	took := make([]time.Duration, len(impls))
	for b.Loop() {
		for i, impl := range impls {
			begun := time.Now()
			for range 50 {
				impl.run()
			}
			took[i] += time.Since(begun)
		}
	}
	for i, impl := range impls[1:] {
		b.ReportMetric(float64(took[i+1])/float64(took[0]), impl.name+"/"+impls[0].name)
	}
}

type verifier struct {
	name string
	run  func()
}

// verifiers are the floor, Verify and Parse of the guide's payment.
func verifiers(b *testing.B) []verifier {
	b.Helper()
	body := []byte(guidePayment)
	v := newVerifier(b, ipnSecret)
	signature := signAs(b, jovepay.FormJS, guidePayment)
	mac := hmac.New(sha512.New, []byte(ipnSecret))
	var sum [sha512.Size]byte
	return []verifier{
		{"floor", func() {
			mac.Reset()
			mac.Write(body)
			mac.Sum(sum[:0])
		}},
		{"Verify", func() {
			if err := v.Verify(body, signature); err != nil {
				b.Fatal(err)
			}
		}},
		{"Parse", func() {
			if _, err := v.Parse(body, signature); err != nil {
				b.Fatal(err)
			}
		}},
	}
}

// verifyWithMap is what one writes first: encoding/json sorts the keys of a map.
func verifyWithMap(body []byte, signature string) bool {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return false
	}
	text, err := json.Marshal(members)
	if err != nil {
		return false
	}
	mac := hmac.New(sha512.New, []byte(ipnSecret))
	mac.Write(text)
	want, err := hex.DecodeString(signature)
	return err == nil && hmac.Equal(mac.Sum(nil), want)
}

// BenchmarkIPNSize measures bodies that are not signed, for which every form is
// tried: the speed must hardly fall as they grow.
func BenchmarkIPNSize(b *testing.B) {
	v := newVerifier(b, ipnSecret, jovepay.WithIPNMaxBytes(1<<20))
	forged := strings.Repeat("0", 2*sha512.Size)
	for _, size := range []int{1 << 10, 8 << 10, 64 << 10, 512 << 10, 1<<20 - 4<<10} {
		for name, body := range sizedBodies(size) {
			b.Run(fmt.Sprintf("body=%s/size=%dKiB", name, (size+4<<10)>>10), func(b *testing.B) {
				text := []byte(body)
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if v.Verify(text, forged) == nil {
						b.Fatal("accepted")
					}
				}
			})
		}
	}
}

// BenchmarkHandler delivers the guide's payment over loopback from parallel
// senders: to the handler, to one that only reads the body, and to one that
// reads it and computes the MAC of the ready text, which is the least that a
// verifier can do.
func BenchmarkHandler(b *testing.B) {
	read := func(w http.ResponseWriter, r *http.Request) []byte {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		return body
	}
	macs := sync.Pool{New: func() any { return hmac.New(sha512.New, []byte(ipnSecret)) }}
	for name, handler := range map[string]http.Handler{
		"impl=Handler": newVerifier(b, ipnSecret).Handler(accept),
		"impl=read":    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { read(w, r) }),
		"impl=mac": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mac := macs.Get().(hash.Hash)
			defer macs.Put(mac)
			mac.Reset()
			mac.Write(read(w, r))
			mac.Sum(nil)
		}),
	} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(handler)
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			defer client.CloseIdleConnections()
			signature := signAs(b, jovepay.FormJS, guidePayment)
			b.SetParallelism(8)
			b.RunParallel(func(senders *testing.PB) {
				for senders.Next() {
					r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL, strings.NewReader(guidePayment))
					require.NoError(b, err)
					r.Header.Set(jovepay.IPNSignatureHeader, signature)
					response, err := client.Do(r)
					require.NoError(b, err)
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
					require.Equal(b, http.StatusOK, response.StatusCode)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
