package jovepay

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// DefaultBaseURL is the address of JovePay's API, from its guide.
const DefaultBaseURL = "https://api.jovepay.io"

// Option configures a [Client]. Options are applied in order, and later ones win. An
// invalid argument is an error from [NewClient].
type Option func(*settings) error

// settings are what the options set; newAPI checks them as a whole.
type settings struct {
	baseURL          string
	apiKey           string
	email, password  string
	httpClient       *http.Client
	insecureHTTP     bool
	userAgent        string
	retry            RetryPolicy
	pace             *pacer
	timeout          time.Duration
	settleWindow     time.Duration
	maxResponseBytes int64
}

// WithAPIKey authenticates with an API key from JovePay's dashboard, in the x-api-key
// header, whose name is not documented by JovePay. White space around the key is
// removed; an empty key is an error.
func WithAPIKey(key string) Option {
	return func(s *settings) error {
		key = strings.TrimSpace(key)
		if key == "" {
			return errors.New("jovepay: API key is empty")
		}
		if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return errors.New("jovepay: API key has a character that is not allowed in a header")
		}
		s.apiKey = key
		return nil
	}
}

// WithCredentials logs in with e-mail and password for the endpoints that require a
// JWT, such as the payment list. Both are case-sensitive. The client logs in when it
// first needs to, once for all goroutines. A login in progress continues for up to a
// minute even if all its callers give up.
func WithCredentials(email, password string) Option {
	return func(s *settings) error {
		if strings.TrimSpace(email) == "" || password == "" {
			return errors.New("jovepay: credentials: want an e-mail and a password")
		}
		s.email, s.password = email, password
		return nil
	}
}

// WithBaseURL sends requests to another address than [DefaultBaseURL], such as an
// emulator or a proxy. It may have a path: with https://proxy/np, the status is read
// from https://proxy/np/v1/status. A /v1 at its end is removed, because every request
// adds the version.
func WithBaseURL(rawURL string) Option {
	return func(s *settings) error {
		s.baseURL = rawURL
		return nil
	}
}

// WithHTTPClient sends requests through a copy of hc, and never changes hc itself. Use
// its Transport for proxies, tracing and metrics. The copy does not follow
// redirects.
func WithHTTPClient(hc *http.Client) Option {
	return func(s *settings) error {
		if hc == nil {
			return errors.New("jovepay: HTTP client is nil")
		}
		s.httpClient = hc
		return nil
	}
}

// WithEnv reads JOVEPAY_API_KEY, JOVEPAY_EMAIL with JOVEPAY_PASSWORD, and
// JOVEPAY_BASE_URL. A variable that is unset or empty changes nothing. Nothing else in
// this package reads the environment.
func WithEnv() Option {
	return func(s *settings) error {
		var opts []Option
		if key := os.Getenv("JOVEPAY_API_KEY"); key != "" {
			opts = append(opts, WithAPIKey(key))
		}
		email, password := os.Getenv("JOVEPAY_EMAIL"), os.Getenv("JOVEPAY_PASSWORD")
		if email != "" || password != "" {
			opts = append(opts, WithCredentials(email, password))
		}
		if base := os.Getenv("JOVEPAY_BASE_URL"); base != "" {
			opts = append(opts, WithBaseURL(base))
		}
		return s.apply(opts)
	}
}

// WithInsecureHTTP allows credentials over plain http to an address that is not
// loopback. Use it only inside a trusted network.
func WithInsecureHTTP() Option {
	return func(s *settings) error {
		s.insecureHTTP = true
		return nil
	}
}

// WithUserAgent puts a product such as "shop/1.2" before the SDK's own name in the
// User-Agent header.
func WithUserAgent(product string) Option {
	return func(s *settings) error {
		if strings.ContainsFunc(product, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			return errors.New("jovepay: user agent has a character that is not allowed in a header")
		}
		s.userAgent = strings.TrimSpace(product + " " + userAgent)
		return nil
	}
}

// WithTimeout limits each attempt, from dialing to the last byte of the response. The
// default is 30 seconds. The whole call, with its retries, is limited by the caller's
// context.
func WithTimeout(perAttempt time.Duration) Option {
	return positive("timeout", perAttempt, func(s *settings) { s.timeout = perAttempt })
}

// WithRateLimit spaces requests evenly, so that at most n are started in any period of
// the given length; further ones wait, within their context. By default there is no
// limit. JovePay's guide states none.
func WithRateLimit(n int, period time.Duration) Option {
	if n <= 0 {
		return func(*settings) error {
			return fmt.Errorf("jovepay: rate limit: want a positive number of requests, got %d", n)
		}
	}
	return positive("rate limit", period, func(s *settings) {
		interval := period / time.Duration(n)
		if interval*time.Duration(n) < period {
			interval++ // or n+1 would fit into a period
		}
		s.pace = newPacer(interval)
	})
}

// WithRetry sets how often and how fast failed requests are retried; [RetryPolicy]
// says which ones are.
func WithRetry(p RetryPolicy) Option {
	return func(s *settings) error {
		if p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.MaxRetryAfter < 0 {
			return errors.New("jovepay: retry policy has a negative field")
		}
		s.retry = p
		return nil
	}
}

// WithSettleWindow sets how long [PaymentsService.CreateOnce] watches the payment list
// after an unknown outcome, before it considers the payment not created. The default
// is 20 seconds.
func WithSettleWindow(d time.Duration) Option {
	return positive("settle window", d, func(s *settings) { s.settleWindow = d })
}

// WithMaxResponseBytes limits the size of a response; a longer one is an error. The
// default is 16 MiB.
func WithMaxResponseBytes(n int64) Option {
	return positive("response limit", n, func(s *settings) { s.maxResponseBytes = n })
}

func positive[N ~int64](what string, n N, set func(*settings)) Option {
	return func(s *settings) error {
		if n <= 0 {
			return fmt.Errorf("jovepay: %s: want a positive value, got %v", what, n)
		}
		set(s)
		return nil
	}
}

func (s *settings) apply(opts []Option) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(s); err != nil {
			return err
		}
	}
	return nil
}

// checkBaseURL returns the base URL without a slash or version at its end. Errors
// don't contain the URL: it may have a password.
func (s *settings) checkBaseURL() (string, error) {
	u, err := url.Parse(s.baseURL)
	switch {
	case err != nil:
		return "", errors.New("jovepay: base URL cannot be parsed")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Opaque != "":
		return "", errors.New("jovepay: base URL: want https://host or https://host/path")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("jovepay: base URL must have no user, query or fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()) && !s.insecureHTTP && (s.apiKey != "" || s.email != ""):
		return "", fmt.Errorf("jovepay: credentials over plain http to %s: use https, or WithInsecureHTTP", u.Host)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	path = strings.TrimRight(strings.TrimSuffix(path, "/v1"), "/")
	root := url.URL{Scheme: u.Scheme, Host: u.Host}
	return root.String() + path, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
