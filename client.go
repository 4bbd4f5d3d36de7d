package jovepay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-querystring/query"
	"golang.org/x/time/rate"
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
// [WithCredentials] or [WithEnv] it can only ask for the status.
func NewClient(opts ...Option) (*Client, error) {
	a, err := newAPI(opts)
	if err != nil {
		return nil, err
	}
	return &Client{
		Payments:   &PaymentsService{a},
		Invoices:   &InvoicesService{a},
		Currencies: &CurrenciesService{a},
		Estimates:  &EstimatesService{a},
		api:        a,
	}, nil
}

// Status says whether the API is available. Message is "OK" when it is.
type Status struct {
	Message string `json:"message"`
	Answer
}

// Status asks whether the API is available. It needs no authentication.
//
// From JovePay's guide: GET /v1/status.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return do[Status](ctx, c.api, endpoint{method: http.MethodGet, path: "/v1/status", auth: public})
}

// Do calls an endpoint that this package does not type, with the same
// authentication, retries and errors. The path starts with the version, as in
// "/v1/balance", and has its variable parts escaped with [url.PathEscape].
// The query is nil, [url.Values] or a struct with url tags; body is nil or is
// sent as JSON; out is nil or a pointer that the JSON answer is decoded into:
// a *[]byte receives the answer as it came. Names in the answer match the json
// tags of out in their exact case.
//
// Any method but GET and HEAD counts as creating something, and is repeated
// only as [RetryPolicy] says. If credentials are configured, a JWT is sent
// beside the API key.
func (c *Client) Do(ctx context.Context, method, path string, query, body, out any) error {
	r, err := c.api.prepare(endpoint{
		method:  method,
		path:    path,
		query:   query,
		body:    body,
		creates: method != http.MethodGet && method != http.MethodHead,
		auth:    withToken,
	})
	if err != nil {
		return err
	}
	answer, err := c.api.send(ctx, r)
	if err != nil || out == nil {
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = answer.body
		return nil
	}
	if err := json.Unmarshal(answer.body, out); err != nil {
		return unreadable(r, answer, err)
	}
	return nil
}

// api is the configured way to JovePay that all services share.
type api struct {
	base         string
	http         *http.Client
	apiKey       secret
	secrets      secrets  // to keep out of errors
	session      *session // nil without credentials
	userAgent    string
	retry        RetryPolicy
	limiter      *rate.Limiter // nil without a limit
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
		limiter:      s.limiter,
		timeout:      s.timeout,
		timeoutCause: fmt.Errorf("no answer within %v: %w", s.timeout, context.DeadlineExceeded),
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

// plainClient returns a copy of hc, or a client of our own, that does not
// follow redirects: net/http would carry x-api-key to another host.
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

// authentication is what an endpoint wants to see.
type authentication int

const (
	public    authentication = iota // nothing
	withKey                         // the API key; a JWT if there is no key or it is refused
	withToken                       // a JWT beside the API key
)

// endpoint is one call of the API, as the services describe it.
type endpoint struct {
	method  string
	path    string // from the version on, variable parts escaped
	query   any    // nil, url.Values or a struct for go-querystring
	body    any    // nil, or sent as JSON
	creates bool   // a repeat could create a second thing
	auth    authentication
}

// request is an endpoint encoded once for all attempts.
type request struct {
	endpoint
	url     string
	content []byte
}

type reply struct {
	status int
	header http.Header
	body   []byte
	hide   secrets // what its text must not show
}

// acceptor is the pointer to an answer's type; accept keeps the raw answer
// and refuses one that lacks what it must have.
type acceptor[T any] interface {
	*T
	accept(raw []byte) error
}

// do calls an endpoint and decodes its answer.
func do[T any, P acceptor[T]](ctx context.Context, a *api, e endpoint) (*T, error) {
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
	if err != nil {
		return nil, unreadable(r, got, err)
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
	if e.body != nil {
		var err error
		if r.content, err = json.Marshal(e.body); err != nil {
			return nil, &ValidationError{"body", err.Error()}
		}
	}
	return r, nil
}

// checkPath keeps a path from leaving the API: servers and proxies resolve dot
// segments, escaped ones too.
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

// hasDots reports whether a path segment would lead to another place once a
// server or a proxy has unescaped it.
func hasDots(segment string) bool {
	for part := range strings.FieldsFuncSeq(segment, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// send makes as many attempts as the retry rules allow.
func (a *api) send(ctx context.Context, r *request) (*reply, error) {
	renewed := false // a JWT was asked for after a 401
	for attempt := 1; ; attempt++ {
		jwt, err := a.jwtFor(ctx, r, renewed)
		if err != nil {
			return nil, err
		}
		if err := a.admit(ctx); err != nil {
			return nil, &TransportError{Method: r.method, Path: r.path, err: err, unsent: true}
		}
		got, err := a.attempt(ctx, r, jwt)
		if err == nil {
			return got, nil
		}
		if errors.Is(err, ErrUnauthorized) && a.session != nil && r.auth != public && !renewed {
			a.session.drop(jwt)
			renewed = true
			attempt--
			continue
		}
		if ctx.Err() != nil || attempt >= a.retry.MaxAttempts || !r.repeatable(err) {
			return nil, err
		}
		if cause := pause(ctx, a.retry.delay(attempt, err)); cause != nil {
			return nil, gaveUp(err, cause)
		}
	}
}

// admit waits for the rate limit. It refuses a context that is over, so that
// a request which was never sent is not taken for a lost one.
func (a *api) admit(ctx context.Context) error {
	if a.limiter == nil {
		return ctx.Err()
	}
	turn := a.limiter.Reserve()
	err := pause(ctx, turn.Delay())
	if err != nil {
		turn.Cancel()
	}
	return err
}

func (a *api) jwtFor(ctx context.Context, r *request, renewed bool) (string, error) {
	if a.session == nil || r.auth == public || r.auth == withKey && a.apiKey != nil && !renewed {
		return "", nil
	}
	token, err := a.session.token(ctx)
	return token.Reveal(), err
}

// attempt sends the request once and returns the answer if it is a success.
func (a *api) attempt(ctx context.Context, r *request, jwt string) (*reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, a.timeoutCause)
	defer cancel()
	var proof writeProof
	if r.creates {
		ctx = proof.watch(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, nil)
	if err != nil {
		return nil, &ValidationError{"path", "cannot be part of an address"}
	}
	if r.content != nil {
		req.Body = io.NopCloser(bytes.NewReader(r.content))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.content)), nil }
		req.ContentLength = int64(len(r.content))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", a.userAgent)
	if a.apiKey != nil && r.auth != public {
		req.Header.Set("X-Api-Key", a.apiKey())
	}
	hide := a.secrets
	if jwt != "" {
		req.Header.Set("Authorization", "Bearer "+jwt)
		hide = append(slices.Clip(hide), newSecret(jwt))
	}
	res, err := a.http.Do(req)
	if err != nil {
		unsent := proof.unsent()
		return nil, &TransportError{Method: r.method, Path: r.path, err: hide.cause(err), unsent: unsent, unknown: r.creates && !unsent}
	}
	defer res.Body.Close()
	body, err := readBounded(res, a.maxBytes)
	return judge(r, &reply{res.StatusCode, res.Header, body, hide}, err)
}
