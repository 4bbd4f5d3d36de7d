package setup

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go"
)

// Options returns the options of a client with these settings. Requests are
// logged to log unless it is nil.
func (s Settings) Options(flags Flags, log *slog.Logger) []jovepay.Option {
	opts := []jovepay.Option{
		jovepay.WithUserAgent("jovepay-cli/" + jovepay.Version),
		jovepay.WithTimeout(flags.Timeout),
	}
	if s.BaseURL != "" {
		opts = append(opts, jovepay.WithBaseURL(s.BaseURL))
	}
	if s.APIKey != "" {
		opts = append(opts, jovepay.WithAPIKey(s.APIKey))
	}
	if s.Email != "" {
		opts = append(opts, jovepay.WithCredentials(s.Email, s.Password))
	}
	if flags.InsecureHTTP {
		opts = append(opts, jovepay.WithInsecureHTTP())
	}
	if log != nil {
		opts = append(opts, jovepay.WithHTTPClient(&http.Client{Transport: LogRequests(http.DefaultTransport, log)}))
	}
	return opts
}

// CanLogIn reports whether the settings have an email and a password.
func (s Settings) CanLogIn() bool { return s.Email != "" }

// LogRequests returns a transport that logs each request: its method, path, status,
// duration and request ID, and nothing that may contain a secret.
func LogRequests(next http.RoundTripper, log *slog.Logger) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		start := time.Now()
		res, err := next.RoundTrip(r)
		line := []any{"method", r.Method, "path", r.URL.EscapedPath(), "took", time.Since(start).Round(time.Microsecond).String()}
		if err != nil {
			log.InfoContext(r.Context(), "request", append(line, "error", err.Error())...)
			return nil, err
		}
		line = append(line, "status", res.StatusCode)
		for _, name := range []string{"X-Request-Id", "Cf-Ray"} {
			if id := res.Header.Get(name); id != "" {
				line = append(line, "request_id", id)
				break
			}
		}
		log.InfoContext(r.Context(), "request", line...)
		return res, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
