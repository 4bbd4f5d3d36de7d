package ipn

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newRealSender is a sender over real HTTP, which sends once.
func newRealSender(t *testing.T, timeout time.Duration) *Sender {
	t.Helper()
	s := NewSender(t.Context(), Config{Secret: "secret", Now: time.Now, Timeout: timeout})
	t.Cleanup(s.Close)
	return s
}

// serve reads every body before the handler has it: without that, a server
// does not notice when the other side hangs up.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (s *Sender) sendTo(t *testing.T, url string) error {
	t.Helper()
	n := say(1, 1)
	n.URL = url
	return s.Send(t.Context(), n)
}

func TestThePost(t *testing.T) {
	t.Parallel()
	s := newRealSender(t, time.Minute)
	for range 2 {
		require.NoError(t, s.sendTo(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.Equal(t, "POST", r.Method)
			assert.Equal(t, "/shop/ipn?order=1", r.URL.String())
			assert.Equal(t, saying(1)[0], string(body))
			assert.Equal(t, int64(len(body)), r.ContentLength)
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			want, err := Sign("secret", body, "js")
			assert.NoError(t, err)
			assert.Equal(t, []string{want}, r.Header.Values("x-jovepay-sig"))
			assert.True(t, r.Close, "a separate connection")
		})+"/shop/ipn?order=1"))
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	require.ErrorContains(t, newRealSender(t, time.Minute).sendTo(t, url), "responded 307")
	assert.Equal(t, int32(1), calls.Load())
}

func TestResponsesAreReadUpToALimit(t *testing.T) {
	t.Parallel()
	sent := make(chan error, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("thanks ", 1000))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		sent <- r.Context().Err()
	})
	require.NoError(t, newRealSender(t, time.Minute).sendTo(t, url), "the status is what counts")
	assert.Error(t, <-sent, "the sender hung up")
}

func TestResponsesThatDoNotEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout time.Duration
		err     string
		handler http.HandlerFunc
	}{
		"no response": {50 * time.Millisecond, "no response within 50ms", func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}},
		"no end of the body": {time.Second, "", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("than"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		"another protocol": {time.Minute, "responded 101", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				_, _ = conn.Read(make([]byte, 1)) // until the sender hangs up
				_ = conn.Close()
			}
		}},
		"endless headers": {time.Minute, "server response headers exceeded", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-A: ")
				for err == nil {
					_, err = io.WriteString(conn, strings.Repeat("a", 4096))
				}
				_ = conn.Close()
			}
		}},
		"no HTTP": {time.Minute, "malformed HTTP", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_, _ = io.WriteString(conn, "250 OK\r\n")
				_ = conn.Close()
			}
		}},
		"a cut": {time.Minute, "EOF", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_ = conn.Close()
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newRealSender(t, c.timeout).sendTo(t, serve(t, c.handler))
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
			assert.NotContains(t, err.Error(), "Post", "one line, without what the journal has")
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	require.ErrorContains(t, newRealSender(t, time.Minute).sendTo(t, server.URL), "given up after attempt 1: connect: connection refused",
		"without the ports, which are others in every run")
}

// A name can resolve to anything, so the connection itself is guarded too.
func TestTheConnectionStaysOnTheMachine(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"192.0.2.1", "0.0.0.0", "[2001:db8::1]"} {
		response, err := newHTTPClient(false).Get("http://" + name + ":1/")
		if !assert.ErrorIs(t, err, errRemote, name) && err == nil {
			require.NoError(t, response.Body.Close())
		}
	}
}

func TestCloseHangsUp(t *testing.T) {
	t.Parallel()
	arrived, left := make(chan bool), make(chan bool)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})
	s := newRealSender(t, time.Hour)
	n := say(1, 1)
	n.URL = url
	s.Notify(n)
	<-arrived
	s.Close()
	<-left
	assert.Equal(t, []string{GivenUp}, outcomes(s))
}
