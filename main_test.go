package jovepay_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// Values that no test may find in anything printed.
const (
	apiKey   = "KEY-6f1d2c9b"
	email    = "shop@example.com"
	password = "Pa55 \"w\\rd\" <&> 9c41"
)

// quickly is a retry policy that does not hold tests up.
var quickly = jovepay.WithRetry(jovepay.RetryPolicy{BaseDelay: time.Microsecond, MaxRetryAfter: time.Microsecond})

// newClient returns a client with a key for the given address. It has
// its own connections, which end with the test.
func newClient(tb testing.TB, address string, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(transport.CloseIdleConnections)
	defaults := []jovepay.Option{
		jovepay.WithBaseURL(address),
		jovepay.WithAPIKey(apiKey),
		jovepay.WithHTTPClient(&http.Client{Transport: transport}),
		quickly,
	}
	client, err := jovepay.NewClient(append(defaults, opts...)...)
	require.NoError(tb, err)
	return client
}

// serve handles every request with handler until the test ends, and returns
// the address.
func serve(tb testing.TB, handler http.HandlerFunc) string {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server.URL
}

// listen hands every connection to handle, one after the other, closes it, and
// returns the address. It ends with the test.
func listen(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	return acceptEach(t, func(conn *net.TCPConn) {
		handle(conn)
		_ = conn.Close()
	})
}

// listenAll is listen for connections that are open at the same time. They end
// with the test.
func listenAll(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return acceptEach(t, func(conn *net.TCPConn) {
		t.Cleanup(func() { _ = conn.Close() })
		running.Go(func() {
			handle(conn)
			_ = conn.Close()
		})
	})
}

func acceptEach(t *testing.T, take func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			take(conn)
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String()
}

// newCannedClient returns a client whose every request gets the same response.
func newCannedClient(tb testing.TB, status int, body string, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	return newMockClient(tb, httpmock.NewStringResponder(status, body), opts...)
}

// newMockClient returns a client whose every request goes to responder.
func newMockClient(tb testing.TB, responder httpmock.Responder, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(responder)
	return newClient(tb, jovepay.DefaultBaseURL, append([]jovepay.Option{jovepay.WithHTTPClient(&http.Client{Transport: mock})}, opts...)...)
}

// goods is what tests ask customers to pay for.
func goods(orderID string) jovepay.PaymentRequest {
	return jovepay.PaymentRequest{
		PriceAmount:   jovepay.MustAmount("49.90"),
		PriceCurrency: "usd",
		PayCurrency:   "btc",
		OrderID:       orderID,
	}
}

// with returns a changed copy of v.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func plainResponse(status int, body string) *http.Response {
	return httpmock.NewStringResponse(status, body)
}

// canned is a response, or none if err is set.
type canned struct {
	status int
	body   string
	header http.Header
	err    error
}

func (c canned) response() (*http.Response, error) {
	if c.err != nil {
		return nil, c.err
	}
	res := plainResponse(c.status, c.body)
	if c.header != nil {
		res.Header = c.header.Clone()
	}
	return res, nil
}

func cannedJSON(v any, status int) canned {
	body, err := jsonv2.Marshal(v)
	return canned{status: status, body: string(body), err: err}
}

func status(code int, header ...string) canned {
	c := canned{status: code, body: `{"payment_id":1,"message":"x"}`, header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		c.header.Add(header[i], header[i+1])
	}
	return c
}

// lost is no response.
var lost = canned{err: io.ErrUnexpectedEOF}

// roundTripper is a server in this process, for fake time.
type roundTripper func(*http.Request) (*http.Response, error)

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return rt(r) }

// token returns a JWT as JovePay's login gives, which lasts for an hour.
func token() string {
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"id":"%d","iat":%d,"exp":%d}`, rand.Uint64(), now, now+3600)
	return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}

// withMember is a payment with one member more.
func withMember(member string) string {
	return `{"payment_id":7,"payment_status":"waiting","order_id":"A-1","price_amount":49.99,"price_currency":"usd",` +
		`"pay_amount":0.001,"pay_currency":"btc",` + member + `}`
}

// together makes a call in a thousand goroutines at once, and returns their
// errors.
func together(call func() error) []error {
	errs := make([]error, crowd)
	var callers sync.WaitGroup
	gate := make(chan struct{})
	for i := range crowd {
		callers.Go(func() {
			<-gate
			errs[i] = call()
		})
	}
	close(gate)
	callers.Wait()
	return errs
}

func clientOf(tb testing.TB, server *jovepaytest.Server, opts ...jovepay.Option) *jovepay.Client {
	tb.Helper()
	return newClient(tb, server.URL, append([]jovepay.Option{
		jovepay.WithAPIKey(server.APIKey), jovepay.WithCredentials(server.Email, server.Password),
	}, opts...)...)
}

func listing(t *testing.T, client *jovepay.Client) func() error {
	t.Helper()
	return func() error {
		_, err := client.Payments.List(t.Context(), jovepay.PaymentListOptions{Limit: 1})
		return err
	}
}

func getting(t *testing.T, client *jovepay.Client) func() error {
	t.Helper()
	return func() error { _, err := client.Payments.Get(t.Context(), "1"); return err }
}

func compact(b *testing.B, text string) []byte {
	b.Helper()
	var out bytes.Buffer
	require.NoError(b, json.Compact(&out, []byte(text)))
	return out.Bytes()
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

// seen is a request as a server got it.
type seen struct {
	target, body string
	header       http.Header
}

func resetCode(name string) uint32 { return uint32(slices.Index(resetCodes, name)) }

// http2Fault is what a server does to a request instead of responding. It
// may lie: the request was processed, whatever the frame says.
type http2Fault struct {
	early  bool   // as soon as the header is there, instead of when the request is complete
	goAway bool   // end the connection with GOAWAY, instead of the stream with RST_STREAM
	behind uint32 // GOAWAY: by how much its last stream is below this one
	code   uint32
}

// rawHTTP2 is a server for HTTP/2 without TLS that counts the requests it gets
// and strikes at all after the first healthy ones, or at one only.
type rawHTTP2 struct {
	healthy  int32
	once     bool
	fault    http2Fault
	requests atomic.Int32
}

// start serves connections until the test ends, and returns the address and a
// transport for it.
func (s *rawHTTP2) start(t *testing.T) (string, *http.Transport) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	address := listenAll(t, s.serve)
	t.Cleanup(transport.CloseIdleConnections)
	return "http://" + address, transport
}

func (s *rawHTTP2) serve(conn *net.TCPConn) {
	in := bufio.NewReader(conn)
	if _, err := in.Discard(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return
	}
	sendFrame(conn, frameSettings, 0, 0, nil)
	struck := map[uint32]bool{}
	for {
		var head [9]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		payload := make([]byte, size)
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		switch kind {
		case frameSettings:
			if flags&flagAck == 0 {
				sendFrame(conn, frameSettings, flagAck, 0, nil)
			}
		case framePing:
			if flags&flagAck == 0 {
				sendFrame(conn, framePing, flagAck, 0, payload)
			}
		case frameHeaders:
			n := s.requests.Add(1)
			struck[stream] = n > s.healthy && (!s.once || n == s.healthy+1)
		}
		ended := flags&flagEndStream != 0
		switch {
		case kind != frameHeaders && kind != frameData || !struck[stream] && !ended:
		case !struck[stream]:
			const ok = `{"payment_id":1,"id":1,"message":"OK","token":"e30.e30.c2ln"}`
			sendFrame(conn, frameHeaders, flagEndHeaders, stream, []byte{0x88}) // :status 200, the 8th of the static table
			sendFrame(conn, frameData, flagEndStream, stream, []byte(ok))
		case kind == frameHeaders && !s.fault.early && !ended || kind == frameData && s.fault.early || kind == frameData && !ended:
		case s.fault.goAway:
			last := binary.BigEndian.AppendUint32(nil, stream-min(stream, s.fault.behind))
			sendFrame(conn, frameGoAway, 0, 0, binary.BigEndian.AppendUint32(last, s.fault.code))
			_ = conn.CloseWrite()
			_, _ = io.Copy(io.Discard, in) // or a reset could overtake the frame
			return
		default:
			sendFrame(conn, frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, s.fault.code))
		}
	}
}

// assertIs checks that err is all of want and none of the other sentinels.
func assertIs(t *testing.T, err error, want ...error) {
	t.Helper()
	for _, sentinel := range sentinels {
		assert.Equal(t, slices.Contains(want, sentinel), errors.Is(err, sentinel), "%v is %v", err, sentinel)
	}
}

// outcome is the result of a call under a fault.
type outcome struct {
	always int    // requests that the server saw, if the fault occurs each time
	once   int    // and if it occurs the first time only
	err    string // what the caller gets in the end, if it occurs each time
}

// recovers reports whether the call succeeds after all if the fault occurs the
// first time only.
func (o outcome) recovers() bool { return o.always != 1 }

// elsewhere stands for the address of another host.
const elsewhere = "http://elsewhere.example/"

// faulty is a server with a client that may not reach it.
type faulty struct {
	server      *jovepaytest.Server
	client      *jovepay.Client
	once        bool
	unreachable bool
	dials       atomic.Int32
}

// result is what a call led to.
type result struct {
	requests int // of its kind that the server saw
	payments int // that it made
	logins   int
	err      error
}

// call makes one call while the fault is on.
func (f *faulty) call(t *testing.T, name string, fault jovepaytest.Fault) result {
	t.Helper()
	earlier := 0
	var act func(context.Context) error
	switch name {
	case "get":
		id := createAt(t, f.server)
		earlier = 1
		fault.Method, fault.Path = "GET", "/v1/payment/*"
		act = func(ctx context.Context) error { _, err := f.client.Payments.Get(ctx, id); return err }
	case "login":
		fault.Method, fault.Path = "POST", "/v1/auth"
		act = func(ctx context.Context) error { _, err := f.client.Authenticate(ctx); return err }
	case "create":
		fault.Method, fault.Path = "POST", "/v1/payment"
		act = func(ctx context.Context) error { _, err := f.client.Payments.Create(ctx, goods("1")); return err }
	}
	if !f.unreachable {
		if f.once {
			fault.Times = 1
		}
		require.NoError(t, f.server.Inject(fault))
	}
	err := act(t.Context())
	all, listErr := f.server.Payments()
	require.NoError(t, listErr)
	return result{
		requests: f.server.Count(fault.Method, fault.Path),
		payments: len(all) - earlier,
		logins:   f.server.Count("POST", "/v1/auth"),
		err:      err,
	}
}

// newServer starts an emulator that ends with the test.
func newServer(tb testing.TB, opts ...jovepaytest.Option) *jovepaytest.Server {
	tb.Helper()
	server, err := jovepaytest.NewServer(opts...)
	require.NoError(tb, err)
	tb.Cleanup(server.Close)
	return server
}

// createAt makes a payment with another client than the one under test.
func createAt(tb testing.TB, server *jovepaytest.Server) jovepay.ID {
	tb.Helper()
	payment, err := newClient(tb, server.URL, jovepay.WithAPIKey(server.APIKey)).Payments.Create(tb.Context(), goods("earlier"))
	require.NoError(tb, err)
	return payment.ID
}

// closedPort returns an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// paidPayment has a value in every member that a payment's key depends on.
const paidPayment = `{"payment_id":5745459419,"parent_payment_id":5745459418,"payment_status":"finished",` +
	`"price_amount":49.99,"price_currency":"usd","pay_amount":0.00081239,"pay_currency":"btc","actually_paid":0.0008124,` +
	`"outcome_amount":1.5,"outcome_currency":"trx","order_id":"A-1/é","order_description":"two \"mugs\"","amount_received":1.4,` +
	`"actually_paid_at_fiat":50.01,"payment_extra_ids":[1,"2"],"fee":{"currency":"btc","serviceFee":0.5},"new":{"list":[1,true]}}`

// respell returns a body of the same meaning.
func respell(tb testing.TB, seed uint64, body string) string {
	tb.Helper()
	r := &respeller{Rand: rand.New(rand.NewPCG(seed, 1))}
	r.space()
	require.NoError(tb, r.value(jsontext.NewDecoder(strings.NewReader(body))))
	r.space()
	return r.out.String()
}

// mutate returns body as plan decides, and whether Node signs it alike.
func mutate(tb testing.TB, body, plan []byte) (mutant string, same bool) {
	tb.Helper()
	m := &mutator{plan: plan}
	m.Rand = rand.New(rand.NewPCG(uint64(len(plan)), 1)) // for escapes
	d := jsontext.NewDecoder(bytes.NewReader(body))
	mutant = m.value(tb, d, true)
	return mutant, !m.changed
}

// assertRejected checks that err names the field and was found before sending.
func assertRejected(t *testing.T, err error, field string) {
	t.Helper()
	require.Error(t, err, field)
	invalid := (*jovepay.ValidationError)(nil)
	if assert.ErrorAs(t, err, &invalid) {
		assert.Equal(t, field, invalid.Field)
		assert.NotEmpty(t, invalid.Reason)
	}
	assert.ErrorIs(t, err, jovepay.ErrInvalidRequest)
	require.NotErrorIs(t, err, jovepay.ErrOutcomeUnknown)
	assert.True(t, strings.HasPrefix(err.Error(), "jovepay: "+field+": "), err.Error())
	assert.NotContains(t, err.Error(), "\n")
}

// ipnSecret is an IPN key as tests use it; nothing printed may hold it.
const ipnSecret = "Ipn-5ecret/9f2b+61"

// allForms are the forms in the order in which they are tried.
func allForms() []jovepay.IPNForm {
	return []jovepay.IPNForm{jovepay.FormJS, jovepay.FormJSArrays, jovepay.FormPHP, jovepay.FormPython, jovepay.FormRaw}
}

func newVerifier(tb testing.TB, secret string, opts ...jovepay.IPNOption) *jovepay.IPNVerifier {
	tb.Helper()
	v, err := jovepay.NewIPNVerifier(secret, opts...)
	require.NoError(tb, err)
	return v
}

// mac512 and mac256 sign a text as it is, in no form.
func mac512(secret, text string) string {
	h := hmac.New(sha512.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func mac256(secret, text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// signAs signs a body that is not malformed in one form.
func signAs(tb testing.TB, form jovepay.IPNForm, body string) string {
	tb.Helper()
	signature := newVerifier(tb, ipnSecret, jovepay.WithIPNForms(form)).Sign([]byte(body))
	require.NotEmpty(tb, signature, "malformed: %.200q", body)
	return signature
}

// parseAs returns the event of a body that was signed in one form.
func parseAs(tb testing.TB, form jovepay.IPNForm, body string) jovepay.Event {
	tb.Helper()
	event, err := newVerifier(tb, ipnSecret, jovepay.WithIPNForms(form)).Parse([]byte(body), signAs(tb, form, body))
	require.NoError(tb, err, "%.200q", body)
	return event
}

// post returns the request that delivers a body.
func post(tb testing.TB, body, signature string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/ipn", strings.NewReader(body))
	if signature != "" {
		r.Header.Set(jovepay.IPNSignatureHeader, signature)
	}
	return r
}

// accept is a function that takes every event.
func accept(context.Context, jovepay.Event) error { return nil }

// stored are values of all types that shops may store as JSON, by the names of
// their files.
func stored(t *testing.T) map[string]any {
	t.Helper()
	payment := jovepay.Payment{
		ID: "5745459419", ParentPaymentID: "5745459418", InvoiceID: "4522625843", PurchaseID: "5837122679", Status: "on_hold",
		OrderID: "A-1 \"é\" \U0001F600", OrderDescription: "null", PriceAmount: amount("49.90"), PriceCurrency: "usd",
		PayAddress: "3EZ2", PayinExtraID: "007", PayAmount: amount("1E-8"), PayCurrency: "btc", ActuallyPaid: amount("0"),
		ActuallyPaidAtFiat: amount("0.0"), AmountReceived: amount("123456789012345678901234567890.5"), OutcomeAmount: amount("-0"),
		OutcomeCurrency: "usdttrc20", PayinHash: "abc", PayoutHash: "0xdef", PaymentExtraIDs: []jovepay.ID{"1", "2"}, OriginType: "REPEATED",
		Type: "crypto2crypto", IPNCallbackURL: "https://shop.example/ipn", SmartContract: "0x1", Network: "trx", NetworkPrecision: 6,
		TimeLimit: "1200", BurningPercent: amount("0.5"), CreatedAt: at(t, "2026-11-22T15:00:22.742Z"), UpdatedAt: at(t, "2026-11-22T18:30:00.5+03:00"),
		ExpirationEstimateDate: at(t, "2026-11-23T15:00:22.123456789Z"),
		Response:               jovepay.Response{Extra: raw("zz", `{"b":[1,2.50,1E+2],"a":"x"}`, "aa", `null`, "Extra", `{}`, "paymentId", `"5"`, "é", `true`)},
	}
	misfits := jovepay.Payment{ID: "1", Response: jovepay.Response{Extra: raw("pay_amount", `{}`, "parent_payment_id", `[5]`, "updated_at", `"soon"`, "payment_extra_ids", `5`)}}
	return map[string]any{
		"payment":         payment,
		"payment_zero":    jovepay.Payment{},
		"payment_misfits": misfits,
		"payment_list": jovepay.PaymentList{
			Payments: []*jovepay.Payment{&payment, &misfits, {ID: "3"}}, Limit: 10, PagesCount: 1, Total: 3,
			Response: jovepay.Response{Extra: raw("took_ms", `7`)},
		},
		"payment_list_empty": jovepay.PaymentList{Payments: []*jovepay.Payment{}},
		"invoice": jovepay.Invoice{
			ID: "1", TokenID: "2", URL: "https://www.jovepay.com/pay/invoice/?iid=1", OrderID: "A-1", OrderDescription: "x", PriceAmount: amount("1000.00"),
			PriceCurrency: "usd", PayCurrency: "btc", IPNCallbackURL: "https://shop.example/ipn", SuccessURL: "https://shop.example/s",
			CancelURL: "https://shop.example/c", PartiallyPaidURL: "https://shop.example/p", FixedRate: true, FeePaidByUser: true,
			CreatedAt: at(t, "2026-11-22T15:05:44Z"), UpdatedAt: at(t, "2026-11-22T15:05:45Z"), Response: jovepay.Response{Extra: raw("payout_currency", `null`)},
		},
		"currency": jovepay.Currency{
			Code: "xrp", Name: "Ripple", Network: "xrp", Enabled: true, MinAmount: amount("0.5"), MaxAmount: amount("1e3"), LogoURL: "/xrp.svg",
			ExtraIDExists: true, Extra: raw("id", `93`, "wallet_regex", `"^r"`),
		},
		"currency_list": jovepay.CurrencyList{
			Currencies: []jovepay.Currency{{Code: "btc"}, {Code: "doge", Extra: raw("max_amount", `{}`)}}, Response: jovepay.Response{Extra: raw("selected", `["btc"]`)},
		},
		"estimate": jovepay.Estimate{
			CurrencyFrom: "usd", AmountFrom: amount("3999.50"), CurrencyTo: "btc", EstimatedAmount: amount("0.17061637"), Response: jovepay.Response{Extra: raw("x", `1`)},
		},
		"min_amount": jovepay.MinAmount{
			CurrencyFrom: "eth", CurrencyTo: "trx", MinAmount: amount("0.0078999"), FiatEquivalent: amount("35.4"), Response: jovepay.Response{Extra: raw("x", `1`)},
		},
		"status": jovepay.Status{Message: "OK", Response: jovepay.Response{Extra: raw("x", `1`)}},
		"payment_event": jovepay.PaymentEvent{
			Payment: payment, Fee: &jovepay.Fee{Currency: "btc", DepositFee: amount("0.1"), WithdrawalFee: amount("0"), ServiceFee: amount("2")}, TransactionID: "0x9",
		},
		"payment_event_misfits": jovepay.PaymentEvent{Payment: jovepay.Payment{ID: "1", Response: jovepay.Response{Extra: raw("fee", `5`, "transaction_id", `{}`)}}},
		"withdrawal_event": jovepay.WithdrawalEvent{
			ID: "1", BatchWithdrawalID: "2", Status: jovepay.WithdrawalCreating, Error: "no", Currency: "usdttrc20", Amount: amount("50.0"), Address: "TGkm",
			ExtraID: "7", Fee: amount("1"), Hash: "0x1", IPNCallbackURL: "https://shop.example/ipn", CreatedAt: at(t, "2023-07-27T15:29:40.803Z"),
			RequestedAt: at(t, "2023-07-27T15:29:41Z"), UpdatedAt: at(t, "2023-07-27T15:29:42Z"), Response: jovepay.Response{Extra: raw("amount2", `{}`)},
		},
		"recurring_event": jovepay.RecurringPaymentEvent{
			ID: "1", Status: jovepay.WithdrawalFinished, Currency: "trx", Amount: amount("12"), IPNCallbackURL: "https://shop.example/ipn",
			CreatedAt: at(t, "2023-07-26T14:20:11.531Z"), UpdatedAt: at(t, "2023-07-26T14:20:12Z"), Response: jovepay.Response{Extra: raw("fee", `[]`)},
		},
		"unknown_event": jovepay.UnknownEvent{Raw: json.RawMessage(`{"kind":"news","n":1.50}`)},
	}
}

type codec struct {
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}

func codecs() map[string]codec {
	return map[string]codec{
		"encoding/json": {json.Marshal, json.Unmarshal},
		"v2": {
			func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
			func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
		},
	}
}

func raw(members ...string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for i := 0; i < len(members); i += 2 {
		m[members[i]] = json.RawMessage(members[i+1])
	}
	return m
}

func amount(text string) jovepay.Amount {
	if text == "" {
		return jovepay.Amount{}
	}
	return jovepay.MustAmount(text)
}

func at(tb testing.TB, text string) jovepay.Time {
	tb.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	require.NoError(tb, err)
	return jovepay.Time{Time: parsed}
}

// responseFile returns a stored response of JovePay's API.
func responseFile(tb testing.TB, name string) string {
	tb.Helper()
	content, err := os.ReadFile("testdata/responses/" + name)
	require.NoError(tb, err)
	return string(content)
}

// show writes a value so that differences are easy to read, and times in
// other zones are the same.
func show(t *testing.T, v any) string {
	t.Helper()
	if p, ok := v.(jovepay.Payment); ok {
		for _, at := range []*jovepay.Time{&p.CreatedAt, &p.UpdatedAt, &p.ExpirationEstimateDate} {
			at.Time = at.UTC()
		}
		v = p
	}
	content, err := jsonv2.Marshal(v, jsonv2.Deterministic(true))
	require.NoError(t, err)
	return strings.ReplaceAll(string(content), ",", ",\n")
}

// loginResponder responds to a login with a token and to everything else with body.
func loginResponder(body string) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		text := body
		if r.URL.Path == "/v1/auth" {
			text = `{"token":"` + token() + `"}`
		}
		return plainResponse(http.StatusOK, text), nil
	}
}

func assertOneLine(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	assert.NotContains(t, text, "\n")
	assert.NotContains(t, text, "\r")
	assert.Less(t, len(text), 1000, "no dumps: %s", text)
	assert.True(t, strings.HasPrefix(text, "jovepay: "), text)
}

// pause waits, and reports whether it was not interrupted.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// lie is a server whose list contradicts itself.
type lie struct {
	name  string
	n     int // payments
	cap   int // the largest page it gives, if not 0
	tell  func(*sheet)
	alter func(s *shelf, request int) // before the request; what is added is not asked for
	wrong string                      // part of the error; "" if every payment is found all the same; "or" if either is right
	most  int                         // requests
}

// row is a list of one payment, made when it is read.
func row(changes ...func(*jovepay.Payment)) func(int) canned {
	return func(look int) canned { return showing(with(paymentFor("order-1", "7"), all(changes...)))(look) }
}

// gateway is a JovePay with its own habits. It makes payments for order-1,
// and its list shows them in its own spelling, late, or never.
type gateway struct {
	till
	random *rand.Rand

	made    []members
	madeAt  []time.Time
	noise   []members
	spell   []func(members)
	lag     time.Duration // until a payment is in the list
	hides   bool          // payments are never in the list
	garbles bool          // the list contradicts itself
}

func (g *gateway) time(later time.Duration) string {
	return time.Now().Add(g.skew + later).UTC().Format("2006-01-02T15:04:05.000Z")
}

func (g *gateway) payment(id string, later time.Duration) members {
	return members{
		"payment_id": id, "payment_status": "waiting", "order_id": "order-1", "price_amount": 49.9, "price_currency": "usd",
		"pay_currency": "btc", "pay_address": "bc1q" + id, "payin_extra_id": "77", "created_at": g.time(later),
	}
}

// makes loses the response to half of all creates that it processes, and to
// most that it does not.
func (g *gateway) makes(int) canned {
	id := ""
	if g.random.IntN(2) == 0 {
		id = fmt.Sprint(1 + len(g.made))
		g.made, g.madeAt = append(g.made, g.payment(id, 0)), append(g.madeAt, time.Now())
	}
	switch g.random.IntN(6) {
	case 0:
		return lost
	case 1:
		return canned{status: 500}
	case 2:
		return canned{status: 200, body: "garbage"}
	}
	if id == "" {
		return canned{status: 502, body: "<html>"}
	}
	switch g.random.IntN(4) {
	case 0:
		return canned{status: 201, body: `{"payment_id":"` + id + `","order_id":"ord`}
	case 1:
		return canned{status: 201, body: `{"payment_id":"` + id + `","order_id":"order-9"}`}
	case 2:
		return lost
	}
	return cannedJSON(g.made[len(g.made)-1], 201)
}

func (g *gateway) shows(int) canned {
	if g.random.IntN(8) == 0 {
		return canned{status: 503}
	}
	from, err := time.Parse(time.RFC3339, g.from)
	rows := []members{}
	for _, p := range g.noise {
		rows = append(rows, g.spelled(p))
	}
	for i, p := range g.made {
		late := err == nil && g.madeAt[i].Add(g.skew).Before(from)
		if !g.hides && !late && time.Since(g.madeAt[i]) >= g.lag {
			rows = append(rows, g.spelled(p))
		}
	}
	if g.garbles {
		return cannedJSON(members{"data": []members{}, "total": 1 + len(rows), "pagesCount": 1}, 200)
	}
	return cannedJSON(members{"data": rows, "total": len(rows), "pagesCount": 1}, 200)
}

func (g *gateway) spelled(p members) members {
	row := maps.Clone(p)
	for _, spell := range g.spell {
		spell(row)
	}
	return row
}

func (g *gateway) gets(id jovepay.ID) canned {
	for _, p := range append(g.made, g.noise...) {
		if p["payment_id"] == string(id) {
			return cannedJSON(p, 200)
		}
	}
	return canned{status: 404}
}

func inStatus(status jovepay.PaymentStatus) canned {
	return canned{status: http.StatusOK, body: fmt.Sprintf(`{"payment_id":1,"payment_status":%q}`, status)}
}

// hostileTexts are what no error may show as it is.
func hostileTexts() []string {
	return []string{
		"x\nlevel=info msg=paid", "\x1b[2J", "\u0085next", "\u009b31m", "\u202edaolyap", "\u2066x", "a\u2028b", "\u200b", "", " ",
		"a, paid; all well", apiKey, password, strings.Repeat("s", 1<<16), `")`, "\ufffd",
	}
}

// assertHarmless checks that err shows no hostile text as it came.
func assertHarmless(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	text := err.Error()
	assert.Less(t, len(text), 3000)
	for _, r := range text {
		assert.True(t, unicode.IsPrint(r), "%q in %.300q", r, text)
	}
	for _, secret := range []string{apiKey, password, strings.Trim(strconv.Quote(password), `"`)} {
		assert.NotContains(t, text, secret)
	}
}

// spellings returns a secret in the spellings in which servers and proxies
// echo what they got.
func spellings(t *testing.T, secret string) map[string]string {
	t.Helper()
	quote := func(s string, opts ...jsonv2.Options) string {
		text, err := jsonv2.Marshal(s, opts...)
		require.NoError(t, err)
		return string(text[1 : len(text)-1])
	}
	var units, upper, decimal, hex, percent strings.Builder
	for _, u := range utf16.Encode([]rune(secret)) {
		fmt.Fprintf(&units, `\u%04x`, u)
		fmt.Fprintf(&upper, `\u%04X`, u)
	}
	for _, r := range secret {
		fmt.Fprintf(&decimal, "&#%d;", r)
		fmt.Fprintf(&hex, "&#x%X;", r)
	}
	for _, c := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02x", c)
	}
	plain, forHTML := quote(secret), quote(secret, jsontext.EscapeForHTML(true))
	return map[string]string{
		"plain":              secret,
		"JSON":               plain,
		"JSON for HTML":      forHTML,
		"PHP":                strings.ReplaceAll(plain, "/", `\/`),
		"code units":         units.String(),
		"upper-case units":   upper.String(),
		"JSON in JSON":       quote(forHTML),
		"JSON twice in JSON": quote(quote(forHTML)),
		"query":              url.QueryEscape(secret),
		"path":               url.PathEscape(secret),
		"percent":            percent.String(),
		"HTML":               html.EscapeString(secret),
		"decimal entities":   decimal.String(),
		"hex entities":       hex.String(),
		"HTML in JSON":       quote(html.EscapeString(secret), jsontext.EscapeForHTML(true)),
	}
}

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.SIG-77e0c1d5"

// printed returns v in every way that a program may print it.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", []any{v, &v, struct{ V any }{v}})
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v, slog.Group("g", "v", v))
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v, slog.Group("g", "v", v))
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return jsonv2.Marshal(v) }} {
		if content, err := marshal(v); err == nil {
			b.Write(content)
		}
	}
	if err, ok := v.(error); ok {
		for ; err != nil; err = errors.Unwrap(err) {
			b.WriteString(err.Error())
		}
	}
	b.WriteString(strings.Join(stringsIn(reflect.ValueOf(v), map[reflect.Value]bool{}), "\n"))
	return b.String()
}

// script responds to requests one after the other, the last one forever, and
// notes when they came.
type script struct {
	mu        sync.Mutex
	responses []canned
	sent      []time.Time
	each      func(n int) // called for each request, if set
}

func (s *script) respond(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, time.Now())
	next := s.responses[min(len(s.sent), len(s.responses))-1]
	if s.each != nil {
		s.each(len(s.sent))
	}
	return next.response()
}

// pauses returns the time between the requests.
func (s *script) pauses() (pauses []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.sent); i++ {
		pauses = append(pauses, s.sent[i].Sub(s.sent[i-1]))
	}
	return pauses
}

func play(t *testing.T, responses ...canned) (*script, func(...jovepay.Option) *jovepay.Client) {
	t.Helper()
	s := &script{responses: responses}
	return s, func(opts ...jovepay.Option) *jovepay.Client {
		return newMockClient(t, s.respond, append([]jovepay.Option{jovepay.WithRetry(jovepay.RetryPolicy{})}, opts...)...)
	}
}

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
