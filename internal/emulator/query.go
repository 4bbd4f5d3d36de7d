package emulator

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// query reads the parameters of one request and keeps the first thing that is
// wrong with them. What was not read by the end is not known.
type query struct {
	values url.Values
	err    error
}

func newQuery(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = engine.InvalidParam("query string is malformed")
	}
	return &query{values: values, err: err}
}

func (q *query) wrong(format string, args ...any) {
	if q.err == nil {
		q.err = engine.InvalidParam(format, args...)
	}
}

// take returns the parameter, which must then have one value that is not
// empty.
func (q *query) take(name string) (value string, given bool) {
	values, given := q.values[name]
	if !given {
		return "", false
	}
	delete(q.values, name)
	if len(values) > 1 {
		q.wrong("%s is given more than once", name)
	}
	if values[0] == "" {
		q.wrong("%s must not be empty", name)
	}
	return values[0], true
}

func (q *query) text(name string) string {
	value, _ := q.take(name)
	return value
}

func (q *query) required(name string) string {
	value, given := q.take(name)
	if !given {
		q.wrong("%s is required", name)
	}
	return value
}

func (q *query) amount(name string) decimal.Decimal {
	value := q.required(name)
	if q.err != nil {
		return decimal.Decimal{}
	}
	amount, err := engine.ParseAmount(name, value)
	q.err = err
	return amount
}

func (q *query) number(name string, otherwise int) int {
	return int(q.whole(name, int64(otherwise), strconv.IntSize))
}

// id returns an id, which has more digits than an int on 32 bits, or 0.
func (q *query) id(name string) int64 { return q.whole(name, 0, 64) }

func (q *query) whole(name string, otherwise int64, size int) int64 {
	value, given := q.take(name)
	if !given {
		return otherwise
	}
	n, err := strconv.ParseInt(value, 10, size)
	if err != nil {
		q.wrong("%s must be a number", name)
	}
	return n
}

func (q *query) flag(name string) bool { return q.choice(name, "false", "true") == "true" }

// choice returns one of two values, the first if none is given.
func (q *query) choice(name, first, second string) string {
	value, given := q.take(name)
	if !given {
		return first
	}
	if value != first && value != second {
		q.wrong("%s must be %s or %s", name, first, second)
	}
	return value
}

// from is the earliest time that a date means, to the latest: a day without a
// time is in the range as a whole.
func (q *query) from(name string) time.Time {
	at, _ := q.date(name)
	return at
}

func (q *query) to(name string) time.Time {
	at, day := q.date(name)
	if day {
		return at.AddDate(0, 0, 1).Add(-time.Millisecond)
	}
	return at
}

func (q *query) date(name string) (at time.Time, day bool) {
	value, given := q.take(name)
	if !given {
		return time.Time{}, false
	}
	if at, err := time.Parse(time.DateOnly, value); err == nil {
		return at, true
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		q.wrong("%s must be a date (YYYY-MM-DD) or an RFC 3339 time", name)
	}
	return at, false
}

// end returns the first thing that was wrong.
func (q *query) end() error {
	if q.err == nil && len(q.values) > 0 {
		q.wrong("unknown parameter %.40q", slices.Min(slices.Collect(maps.Keys(q.values))))
	}
	return q.err
}
