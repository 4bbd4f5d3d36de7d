package jovepay_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

var hostileFigures = flag.Bool("hostile-figures", false, "log what hostile responses cost, at 16 MB")

// hostile are bodies of about size bytes that are expensive for a naive reader.
func hostile(size int) map[string]string {
	fill := func(before, unit, after string) string {
		n := (size - len(before) - len(after)) / len(unit)
		return before + strings.Repeat(unit, n) + after
	}
	numbered := func(before, format, after string) string {
		var b strings.Builder
		b.WriteString(before)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		b.WriteString(after)
		return b.String()
	}
	bodies := map[string]string{
		"rows":             fill(`{"data":[{}`, `,{}`, `]}`),
		"rows of payments": fill(`{"data":[{"payment_id":1}`, `,{"payment_id":1}`, `],"limit":10,"page":0,"pagesCount":1,"total":10}`),
		"tickers":          fill(`{"currencies":["a"`, `,"a"`, `]}`),
		"coins":            fill(`{"currencies":[{}`, `,{}`, `]}`),
		"long tickers":     fill(`{"currencies":["a"`, `,"`+strings.Repeat("a", 200)+`"`, `]}`),
		"coins with extra": fill(`{"currencies":[{}`, `,{"a":1,"b":2,"x":"`+strings.Repeat("a", 1600)+`"}`, `]}`),
		"members":          numbered(`{"payment_id":1,"id":1`, `,"%x":1`, `}`),
		"fewer members":    numbered(`{"payment_id":1,"id":1`, `,"%x":"`+strings.Repeat("a", 40)+`"`, `}`),
		"rows with extra":  numbered(`{"data":[{"payment_id":1,"x":1`, `,"%x":"`+strings.Repeat("a", 40)+`"`, `}]}`),
		"children":         fill(`{"payment_id":1,"payment_extra_ids":[1`, `,1`, `]}`),
		"quoted children":  fill(`{"payment_id":1,"payment_extra_ids":"[12`, `,12`, `]"}`),
		"unknown array":    fill(`{"payment_id":1,"x":[1`, `,1`, `]}`),
		"unknown objects":  fill(`{"payment_id":1,"x":[{}`, `,{}`, `]}`),
		"misfit":           fill(`{"payment_id":1,"price_amount":[1`, `,1`, `]}`),
		"depth":            fill(`{"payment_id":1,"x":`, `[`, ``),
		"object depth":     fill(`{"payment_id":1,"x":`, `{"a":`, ``),
		"text":             fill(`{"payment_id":1,"order_description":"`, `a`, `"}`),
		"escaped text":     fill(`{"payment_id":1,"order_description":"`, `\u00e9`, `"}`),
		"half characters":  fill(`{"payment_id":1,"order_description":"`, `\ud83d`, `"}`),
		"invalid UTF-8":    fill(`{"payment_id":1,"order_description":"`, "\xff", `"}`),
		"latin 1":          fill(`{"payment_id":1,"order_description":"`, strings.Repeat("a", 20)+"\xe4", `"}`),
		"number":           fill(`{"payment_id":1,"price_amount":`, `9`, `}`),
		"id":               fill(`{"payment_id":`, `9`, `}`),
		"time":             fill(`{"payment_id":1,"created_at":"`, `9`, `"}`),
		"name":             fill(`{"payment_id":1,"`, `a`, `":1}`),
		"duplicate":        fill(`{"payment_id":1,"`, `a`, `":1,"a":1,"a":1}`),
		"message":          fill(`{"message":"`, `a`, `"}`),
		"spaced message":   fill(`{"message":"`, `a `, `"}`),
		"blank message":    fill(`{"message":"`, `\n`, `"}`),
		"messages":         fill(`{"message":["a"`, `,"a"`, `]}`),
		"long messages":    fill(`{"message":["a"`, `,"`+strings.Repeat("a ", 200)+`"`, `]}`),
		"errors":           fill(`{"errors":[{}`, `,{}`, `]}`),
		"nested errors":    fill(`{"errors":`, `[`, ``),
		"few nested":       `{"errors":` + strings.Repeat("[", 900) + fill(`"`, `a `, `"`) + strings.Repeat("]", 900) + `}`,
		"error objects":    numbered(`{"errors":{"a":"b"`, `,"%x":"`+strings.Repeat("a", 40)+`"`, `}}`),
		"nested message":   fill(`{"message":{"message":{"message":{"message":{"message":"`, `a`, `"}}}}}`),
		"rejection":        fill(`{"status":false,"code":"A","message":"`, `a`, `"}`),
		"code":             fill(`{"code":"`, `\/`, `"}`),
		"HTML":             fill(`<html>`, `&lt;`, ``),
		"backslashes":      fill(`{"message":"`, `\\`, `"}`),
		"percent signs":    fill(`{"message":"`, `%`, `"}`),
		"string":           fill(`"`, `\u2028`, `"`),
		"blank":            fill(` `, ` `, ``),
		"secret":           fill(`{"message":"`, apiKey, `"}`),
		"letters":          fill(`{"message":"`, `K,`, `"}`),
		"base64":           fill(`{"message":"`, `YWJj`, `"}`),
	}
	return bodies
}

// Peak memory is at most eight times the response, whatever it contains, and
// the time grows with its length only.
func TestHostileResponsesAreCheap(t *testing.T) { //nolint:paralleltest // reads the heap
	most := 8.0
	if underRace {
		most = 24
	}
	size := 2 << 20
	if *hostileFigures {
		size = 15 << 20
	}
	for name, body := range hostile(size) {
		for call, act := range hostileCalls() {
			for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
				if status == http.StatusBadRequest && call != "get" {
					continue // errors are read alike
				}
				peak, took := peakOf(t, status, body, act)
				if *hostileFigures {
					t.Logf("%-17s %-10s %d: %5.1f times, %v", name, call, status, peak/float64(len(body)), took.Round(time.Millisecond))
				}
				assert.LessOrEqual(t, peak/float64(len(body)), most, "%s, %s, %d", name, call, status)
				assert.Less(t, took, 10*time.Second, "%s, %s, %d", name, call, status)
			}
		}
	}
}

type hostileCall func(context.Context, *jovepay.Client) error

func hostileCalls() map[string]hostileCall {
	return map[string]hostileCall{
		"get": func(ctx context.Context, c *jovepay.Client) error { _, err := c.Payments.Get(ctx, "1"); return err },
		"create": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.Create(ctx, goods("1"))
			return err
		},
		"list": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 10})
			return err
		},
		"currencies": func(ctx context.Context, c *jovepay.Client) error {
			_, err := c.Currencies.List(ctx, jovepay.CurrencyListOptions{})
			return err
		},
	}
}

// peakOf returns the most that was on the heap during a call, beyond what was
// before.
func peakOf(t *testing.T, status int, body string, act hostileCall) (peak float64, took time.Duration) {
	t.Helper()
	client := newClient(t, jovepay.DefaultBaseURL, jovepay.WithCredentials(email, password),
		jovepay.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/auth" {
				return plainResponse(http.StatusOK, `{"token":"`+token()+`"}`), nil
			}
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1, Request: r}, nil
		})}))
	_, err := client.Authenticate(t.Context())
	require.NoError(t, err)

	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	runtime.GC()
	before := heap()
	most, done, watched := before, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			most = max(most, heap())
			select {
			case <-done:
				return
			case <-time.After(500 * time.Microsecond):
			}
		}
	}()
	start := time.Now()
	err = act(t.Context(), client)
	took = time.Since(start)
	close(done)
	<-watched
	if failed := (*jovepay.APIError)(nil); errors.As(err, &failed) {
		assertOneLine(t, err)
	}
	return float64(most - before), took
}
