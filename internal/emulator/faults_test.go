package emulator_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

// creation is a request as it is sent, of a payment.
func (s *site) creation() []byte {
	return fmt.Appendf(nil, "POST /v1/payment HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		s.engine.Account().APIKey, len(goodPayment), goodPayment)
}

// raw sends a creation by hand on a separate connection and returns every
// byte that comes back until the server closes it in good order.
func (s *site) raw(ctx context.Context) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err = conn.Write(s.creation()); err != nil {
		return "", err
	}
	all, err := io.ReadAll(conn)
	return string(all), err
}

func (s *site) mustRaw(t *testing.T) string {
	t.Helper()
	all, err := s.raw(t.Context())
	require.NoError(t, err)
	return all
}

// goRaw is raw in the background; what came back arrives on the channel.
func (s *site) goRaw(t *testing.T) <-chan string {
	t.Helper()
	came := make(chan string, 1)
	go func() {
		all, err := s.raw(t.Context())
		assert.NoError(t, err)
		came <- all
	}()
	return came
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		s := newSite(t, emulator.Config{})
		require.NoError(t, s.Inject(emulator.Fault{Cut: true, AfterEffect: after, Times: 1}))
		assert.Empty(t, s.mustRaw(t), "not one byte")
		want := 0
		if after {
			want = 1
		}
		assert.Len(t, s.engine.Payments(), want)
		entry := s.Requests()[0]
		assert.Equal(t, after, entry.Handled)
		assert.True(t, entry.Fault)
		assert.Zero(t, entry.Status)
		assert.Contains(t, s.mustRaw(t), "HTTP/1.1 201 Created", "once is once")
	}
}

func TestHangEndsWithTheClient(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		s := newSite(t, emulator.Config{})
		require.NoError(t, s.Inject(emulator.Fault{Hang: true, AfterEffect: after}))
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		r := s.request(t, "POST", "/v1/payment", goodPayment).WithContext(ctx)
		go func() {
			response, err := s.client.Do(r)
			if err == nil {
				response.Body.Close()
			}
			failed <- err
		}()
		require.Eventually(t, func() bool {
			return s.Count("POST", "/v1/payment") == 1 && s.Requests()[0].Handled == after
		}, 5*time.Second, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		assert.Len(t, s.engine.Payments(), map[bool]int{false: 0, true: 1}[after])
	}
}

func TestHangEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	require.NoError(t, s.Inject(emulator.Fault{Hang: true}))
	got := s.goRaw(t)
	require.Eventually(t, func() bool { return s.Count("", "") == 1 }, 5*time.Second, time.Millisecond)
	s.stop()
	assert.Empty(t, <-got)
	assert.Empty(t, s.mustRaw(t), "from now on as well")
}

// A client that gives up during a delay has asked all the same.
func TestDelay(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		s := newSite(t, emulator.Config{})
		require.NoError(t, s.Inject(emulator.Fault{Delay: time.Hour, AfterEffect: after, Times: 1}))
		ctx, cancel := context.WithCancel(t.Context())
		r := s.request(t, "POST", "/v1/payment", goodPayment).WithContext(ctx)
		given := make(chan error)
		go func() {
			response, err := s.client.Do(r)
			if err == nil {
				response.Body.Close()
			}
			given <- err
		}()
		require.Eventually(t, func() bool {
			got := s.Requests()
			return len(got) == 1 && got[0].Handled == after
		}, 10*time.Second, time.Millisecond)
		assert.Len(t, s.engine.Payments(), map[bool]int{false: 0, true: 1}[after])
		cancel()
		require.ErrorIs(t, <-given, context.Canceled)
		require.NoError(t, s.WaitFor(t.Context(), 1))
		assert.Len(t, s.engine.Payments(), 1)
		assert.Zero(t, s.Requests()[0].Status)
		assert.True(t, s.Requests()[0].Handled)
	}
	s := newSite(t, emulator.Config{})
	require.NoError(t, s.Inject(emulator.Fault{Delay: 20 * time.Millisecond}))
	start := time.Now()
	assert.Equal(t, 201, s.do(t, "POST", "/v1/payment", goodPayment).status)
	assert.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond)
}

// A delay does not let a request through that another fault stops.
func TestDelayOfWhatNeverArrives(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"cut":      {Delay: time.Hour, Cut: true},
		"hangs":    {Delay: time.Hour, Hang: true},
		"a status": {Delay: time.Hour, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, emulator.Config{})
			require.NoError(t, s.Inject(fault))
			s.leave(t)
			require.NoError(t, s.WaitFor(t.Context(), 1))
			assert.Empty(t, s.engine.Payments())
			assert.False(t, s.Requests()[0].Handled)
		})
	}
}

// leave sends a creation and closes the connection, without waiting for anything:
// the kernel does the same for a process that is killed.
func (s *site) leave(t *testing.T) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	_, err = conn.Write(s.creation())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

// A creation that came as a whole takes effect although its client is gone, at
// once or late.
func TestTheClientHasLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg   emulator.Config
		fault emulator.Fault
		late  bool
	}{
		"at once":            {},
		"during the latency": {cfg: emulator.Config{Latency: time.Hour}},
		"late":               {fault: emulator.Fault{EffectAfter: 3 * time.Minute}, late: true},
		"late, and cut":      {fault: emulator.Fault{EffectAfter: 3 * time.Minute, Cut: true}, late: true},
		"late, with latency": {cfg: emulator.Config{Latency: time.Hour}, fault: emulator.Fault{EffectAfter: 3 * time.Minute}, late: true},
		"late, with a delay": {fault: emulator.Fault{EffectAfter: 3 * time.Minute, Delay: time.Hour}, late: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, c.cfg)
			if c.late {
				require.NoError(t, s.Inject(c.fault))
			}
			s.leave(t)
			require.NoError(t, s.WaitFor(t.Context(), 1))
			if c.late {
				assert.Empty(t, s.engine.Payments())
				_, err := s.engine.MoveClock(3 * time.Minute)
				require.NoError(t, err)
			}
			made := s.engine.Payments()
			require.Len(t, made, 1)
			assert.Equal(t, "order-1", made[0].OrderID)
			assert.True(t, s.Requests()[0].Handled)
		})
	}
}

// What a request without its effect yet gets is the fault's doing; a request that
// is rejected on receipt has no effect later, nor has one that creates nothing.
func TestEffectAfter(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	later := func(fault emulator.Fault) emulator.Fault {
		fault.EffectAfter, fault.Times = time.Minute, 1
		return fault
	}
	require.NoError(t, s.Inject(later(emulator.Fault{Cut: true})))
	assert.Empty(t, s.mustRaw(t))
	require.NoError(t, s.Inject(later(emulator.Fault{Status: 502, Body: "bad gateway"})))
	got := s.do(t, "POST", "/v1/payment", goodPayment)
	assert.Equal(t, 502, got.status)
	assert.Equal(t, "bad gateway", got.body)
	require.NoError(t, s.Inject(later(emulator.Fault{Status: 500})))
	got = s.do(t, "POST", "/v1/invoice", `{"price_amount":5,"price_currency":"usd","order_id":"order-2"}`)
	assert.Equal(t, rejection(500, "INTERNAL_SERVER_ERROR", "injected fault"), got.body)
	for _, target := range []string{"/v1/payment", "/v1/status", "/v1/nothing"} {
		require.NoError(t, s.Inject(later(emulator.Fault{Status: 504})))
		assert.Equal(t, 504, s.do(t, "POST", target, `{"price_amount":"x"}`).status)
	}
	require.NoError(t, s.Inject(later(emulator.Fault{Status: 504})))
	r := s.request(t, "POST", "/v1/payment", goodPayment)
	r.Header.Set("X-Api-Key", "wrong")
	assert.Equal(t, 504, s.send(t, r).status)

	assert.Empty(t, s.engine.Payments())
	require.Len(t, s.engine.LateCreates(), 3)
	_, err := s.engine.MoveClock(time.Minute)
	require.NoError(t, err)
	assert.Len(t, s.engine.Payments(), 2)
	for _, c := range s.engine.LateCreates() {
		assert.NotZero(t, c.MadeID)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{Latency: 20 * time.Millisecond})
	start := time.Now()
	assert.Equal(t, 200, s.do(t, "GET", "/v1/status", "").status)
	assert.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond)
}

func TestOtherResponses(t *testing.T) {
	t.Parallel()
	const page = "<html><head><title>502 Bad Gateway</title></head></html>"
	for name, c := range map[string]struct {
		fault   emulator.Fault
		status  int
		body    string
		header  http.Header
		created int
	}{
		"401":                    {emulator.Fault{Status: 401}, 401, rejection(401, "UNAUTHORIZED", "injected fault"), nil, 0},
		"403":                    {emulator.Fault{Status: 403}, 403, rejection(403, "FORBIDDEN", "injected fault"), nil, 0},
		"404":                    {emulator.Fault{Status: 404}, 404, rejection(404, "NOT_FOUND", "injected fault"), nil, 0},
		"408":                    {emulator.Fault{Status: 408}, 408, rejection(408, "REQUEST_TIMEOUT", "injected fault"), nil, 0},
		"429":                    {emulator.Fault{Status: 429}, 429, rejection(429, "TOO_MANY_REQUESTS", "injected fault"), http.Header{"Retry-After": nil}, 0},
		"429 with seconds":       {emulator.Fault{Status: 429, Header: http.Header{"Retry-After": {"2"}}}, 429, rejection(429, "TOO_MANY_REQUESTS", "injected fault"), http.Header{"Retry-After": {"2"}}, 0},
		"header in any case":     {emulator.Fault{Status: 429, Header: http.Header{"retry-after": {"2"}}}, 429, rejection(429, "TOO_MANY_REQUESTS", "injected fault"), http.Header{"Retry-After": {"2"}}, 0},
		"500":                    {emulator.Fault{Status: 500}, 500, rejection(500, "INTERNAL_SERVER_ERROR", "injected fault"), nil, 0},
		"500 after the effect":   {emulator.Fault{Status: 500, AfterEffect: true}, 500, rejection(500, "INTERNAL_SERVER_ERROR", "injected fault"), nil, 1},
		"502 page":               {emulator.Fault{Status: 502, Body: page}, 502, page, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, 0},
		"503 empty":              {emulator.Fault{Status: 503, Empty: true}, 503, "", http.Header{"Content-Length": {"0"}}, 0},
		"200 garbage":            {emulator.Fault{Status: 200, Body: "garbage"}, 200, "garbage", http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, 0},
		"200 empty":              {emulator.Fault{Status: 200}, 200, "", nil, 0},
		"201 garbage, created":   {emulator.Fault{Body: "garbage"}, 201, "garbage", nil, 1},
		"JSON of another kind":   {emulator.Fault{Status: 200, Body: `[1]`}, 200, `[1]`, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, 0},
		"wrong content type":     {emulator.Fault{Header: http.Header{"Content-Type": {"text/html"}}}, 201, "*", http.Header{"Content-Type": {"text/html"}}, 1},
		"the same, lower case":   {emulator.Fault{Header: http.Header{"content-type": {"text/html"}}}, 201, "*", http.Header{"Content-Type": {"text/html"}}, 1},
		"no request id":          {emulator.Fault{Status: 500, Header: http.Header{"X-Request-Id": nil, "Cf-Ray": {"8a-FRA"}}}, 500, "*", http.Header{"X-Request-Id": nil, "Cf-Ray": {"8a-FRA"}}, 0},
		"redirect":               {emulator.Fault{Status: 307, Header: http.Header{"Location": {"https://elsewhere.example/"}}}, 307, "", http.Header{"Location": {"https://elsewhere.example/"}}, 0},
		"204":                    {emulator.Fault{Status: 204, AfterEffect: true}, 204, "", nil, 1},
		"another status, as is":  {emulator.Fault{Status: 200, AfterEffect: true}, 200, "*", nil, 1},
		"empty after the effect": {emulator.Fault{Empty: true}, 201, "", http.Header{"Content-Length": {"0"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, emulator.Config{})
			require.NoError(t, s.Inject(c.fault))
			got := s.do(t, "POST", "/v1/payment", goodPayment)
			assert.Equal(t, c.status, got.status)
			if c.body != "*" {
				assert.Equal(t, c.body, got.body)
			}
			for name, want := range c.header {
				assert.Equal(t, want, got.header[name], name)
			}
			assert.Len(t, s.engine.Payments(), c.created)
			assert.Equal(t, c.status, s.Requests()[0].Status)
		})
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, missing := range []int{1, 100, 1 << 20} {
		s := newSite(t, emulator.Config{})
		require.NoError(t, s.Inject(emulator.Fault{Truncate: missing}))
		head, body, found := strings.Cut(s.mustRaw(t), "\r\n\r\n")
		require.True(t, found)
		response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\r\n\r\n"+body)), nil)
		require.NoError(t, err)
		assert.Equal(t, 201, response.StatusCode)
		assert.Len(t, body, max(0, int(response.ContentLength)-missing))
		_, err = io.ReadAll(response.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NoError(t, response.Body.Close())
		assert.Len(t, s.engine.Payments(), 1)
	}
}

func TestFlood(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	const size = 40<<20 + 7
	require.NoError(t, s.Inject(emulator.Fault{Status: 200, Body: `{"a":1} `, Size: size}))
	response, err := s.client.Do(s.request(t, "GET", "/v1/status", ""))
	require.NoError(t, err)
	defer response.Body.Close()
	assert.EqualValues(t, -1, response.ContentLength, "the length is not announced")
	n, err := io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	assert.EqualValues(t, size, n)

	// A client that has had enough leaves, and the server notices.
	response, err = s.client.Do(s.request(t, "GET", "/v1/status", ""))
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, response.Body, 1000)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}

func TestDrip(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	require.NoError(t, s.Inject(emulator.Fault{Drip: time.Millisecond}))
	start := time.Now()
	got := s.do(t, "GET", "/v1/status", "")
	assert.Len(t, got.body, len(`{"message":"OK"}`))
	assert.GreaterOrEqual(t, time.Since(start), 15*time.Millisecond)

	s.ClearFaults()
	require.NoError(t, s.Inject(emulator.Fault{Drip: time.Hour}))
	dripped := s.goRaw(t)
	require.Eventually(t, func() bool { return s.Count("POST", "") == 1 && s.Requests()[1].Status == 201 }, 5*time.Second, time.Millisecond)
	s.stop()
	_, body, _ := strings.Cut(<-dripped, "\r\n\r\n")
	assert.LessOrEqual(t, len(body), 1)
}

func TestWhichRequestsAFaultHits(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	statuses := func(n int, method, target string) []int {
		got := make([]int, n)
		for i := range got {
			got[i] = s.do(t, method, target, "").status
		}
		return got
	}
	require.NoError(t, s.Inject(
		emulator.Fault{Method: "GET", Path: "/v1/status", Status: 503, Skip: 1, Times: 2},
		emulator.Fault{Path: "/v1/payment/*", Status: 502},
		emulator.Fault{Method: "POST", Status: 500},
		emulator.Fault{Method: "GET", Path: "/v1/status", Status: 429, Times: 1},
	))
	// While the first skips, the next one that matches hits.
	assert.Equal(t, []int{429, 503, 503, 200, 200}, statuses(5, "GET", "/v1/status"))
	assert.Equal(t, []int{502}, statuses(1, "GET", "/v1/payment/1"))
	assert.Equal(t, []int{200}, statuses(1, "GET", "/v1/payment"))
	assert.Equal(t, []int{500, 500}, statuses(2, "POST", "/v1/anything"))
	s.ClearFaults()
	assert.Equal(t, []int{404}, statuses(1, "POST", "/v1/anything"))
}

func TestPercentOfRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{Seed: 4})
	require.NoError(t, s.Inject(emulator.Fault{Percent: 25, Status: 503}))
	hits := 0
	for range 400 {
		if s.do(t, "GET", "/v1/status", "").status == 503 {
			hits++
		}
	}
	assert.InDelta(t, 100, hits, 40)
}

func TestInjectRejects(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	for message, fault := range map[string]emulator.Fault{
		"fault: it changes no response":                                 {Method: "GET", AfterEffect: true},
		"fault: status 99 is not from 200 to 599":                       {Status: 99},
		"fault: status 100 is not from 200 to 599":                      {Status: 100},
		"fault: status 600 is not from 200 to 599":                      {Status: 600},
		"fault: percent 101 is not from 0 to 100":                       {Status: 500, Percent: 101},
		"fault: percent -1 is not from 0 to 100":                        {Status: 500, Percent: -1},
		"fault: a number is negative":                                   {Status: 500, Times: -1},
		"fault: a number is negative ":                                  {EffectAfter: -1},
		"fault: the effect is both before the response and after it":    {Cut: true, AfterEffect: true, EffectAfter: 1},
		"fault: before the effect a response needs a status":            {Body: "x", EffectAfter: 1},
		"fault: before the effect a response needs a status ":           {Truncate: 1, EffectAfter: 1},
		"fault: a connection that hangs is not cut":                     {Hang: true, Cut: true},
		"fault: a connection that hangs or is cut carries no response":  {Cut: true, Status: 500},
		"fault: the body is both empty and given":                       {Empty: true, Body: "x"},
		"fault: the body is both empty and given ":                      {Empty: true, Size: 1},
		"fault: a connection that hangs or is cut carries no response ": {Hang: true, Truncate: 1},
	} {
		err := s.Inject(emulator.Fault{Status: 500}, fault)
		assert.EqualError(t, err, strings.TrimSpace(message))
	}
	assert.Equal(t, 200, s.do(t, "GET", "/v1/status", "").status, "all or none")
}

// What is no connection cannot be cut; it is left without a response.
func TestCutWithoutAConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t, emulator.Config{})
	require.NoError(t, s.Inject(emulator.Fault{Cut: true}))
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/status", nil))
	assert.Empty(t, recorder.Body.String())
}
