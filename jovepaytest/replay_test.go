package jovepaytest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestReplayOfABusyLife(t *testing.T) {
	t.Parallel()
	shop := newMoody(t)
	b := newBusy(t, shop.URL)
	b.life()
	journal := written(t, b.server)
	shop.forget()
	again := newServer(t, busyOptions()...)
	for _, d := range replay(t, again, journal) {
		assert.Fail(t, "differs", d.String())
	}
	assert.Equal(t, strings.Split(journal, "\n"), strings.Split(written(t, again), "\n"), "the shop has heard the same")
}

// A changed response is the one difference; a changed request is the first of those that follow from it.
func TestReplayReportsDifferences(t *testing.T) {
	t.Parallel()
	b := newBusy(t, newMoody(t).URL)
	id := b.create("one")
	_, err := b.server.Pay(id)
	require.NoError(t, err)
	_, err = b.client.Payments.Get(t.Context(), id)
	require.NoError(t, err)
	b.settle()
	journal := written(t, b.server)
	lines := strings.SplitAfter(journal, "\n")
	lineOf := func(text string) int {
		for i, line := range lines {
			if strings.Contains(line, text) {
				return i + 1
			}
		}
		t.Fatal("no line has " + text)
		return 0
	}
	for name, c := range map[string]struct {
		line     int
		old, new string
		want     string
	}{
		"response": {lineOf(`"GET"`), `finished`, `expired`, `want 200 {"payment_id":` + id.String() + `,`},
		"status":   {lineOf(`"GET"`), `"status":200`, `"status":404`, `GET /v1/payment/` + id.String() + `: want 404`},
		"result":   {lineOf(`"Pay"`), `"actually_paid":0.001`, `"actually_paid":1.001`, `Pay {"id":"` + id.String() + `"}: want result {`},
		"error":    {lineOf(`"Pay"`), `"result":`, `"error":"no coins","result":`, `want error no coins, got result {`},
		"asked":    {lineOf(`"GET"`), `/v1/payment/` + id.String(), `/v1/payment/1`, `got 404`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := lines[c.line-1]
			line := strings.Replace(old, c.old, c.new, 1)
			require.NotEqual(t, old, line)
			differences := replay(t, newServer(t, busyOptions()...), strings.Replace(journal, old, line, 1))
			require.Len(t, differences, 1)
			assert.Equal(t, c.line, differences[0].Line)
			assert.True(t, strings.HasPrefix(differences[0].String(), fmt.Sprintf("line %d: ", c.line)), differences[0].String())
			assert.Contains(t, differences[0].String(), c.want)
		})
	}
	differences := replay(t, newServer(t, busyOptions(jovepaytest.WithSeed(8))...), journal)
	require.Len(t, differences, 3, "another seed differs in everything")
	assert.Equal(t, "/v1/payment", differences[0].Want.Request.Path)
	assert.NotEqual(t, differences[0].Want.Request.Response, differences[0].Got.Request.Response)
}

func TestReplayRejectsWhatIsNotAJournal(t *testing.T) {
	t.Parallel()
	b := newBusy(t, newMoody(t).URL)
	b.create("one")
	b.server.ClearFaults()
	b.settle()
	journal := written(t, b.server)
	first, rest, _ := strings.Cut(journal, "\n")
	monstrous := "line 1: the request cannot have had a body of 1099511627776"
	if strconv.IntSize == 32 {
		monstrous = "value out of range" // no int is that large
	}
	for name, c := range map[string]struct{ journal, want string }{
		"garbage":            {"garbage", "line 1: "},
		"garbage in the end": {journal + "garbage\n", "line 5: "},
		"an empty line":      {"\n" + journal, "line 1: "},
		"cut short":          {journal[:len(journal)-10], "line 4: "},
		"a line is missing":  {first + "\n" + rest[strings.Index(rest, "\n")+1:][strings.Index(rest[strings.Index(rest, "\n")+1:], "\n")+1:], "line 2: number 3 follows 1"},
		"no beginning":       {rest, "line 2: the journal begins with entry 2"},
		"unknown member":     {strings.Replace(journal, `"number":1`, `"number":1,"x":1`, 1), `line 1: `},
		"member twice":       {strings.Replace(journal, `"number":1`, `"number":1,"number":1`, 1), `line 1: `},
		"no kind":            {`{"number":1,"time":"2026-03-14T12:00:00Z"}`, "line 1: want one of request, action and delivery, got 0"},
		"no time":            {`{"number":1,"action":{"name":"Pay"}}`, "line 1: the time is missing"},
		"no number":          {`{"time":"2026-03-14T12:00:00Z","action":{"name":"Pay"}}`, "line 1: the number is missing"},
		"a bad credential":   {strings.Replace(journal, `"key":"valid"`, `"key":"stolen"`, 1), "line 1: the request has no method"},
		"a negative size":    {strings.Replace(journal, `"body_size":`, `"body_size":-`, 1), "line 1: the request cannot have had a body of -"},
		"a monstrous size":   {strings.Replace(journal, `"body_size":`, `"body_size":1099511627776`, 1), monstrous},
		"a numbered delivery": {
			strings.Replace(journal, `{"time"`, `{"number":2,"time"`, 1), "line 2: the number of a delivery is its notification's",
		},
		"a delivery's time": {
			strings.Replace(journal, `"delivery":{`, `"delivery":{"started":"2026-03-14T12:00:00Z",`, 1), "line 2: the delivery has times",
		},
		"unknown action":     {strings.Replace(journal, "ClearFaults", "Close", 1), `line 3: unknown action "Close"`},
		"another's argument": {strings.Replace(journal, `"ClearFaults","arguments":{}`, `"ClearFaults","arguments":{"status":"x"}`, 1), `line 3: action ClearFaults: `},
		"unknown argument":   {strings.Replace(journal, `"ClearFaults","arguments":{}`, `"ClearFaults","arguments":{"x":1}`, 1), `line 3: action ClearFaults: `},
		"a bad argument": {
			strings.Replace(journal, `"ClearFaults","arguments":{}`, `"MoveClock","arguments":{"advance":"soon"}`, 1), `line 3: action MoveClock: `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newServer(t, busyOptions()...)
			differences, err := server.Replay(t.Context(), strings.NewReader(c.journal))
			require.ErrorContains(t, err, c.want)
			assert.Empty(t, differences)
			assert.Empty(t, server.Journal(), "nothing was done")
		})
	}
	_, err := b.server.Replay(t.Context(), strings.NewReader(journal))
	require.ErrorContains(t, err, "the server is not new")
	assert.Empty(t, replay(t, newServer(t), ""))
}

// A request that hangs is given up, one that broke off breaks off again.
func TestReplayOfWhatGotNoResponse(t *testing.T) {
	t.Parallel()
	b := newBusy(t, newMoody(t).URL)
	b.must(b.server.Inject(jovepaytest.Fault{Path: "/v1/status", Hang: true, AfterEffect: true}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() {
		defer close(ended)
		_, _ = b.client.Status(ctx)
	}()
	require.Eventually(t, func() bool {
		got := b.server.Requests()
		return len(got) == 1 && got[0].Handled
	}, 10*time.Second, time.Millisecond)
	cancel()
	<-ended
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/v1/payment", &half{})
	require.NoError(t, err)
	r.ContentLength = 100
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err == nil {
		response.Body.Close()
	}
	require.Error(t, err)
	require.Eventually(t, func() bool { return len(b.server.Requests()) == 2 }, 10*time.Second, time.Millisecond)

	journal := written(t, b.server)
	assert.Contains(t, journal, `"incomplete":true`)
	again := newServer(t, busyOptions()...)
	assert.Empty(t, replay(t, again, journal))
	assert.Equal(t, journal, written(t, again))
}

// half is a body that breaks off.
type half struct{ read bool }

func (h *half) Read(p []byte) (int, error) {
	if h.read {
		return 0, context.Canceled
	}
	h.read = true
	return copy(p, "half"), nil
}

// The clock goes as it went, on a server that starts later too.
func TestReplayMovesTheClock(t *testing.T) {
	t.Parallel()
	hands := newHands()
	server := newServer(t, jovepaytest.WithClock(hands.Now))
	client := newClient(t, server)
	p := create(t, client)
	hands.Pass(8 * 24 * time.Hour)
	got, err := client.Payments.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, jovepay.PaymentExpired, got.Status)
	journal := written(t, server)

	assert.Empty(t, replay(t, newServer(t, jovepaytest.WithFrozenClock(noon())), journal), "it is moved")
	assert.Empty(t, replay(t, newServer(t, jovepaytest.WithFrozenClock(noon().Add(-time.Hour))), journal), "it is moved to the beginning")
	later := newServer(t, jovepaytest.WithFrozenClock(noon().Add(time.Hour)))
	differences := replay(t, later, journal)
	require.Len(t, differences, 2, "times differ")
	assert.Contains(t, differences[1].Got.Request.Response, `"payment_status":"expired"`)
	assert.Equal(t, noon().Add(8*24*time.Hour+time.Hour), later.Now())
}

func TestReplayEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBusy(t, newMoody(t).URL)
	b.create("one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newServer(t, busyOptions()...).Replay(ctx, strings.NewReader(written(t, b.server)))
	require.ErrorIs(t, err, context.Canceled)
}

// Whatever is taken for a journal is written again as it was read.
func FuzzReadJournal(f *testing.F) {
	for _, line := range []string{
		`{"number":1,"time":"2026-03-14T12:00:00Z","request":{"id":"x","method":"GET","path":"/v1/status","key":"valid","handled":true,"status":200,"response":"{}"}}`,
		`{"number":2,"time":"2026-03-14T12:00:00.5+01:00","action":{"name":"Pay","arguments":{"id":"1","amount":1e2},"result":null,"error":"x"}}`,
		`{"time":"2026-03-14T12:00:00Z","delivery":{"number":1,"attempt":2,"body":{"base64":"/w=="},"outcome":"failed","status_code":500}}`,
	} {
		f.Add(line)
		f.Add(line + "\n" + line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := jovepaytest.ReadJournal(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, e := range entries {
			once, err := e.MarshalJSON()
			require.NoError(t, err)
			var again jovepaytest.Entry
			require.NoError(t, again.UnmarshalJSON(once))
			twice, err := again.MarshalJSON()
			require.NoError(t, err)
			require.Equal(t, string(once), string(twice))
		}
	})
}

func TestNoDifferenceCanBeWritten(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "line 0: no request and no action: want nothing, got nothing", jovepaytest.Difference{}.String())
}

// Text that is no UTF-8 is the same text when it is done again, wherever an
// action takes it, and holds no secret there either.
func TestReplayOfTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	shop := newMoody(t)
	options := func() []jovepaytest.Option {
		return []jovepaytest.Option{jovepaytest.WithFrozenClock(noon()), jovepaytest.WithIPNRetries(0, 0)}
	}
	server := newServer(t, options()...)
	const odd = "\xff\x00 odd \xc3"
	body := odd + server.URL + odd + server.APIKey
	require.NoError(t, server.Inject(jovepaytest.Fault{
		Path: "/v1/status", Status: http.StatusOK, Body: body, Header: http.Header{"X-Odd": {"caf\xe9"}},
	}))
	_, err := newClient(t, server).Status(t.Context())
	require.Error(t, err)
	require.Error(t, server.SetIPN(jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{odd}}))
	require.Error(t, second(server.Pay(odd)))
	require.NoError(t, server.SetIPN(jovepaytest.IPNBehavior{Forms: []jovepay.IPNForm{jovepay.FormRaw}}))
	require.NoError(t, server.SendIPN(t.Context(), shop.URL, []byte(odd)))
	journal := written(t, server)
	assert.Contains(t, journal, `"body":{"base64":"/wAgb2RkIM`)
	assert.NotContains(t, journal, "\uFFFD", "nothing was replaced")

	again := newServer(t, options()...)
	for _, d := range replay(t, again, journal) {
		assert.Fail(t, "differs", d.String())
	}
	assert.Equal(t, journal, written(t, again))
	entries, err := jovepaytest.ReadJournal(strings.NewReader(journal))
	require.NoError(t, err)
	var injected struct {
		Body struct {
			Base64 []byte `json:"base64"`
		} `json:"body"`
	}
	require.NoError(t, json.Unmarshal(entries[0].Action.Arguments, &injected))
	assert.Equal(t, odd+"http://jovepay.invalid"+odd+"[secret]", string(injected.Body.Base64))
}

// What changes how a server behaves while it runs is done again too.
func TestReplayOfSettings(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(shop.Close)
	server := newServer(t, jovepaytest.WithFrozenClock(noon()))
	require.NoError(t, server.SetTokenLifetime(2*time.Second))
	token := login(t, server)
	_, err := server.MoveClock(2 * time.Second)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, list(t, server, token))
	require.Error(t, server.SetTokenLifetime(0))
	require.NoError(t, server.SetIPN(jovepaytest.IPNBehavior{
		Retries: new(0), Interval: new(time.Duration(0)), Timeout: time.Minute,
	}))
	require.Error(t, server.SendIPN(t.Context(), shop.URL, []byte(`{"a":1}`)))
	journal := written(t, server)
	assert.Contains(t, journal, `"SetTokenLifetime","arguments":{"lifetime":"2s"}`)
	assert.Contains(t, journal, `"SetIPN","arguments":{"retries":0,"interval":"0s","timeout":"1m0s"}`)
	again := newServer(t, jovepaytest.WithFrozenClock(noon()))
	for _, d := range replay(t, again, journal) {
		assert.Fail(t, "differs", d.String())
	}
	assert.Equal(t, journal, written(t, again))
}
