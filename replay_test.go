package jovepay_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// creating are all ways to create something: with a body and without, by every
// method.
func creating(client *jovepay.Client) map[string]func(context.Context) error {
	calls := map[string]func(context.Context) error{
		"Payments.Create": func(ctx context.Context) error { _, err := client.Payments.Create(ctx, goods("1")); return err },
		"Invoices.Create": func(ctx context.Context) error {
			_, err := client.Invoices.Create(ctx, jovepay.InvoiceRequest{PriceAmount: amount("1"), PriceCurrency: "usd"})
			return err
		},
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"} {
		for name, body := range map[string]any{"with a body": map[string]int{"n": 1}, "without a body": nil, "with empty bytes": []byte{}} {
			calls[method+" "+name] = func(ctx context.Context) error { return client.Do(ctx, method, "/v1/x", nil, body, nil) }
		}
	}
	return calls
}

// lastWords are what a server still says before it hangs up on a request that
// it has processed.
var lastWords = map[string]string{
	"nothing":             "",
	"half a status line":  "HTTP/1.1 20",
	"half a header":       "HTTP/1.1 201 Created\r\nContent-Le",
	"half a body":         "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"payment_id\":1",
	"a request timeout":   "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	"something else":      "220 smtp.example ESMTP\r\n",
	"a continue, no more": "HTTP/1.1 100 Continue\r\n\r\n",
}

// net/http repeats a request on a kept-alive connection by itself if it holds
// it to be idempotent: because of its method, or of a header that a
// RoundTripper adds.
func TestCreatesAreSentOnceOverHTTP1(t *testing.T) {
	t.Parallel()
	for name, words := range lastWords {
		for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key", "Expect"} {
			t.Run(name+"/"+header, func(t *testing.T) {
				t.Parallel()
				for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
					server := &hangingUp{words: words}
					transport := &http.Transport{ExpectContinueTimeout: time.Millisecond}
					client := newClient(t, "http://"+listenAll(t, server.serve), jovepay.WithHTTPClient(&http.Client{
						Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
							if header != "" && r.Method != http.MethodGet {
								r = r.Clone(r.Context())
								r.Header.Set(header, "100-continue")
							}
							return transport.RoundTrip(r)
						}),
					}))
					_, err := client.Status(t.Context()) // leaves a connection idle
					require.NoError(t, err)
					err = creating(client)[call](t.Context())
					transport.CloseIdleConnections()
					assert.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, call)
					assert.EqualValues(t, 1, server.requests.Load(), "%s: %v", call, err)
				}
			})
		}
	}
}

// hangingUp responds to a GET, and processes any other request before it hangs
// up with a few last words.
type hangingUp struct {
	words    string
	requests atomic.Int32 // other than GET
}

func (s *hangingUp) serve(conn *net.TCPConn) {
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Method != http.MethodGet {
			s.requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(conn, s.words)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"+`{"message":"OK"}`)
	}
}

// A RoundTripper may repeat requests as well. It gets no second body, so what
// it sends again is never complete.
func TestTransportsThatRepeat(t *testing.T) {
	t.Parallel()
	var complete, odd atomic.Int32
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			complete.Add(1)
		}
		panic(http.ErrAbortHandler)
	})
	for name, again := range map[string]func(*http.Request) *http.Request{
		"the same": func(r *http.Request) *http.Request { return r },
		"a clone":  func(r *http.Request) *http.Request { return r.Clone(r.Context()) },
		"GetBody": func(r *http.Request) *http.Request {
			if r.GetBody != nil || r.Body == nil || r.Body == http.NoBody {
				odd.Add(1)
			}
			return r
		},
	} {
		for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
			transport := &http.Transport{}
			client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{
				Transport: roundTripper(func(r *http.Request) (res *http.Response, err error) {
					for range 3 {
						if res, err = transport.RoundTrip(again(r)); err == nil {
							break
						}
					}
					return res, err
				}),
			}))
			err := creating(client)[call](t.Context())
			transport.CloseIdleConnections()
			require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, call)
			assert.EqualValues(t, 1, complete.Swap(0), "%s, %s: %v", call, name, err)
		}
	}
	assert.Zero(t, odd.Load(), "a body is there, and cannot be had again")
}

// What the login and reads ask for can be sent any number of times.
func TestReadsAndTheLoginAreRepeatable(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	client := responding(t, func(r *http.Request) (*http.Response, error) {
		seen.Add(1)
		assert.True(t, r.Body == nil || r.GetBody != nil, r.URL.Path)
		return plainResponse(http.StatusOK, `{"token":"`+token()+`","payment_id":1,"data":[]}`), nil
	}, jovepay.WithCredentials(email, password))
	require.NoError(t, listing(t, client)())
	require.NoError(t, client.Do(t.Context(), http.MethodGet, "/v1/x", nil, map[string]int{"n": 1}, nil))
	assert.EqualValues(t, 3, seen.Load())
}

// A request that creates and has nothing to say is understood by servers.
func TestEmptyCreatesOnTheWire(t *testing.T) {
	t.Parallel()
	for _, second := range []bool{false, true} {
		var got atomic.Pointer[http.Request]
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			content, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.Empty(t, content)
			got.Store(r)
			_, _ = io.WriteString(w, `{}`)
		}))
		server.EnableHTTP2 = second
		server.StartTLS()
		client := newClient(t, server.URL, jovepay.WithHTTPClient(server.Client()))
		for method, chunked := range map[string][]string{
			"POST": {"chunked"}, "PUT": {"chunked"}, "PATCH": {"chunked"}, "TRACE": {"chunked"}, "DELETE": nil, "OPTIONS": nil,
		} {
			for range 2 { // the second on the same connection, with nothing left of the first
				require.NoError(t, client.Do(t.Context(), method, "/v1/x", nil, nil, nil))
				r := got.Swap(nil)
				assert.Equal(t, method, r.Method)
				assert.Empty(t, r.Header.Get("Content-Type"))
				if !second {
					assert.Equal(t, chunked, r.TransferEncoding, method)
				}
			}
		}
		server.Client().CloseIdleConnections()
		server.Close()
	}
}

// A transport may make calls of its own with the context of ours, which then
// set off our hooks.
func TestCallsOfTheTransportAreNoProof(t *testing.T) {
	t.Parallel()
	var processed atomic.Int32
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		processed.Add(1)
		panic(http.ErrAbortHandler)
	})
	closed := "http://" + closedPort(t)
	for call := range creating(newClient(t, jovepay.DefaultBaseURL)) {
		for _, first := range []bool{true, false} {
			transport := &http.Transport{}
			aside := func(r *http.Request) {
				own, err := http.NewRequestWithContext(r.Context(), http.MethodGet, closed, nil)
				assert.NoError(t, err)
				_, err = transport.RoundTrip(own) //nolint:bodyclose // it fails
				assert.Error(t, err)
			}
			client := newClient(t, address, jovepay.WithHTTPClient(&http.Client{
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if first {
						aside(r)
					}
					res, err := transport.RoundTrip(r.WithContext(t.Context()))
					if !first {
						aside(r)
					}
					return res, err
				}),
			}))
			err := creating(client)[call](t.Context())
			transport.CloseIdleConnections()
			require.ErrorIs(t, err, jovepay.ErrOutcomeUnknown, call)
			assert.EqualValues(t, 1, processed.Swap(0), call)
		}
	}
}
