package jovepay

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-querystring/query"
)

// Version is the version of this SDK, as sent in the User-Agent header.
const Version = "0.1.0"

const userAgent = "jovepay-go/" + Version

// Client calls JovePay's API. Make one with [NewClient] and share it: it is
// immutable and safe for concurrent use. The zero value is not usable.
type Client struct {
	Payments   *PaymentsService
	Invoices   *InvoicesService
	Currencies *CurrenciesService
	Estimates  *EstimatesService

	api *api
}

// NewClient returns a client for JovePay's API. Without [WithAPIKey],
// [WithCredentials] or [WithEnv], only [Client.Status] and [Client.Do] work; any
// other call returns a [ValidationError] and sends nothing. With credentials only,
// requests have the JWT instead of the API key, as JovePay's guide says for all
// authenticated endpoints.
func NewClient(opts ...Option) (*Client, error) {
	a, err := newAPI(opts)
	if err != nil {
		return nil, err
	}
	return &Client{
		Payments:   &PaymentsService{api: a},
		Invoices:   &InvoicesService{a},
		Currencies: &CurrenciesService{a},
		Estimates:  &EstimatesService{a},
		api:        a,
	}, nil
}

// Status says whether the API is available. If it is, Message is "OK".
type Status struct {
	Message string `json:"message"`
	Response
}

type plainStatus Status // without the methods

// MarshalJSON writes the message and Extra.
func (s Status) MarshalJSON() ([]byte, error) {
	return writeObject(&plainStatus{Message: s.Message}, s.Extra)
}

// UnmarshalJSON reads a status as [Payment.UnmarshalJSON] reads a payment.
func (s *Status) UnmarshalJSON(b []byte) error {
	return readObject(b, (*plainStatus)(s), &s.Extra)
}

// Status reports whether the API is available. It needs no authentication.
//
// From JovePay's guide: GET /v1/status.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return do[Status](ctx, c.api, endpoint{method: http.MethodGet, path: "/v1/status", auth: public})
}

// Do calls an endpoint for which this package has no method, with the same
// authentication, retries and errors. The path starts with the version, as in
// "/v1/balance"; escape its variable parts with [url.PathEscape]. The query is nil,
// [url.Values] or a struct with url tags.
//
// The body is nil or is sent as JSON. A byte slice of any type that does not
// marshal itself is sent unchanged, with the same Content-Type. An [io.Reader] is
// rejected, because a request may have to be retried. Out is nil or a non-nil
// pointer to decode the JSON response into; a *[]byte receives the response
// unchanged. Names in the response match the json tags of out case-sensitively.
// How much memory decoding takes depends on out.
//
// A request with any method except GET and HEAD counts as creating something, and
// is retried only as [RetryPolicy] says. Such a request has a body even if it is
// empty: over HTTP/1.1, a POST without content has Transfer-Encoding: chunked and
// no Content-Length.
//
// Do sends whatever is configured: the API key, and a JWT if there are
// credentials.
func (c *Client) Do(ctx context.Context, method, path string, query, body, out any) error {
	if to := reflect.ValueOf(out); out != nil && (to.Kind() != reflect.Pointer || to.IsNil()) {
		return &ValidationError{"out", fmt.Sprintf("want nil or a non-nil pointer, got %T", out)}
	}
	r, err := c.api.prepare(endpoint{
		method:  method,
		path:    path,
		query:   query,
		body:    body,
		creates: method != http.MethodGet && method != http.MethodHead,
		untyped: true,
		auth:    withAny,
	})
	if err != nil {
		return err
	}
	response, err := c.api.send(ctx, r)
	if err != nil || out == nil {
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = response.body
		return nil
	}
	if err := jsonv2.Unmarshal(response.body, out); err != nil {
		return unreadableError(r, response, err)
	}
	return nil
}

// api sends requests; all services of a client share it.
type api struct {
	base         string
	http         *http.Client
	apiKey       secret
	secrets      secrets  // to keep out of errors
	session      *session // nil without credentials
	userAgent    string
	retry        RetryPolicy
	pace         *pacer // nil without a limit
	timeout      time.Duration
	timeoutCause error
	settleWindow time.Duration
	maxBytes     int64
}

func newAPI(opts []Option) (*api, error) {
	s := settings{
		baseURL:          DefaultBaseURL,
		userAgent:        userAgent,
		timeout:          30 * time.Second,
		settleWindow:     20 * time.Second,
		maxResponseBytes: 16 << 20,
	}
	if err := s.apply(opts); err != nil {
		return nil, err
	}
	base, err := s.checkBaseURL()
	if err != nil {
		return nil, err
	}
	a := &api{
		base:         base,
		http:         plainClient(s.httpClient),
		userAgent:    s.userAgent,
		retry:        s.retry.withDefaults(),
		pace:         s.pace,
		timeout:      s.timeout,
		timeoutCause: fmt.Errorf("no response within %v: %w", s.timeout, context.DeadlineExceeded),
		settleWindow: s.settleWindow,
		maxBytes:     s.maxResponseBytes,
	}
	if s.apiKey != "" {
		a.apiKey = newSecret(s.apiKey)
		a.secrets = append(a.secrets, a.apiKey)
	}
	if s.email != "" {
		password := newSecret(s.password)
		a.session = newSession(a, s.email, password)
		a.secrets = append(a.secrets, password)
	}
	return a, nil
}

// plainClient returns a copy of hc, or a new client, that does not follow
// redirects: net/http would send x-api-key to another host.
func plainClient(hc *http.Client) *http.Client {
	own := http.Client{Transport: http.DefaultTransport}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 32
		own.Transport = t
	}
	if hc != nil {
		own = *hc
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// authentication is what an endpoint requires.
type authentication int

const (
	public    authentication = iota // nothing
	withKey                         // the API key; a JWT if there is no key or it is rejected
	withToken                       // a JWT, and the API key if there is one
	withAny                         // whatever is configured
)

// endpoint is one call of the API, as the services describe it.
type endpoint struct {
	method  string
	path    string // from the version on, variable parts escaped
	query   any    // nil, url.Values or a struct for go-querystring
	body    any    // see encode
	creates bool   // a retry could create a second one
	untyped bool   // the response can be any JSON
	auth    authentication
	clock   *serverClock // learns from the Date of every response; may be nil
}

// request is an endpoint, encoded once for all attempts.
type request struct {
	endpoint
	url     string
	content []byte
}

// response is the response to one attempt.
type response struct {
	status int
	header http.Header
	body   []byte
	hide   secrets // secrets to remove from errors
}

// acceptor is the pointer to a response's type. accept keeps the raw response, and
// rejects one without the members that it must have.
type acceptor[T any] interface {
	*T
	accept(raw []byte) error
}

// do calls an endpoint and decodes its response. A response that a check rejects
// counts as undecodable.
func do[T any, P acceptor[T]](ctx context.Context, a *api, e endpoint, checks ...func(*T) error) (*T, error) {
	r, err := a.prepare(e)
	if err != nil {
		return nil, err
	}
	got, err := a.send(ctx, r)
	if err != nil {
		return nil, err
	}
	out := new(T)
	err = decode(got.body, out)
	if err == nil {
		err = P(out).accept(got.body)
	}
	for _, check := range checks {
		if err == nil {
			err = check(out)
		}
	}
	if err != nil {
		return nil, unreadableError(r, got, err)
	}
	return out, nil
}

func (a *api) prepare(e endpoint) (*request, error) {
	if e.method == "" || strings.Trim(e.method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, &ValidationError{"method", `want an HTTP method in upper case, such as "GET"`}
	}
	if err := checkPath(e.path); err != nil {
		return nil, err
	}
	if err := a.checkAuth(e); err != nil {
		return nil, err
	}
	r := &request{endpoint: e, url: a.base + e.path}
	values, ok := e.query.(url.Values)
	if e.query != nil && !ok {
		var err error
		if values, err = query.Values(e.query); err != nil {
			return nil, &ValidationError{"query", err.Error()}
		}
	}
	if len(values) > 0 {
		r.url += "?" + values.Encode()
	}
	var err error
	if r.content, err = encode(e.body); err != nil {
		return nil, &ValidationError{"body", err.Error()}
	}
	return r, nil
}

// checkAuth returns an error if an endpoint needs what is not configured.
func (a *api) checkAuth(e endpoint) error {
	switch {
	case a.session != nil:
		return nil
	case e.auth == withToken:
		return &ValidationError{"credentials", e.method + " " + e.path + " needs credentials; see WithCredentials"}
	case e.auth == withKey && a.apiKey == nil:
		return &ValidationError{"api_key", "no API key; see WithAPIKey"}
	}
	return nil
}

// encode returns the content to send: nothing for nil, JSON for most values, and
// byte slices unchanged, which JSON would encode in base64.
func encode(body any) ([]byte, error) {
	if value, ok := body.(jsontext.Value); ok { // in Go 1.27 the same type as json.RawMessage
		return bytes.Clone(value), nil
	}
	switch body := body.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return bytes.Clone(body), nil
	case jsonv2.MarshalerTo, jsonv2.Marshaler, encoding.TextAppender, encoding.TextMarshaler:
		return jsonv2.Marshal(body)
	case io.Reader:
		return nil, fmt.Errorf("want a value for JSON or a byte slice, got the reader %T", body)
	}
	v := reflect.Indirect(reflect.ValueOf(body))
	if v.IsValid() && v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return bytes.Clone(v.Bytes()), nil
	}
	return jsonv2.Marshal(body)
}

// checkPath keeps a path inside the API: servers and proxies resolve dot segments,
// including escaped ones.
func checkPath(path string) error {
	if len(path) < 3 || path[:2] != "/v" || path[2] < '0' || path[2] > '9' || strings.ContainsAny(path, "?#\\") {
		return &ValidationError{"path", `want an escaped path that starts with the version, such as "/v1/status"`}
	}
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || hasDots(plain) || strings.ContainsFunc(segment, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return &ValidationError{"path", "has a segment that is not an escaped name"}
		}
	}
	return nil
}

// hasDots reports whether a path segment would lead elsewhere once a server or a
// proxy has unescaped it.
func hasDots(segment string) bool {
	for part := range strings.FieldsFuncSeq(segment, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// send makes as many attempts as the RetryPolicy allows.
func (a *api) send(ctx context.Context, r *request) (*response, error) {
	var limits sendLimits
	if r.creates {
		limits = sendLimitsOf(ctx)
	}
	before, cancel := limits.bound(ctx)
	defer cancel()
	jwt, since, err := a.authorize(before, r)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		err := a.admit(before)
		if err == nil {
			err = limits.check()
		}
		if err != nil {
			return nil, &TransportError{Method: r.method, Path: r.path, err: err, effect: effectNone}
		}
		got, err := a.attempt(ctx, r, jwt)
		if err == nil {
			if jwt.value != nil {
				a.session.confirm(jwt)
			}
			return got, nil
		}
		if a.session != nil && r.auth != public && jwt.isRejectedBy(err) {
			next, failed := a.session.replace(before, jwt, since)
			if failed != nil {
				return nil, fmt.Errorf("%w; before that: %w", failed, err)
			}
			if next.value != nil {
				jwt = next
				attempt--
				continue
			}
		}
		if ctx.Err() != nil || limits.check() != nil || attempt >= a.retry.MaxAttempts || !SafeToRetry(err) || !temporary(err) {
			return nil, err
		}
		if cause := pause(before, a.retry.delay(attempt, err)); cause != nil {
			return nil, noTimeError(err, cause)
		}
	}
}

// admit waits for the rate limit. It rejects a context that has ended, so that a
// request that was never sent is not mistaken for a lost one.
func (a *api) admit(ctx context.Context) error {
	if a.pace == nil {
		return contextError(ctx)
	}
	return a.pace.wait(ctx)
}

// authorize returns the JWT to send first, if any, and the number of logins at that
// time.
func (a *api) authorize(ctx context.Context, r *request) (jwt Token, since int, err error) {
	switch {
	case a.session == nil || r.auth == public:
		return Token{}, 0, nil
	case r.auth == withKey && a.apiKey != nil:
		return Token{}, a.session.count(), nil
	}
	jwt, err = a.session.token(ctx)
	return jwt, jwt.login, err
}

// attempt sends the request once and returns the response if it is a success.
func (a *api) attempt(ctx context.Context, r *request, jwt Token) (*response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, a.timeoutCause)
	defer cancel()
	proof := writeProof{content: r.content, limits: sendLimitsOf(ctx)}
	if r.creates {
		ctx = proof.watch(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, nil)
	if err != nil {
		return nil, &ValidationError{"path", "cannot be part of an address"}
	}
	switch {
	case r.creates:
		req.Body = &proof // and no GetBody: see writeProof
	case len(r.content) > 0:
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.content)), nil }
		req.Body, _ = req.GetBody()
	}
	if len(r.content) > 0 {
		req.ContentLength = int64(len(r.content))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip") // decompressed by readLimited: net/http loses what it cannot decompress
	req.Header.Set("User-Agent", a.userAgent)
	if a.apiKey != nil && r.auth != public {
		req.Header.Set("X-Api-Key", a.apiKey())
	}
	hide := a.secrets
	if jwt.value != nil {
		req.Header.Set("Authorization", "Bearer "+jwt.Reveal())
		hide = append(slices.Clip(hide), jwt.value)
	}
	res, err := a.http.Do(req)
	if err != nil {
		mayCreate := r.creates && !proof.isUnsent(ctx, err)
		return nil, &TransportError{Method: r.method, Path: r.path, err: hide.cause(proof.addCause(addCause(ctx, err))), effect: effectOf(mayCreate)}
	}
	defer res.Body.Close()
	r.clock.note(res.Header)
	body, err := readLimited(res, a.maxBytes)
	return judge(r, &response{res.StatusCode, res.Header, body, hide}, addCause(ctx, err))
}

// guard runs fn, which calls the user's transport, in a separate goroutine. A panic
// there, which would end the program, becomes an error, and so does a transport
// that ends the goroutine, for which others would wait forever.
func (a *api) guard(fn func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() {
			if p := recover(); p != nil {
				cause, ok := p.(error)
				if !ok {
					cause = fmt.Errorf("%v", p)
				}
				err = a.secrets.cause(fmt.Errorf("jovepay: panic in the HTTP client: %w", cause))
			}
			result <- err
		}()
		err = fn()
	}()
	return <-result
}

var errGoexit = errors.New("jovepay: the HTTP client ended the goroutine that called it")
