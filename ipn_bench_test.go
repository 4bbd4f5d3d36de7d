package jovepay_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

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
	body := []byte(guidePayment)
	v := newVerifier(b, ipnSecret)
	signature := signAs(b, jovepay.FormJS, guidePayment)
	mac := hmac.New(sha512.New, []byte(ipnSecret))
	var sum [sha512.Size]byte

	b.Run("impl=floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mac.Reset()
			mac.Write(body)
			mac.Sum(sum[:0])
		}
	})
	b.Run("impl=Verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := v.Verify(body, signature); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Parse(body, signature); err != nil {
				b.Fatal(err)
			}
		}
	})
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
		b.ReportAllocs()
		for b.Loop() {
			if !verifyWithMap(body, signature) {
				b.Fatal("refused")
			}
		}
	})
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

// sizedBodies returns bodies of about n bytes: ordinary ones and such as somebody
// would send who wants the verifier to be slow.
func sizedBodies(n int) map[string]string {
	list := func(part func(i int) string) string {
		var out strings.Builder
		for i := 0; out.Len() < n; i++ {
			out.WriteString(part(i))
			out.WriteByte(',')
		}
		return strings.TrimSuffix(out.String(), ",")
	}
	object := func(part func(i int) string) string { return "{" + list(part) + "}" }
	repeated := func(part string) string { return `{"a":[` + list(func(int) string { return part }) + "]}" }
	middle := "9007199254740993" + strings.Repeat("0", 780) + "1" // between two doubles, almost
	return map[string]string{
		"ordinary":     repeated(guidePayment),
		"text":         `{"a":"` + strings.Repeat("text ", n/5) + `"}`,
		"names":        object(func(i int) string { return fmt.Sprintf(`"%x":1`, i*7919%1_000_003+1_000_000) }),
		"long-names":   object(func(i int) string { return fmt.Sprintf(`"%s%d":1`, strings.Repeat("x", 1000), i*7919%10_007) }),
		"digit-names":  object(func(i int) string { return fmt.Sprintf(`"%d":1`, i*7919%1_000_003) }),
		"float-names":  object(func(i int) string { return fmt.Sprintf(`"%d.%de-3":1`, i*7919%1_000_003, i) }),
		"wide-names":   object(func(i int) string { return fmt.Sprintf(`"%s%d":1`, strings.Repeat("\uffee😀", 10), i*7919%100_003) }),
		"deep":         repeated(strings.Repeat(`{"b":`, 500) + "1" + strings.Repeat("}", 500)),
		"deep-lists":   repeated(strings.Repeat("[", 500) + strings.Repeat("]", 500)),
		"escapes":      `{"a":"` + strings.Repeat(`\u00e9`, n/6) + `"}`,
		"quotes":       `{"a":"` + strings.Repeat(`\"`, n/2) + `"}`,
		"numbers":      repeated("1e-7"),
		"long-numbers": repeated(middle + ".5e-700"),
		"one-number":   `{"a":` + strings.Repeat("7", 300) + "." + strings.Repeat("7", n) + "}",
		"all-differ":   repeated(`{"é":1.0,"10":1e-7,"9":9007199254740993}`),
		"empty":        repeated("{}"),
		"white-space":  "{" + strings.Repeat(" ", n) + "}",
		"duplicate":    `{"a":` + strings.Repeat("1", 100) + "," + list(func(i int) string { return fmt.Sprintf(`"%x":1`, i+1_000_000) }) + `,"a":2}`,
	}
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
