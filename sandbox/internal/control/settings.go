package control

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// isEnd reports whether a body ended where it may: before it began or behind
// its only value.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// span is a duration as Go writes it, such as "1h30m".
type span time.Duration

// UnmarshalText reads what [time.ParseDuration] does.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

type accountAnswer struct {
	BaseURL   string `json:"base_url"`
	APIKey    string `json:"api_key"`
	Email     string `json:"email"`
	Password  string `json:"password"`
	IPNSecret string `json:"ipn_secret"`
}

func (s server) account() (any, error) {
	return accountAnswer{s.URL, s.APIKey, s.Email, s.Password, s.IPNSecret}, nil
}

type priceBody struct {
	USD jovepay.Amount `json:"usd"`
}

func (s server) price(r *http.Request, b priceBody) (any, error) {
	return nil, s.SetPrice(r.PathValue("ticker"), b.USD)
}

func (s server) minimum(r *http.Request, b amountBody) (any, error) {
	return nil, s.SetMinimum(r.PathValue("ticker"), b.Amount)
}

type currenciesBody struct {
	Currencies []string `json:"currencies"`
}

func (s server) currencies(_ *http.Request, b currenciesBody) (any, error) {
	if b.Currencies == nil { // an empty list is one
		return nil, unreadable{errors.New("currencies is required")}
	}
	return nil, s.SetCurrencies(b.Currencies...)
}

type clockAnswer struct {
	Now time.Time `json:"now"`
}

func (s server) clock() (any, error) { return clockAnswer{s.Now()}, nil }

type clockBody struct {
	Advance span `json:"advance"`
}

func (s server) moveClock(_ *http.Request, b clockBody) (any, error) {
	now, err := s.MoveClock(time.Duration(b.Advance))
	if err != nil {
		return nil, err
	}
	return clockAnswer{now}, nil
}

type lifetimeBody struct {
	Lifetime span `json:"lifetime"`
}

func (s server) tokenLifetime(_ *http.Request, b lifetimeBody) (any, error) {
	return nil, s.SetTokenLifetime(time.Duration(b.Lifetime))
}

type faultBody struct {
	Method      string      `json:"method"`
	Path        string      `json:"path"`
	Skip        int         `json:"skip"`
	Times       int         `json:"times"`
	Percent     int         `json:"percent"`
	AfterEffect bool        `json:"after_effect"`
	Delay       span        `json:"delay"`
	Hang        bool        `json:"hang"`
	Cut         bool        `json:"cut"`
	Status      int         `json:"status"`
	Header      http.Header `json:"header"`
	Body        string      `json:"body"`
	Empty       bool        `json:"empty"`
	Size        int64       `json:"size"`
	Truncate    int         `json:"truncate"`
	Drip        span        `json:"drip"`
}

func (s server) inject(_ *http.Request, b faultBody) (any, error) {
	return nil, s.Inject(jovepaytest.Fault{
		Method: b.Method, Path: b.Path, Skip: b.Skip, Times: b.Times, Percent: b.Percent,
		AfterEffect: b.AfterEffect, Delay: time.Duration(b.Delay), Hang: b.Hang, Cut: b.Cut,
		Status: b.Status, Header: b.Header, Body: b.Body, Empty: b.Empty,
		Size: b.Size, Truncate: b.Truncate, Drip: time.Duration(b.Drip),
	})
}

func (s server) clearFaults() (any, error) {
	s.ClearFaults()
	return nil, s.Err()
}
