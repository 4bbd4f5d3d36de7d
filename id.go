package jovepay

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// ID identifies a payment, an invoice or a purchase. JovePay sends the same id as a
// number in one response and as a string in the next; an ID reads both exactly, at any
// size, and writes a string. The zero value is no id.
type ID string

// String returns the id as text.
func (id ID) String() string { return string(id) }

// UnmarshalJSON reads a string, an integer or null. The strings "" and "null" are
// null. A string with U+FFFD, which replaces invalid characters, is an error: two ids
// could be read as one.
func (id *ID) UnmarshalJSON(b []byte) error {
	text, err := scalarText(b)
	switch {
	case err != nil:
		return fmt.Errorf("jovepay: id: %w", err)
	case text == "null":
		text = ""
	case strings.ContainsRune(text, utf8.RuneError):
		return fmt.Errorf("jovepay: id: broken character in %.40q", text)
	case len(b) > 0 && b[0] != '"' && leadingDigits(text) != len(text):
		// A signer may write an integer as 12e2 or 1200.0.
		n, err := ParseAmount(text)
		if err != nil || !n.Decimal().IsInteger() {
			return fmt.Errorf("jovepay: id: want an integer or a string, got %.40q", text)
		}
		text = n.Decimal().String()
	}
	*id = ID(text)
	return nil
}

// Time is a point in time. The zero value is no time, and null in JSON.
//
// JovePay's guide shows no times. A Time reads what its API family sends:
//
//   - RFC 3339, also with a space instead of the T, with a zone such as +0000, without
//     a zone (UTC), or only the date (its start in UTC);
//   - Unix time as a number or as text: milliseconds from 100,000,000,000 on, which is
//     March 1973, and seconds below that. Times before March 1973 and after the year
//     5138 are errors, and so are 0, negative numbers and microseconds;
//   - null, and the texts "" and "null": no time.
type Time struct{ time.Time }

// MarshalJSON writes RFC 3339, with the fraction, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.Time.MarshalJSON()
}

// UnmarshalJSON reads a time in one of the forms that [Time] lists, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if len(b) > longestTime {
		return fmt.Errorf("jovepay: time: over %d bytes", longestTime)
	}
	var parsed time.Time
	if len(b) > 2 && b[0] == '"' && parsed.UnmarshalText(b[1:len(b)-1]) == nil { // the usual form, without a copy
		*t = Time{parsed}
		return nil
	}
	text, err := scalarText(b)
	if err != nil {
		return fmt.Errorf("jovepay: time: %w", err)
	}
	return t.set(text)
}

// longestTime is how many bytes of JSON a time may have, with escapes.
const longestTime = 1024

// set reads a time; the texts "" and "null" are none.
func (t *Time) set(text string) error {
	if text == "" || text == "null" {
		*t = Time{}
		return nil
	}
	parsed, ok := parseTime(text)
	if !ok || len(text) > longestTime {
		return fmt.Errorf("jovepay: time: want RFC 3339 or Unix time, got %.40q", text)
	}
	*t = Time{parsed}
	return nil
}

func parseTime(text string) (t time.Time, ok bool) {
	if number, err := ParseAmount(text); err == nil {
		return unixTime(number)
	}
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 Z0700",
		time.DateTime, time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// unixTime reads seconds or milliseconds; within the limits no number can be both.
func unixTime(number Amount) (t time.Time, ok bool) {
	first, milliseconds, end := decimal.New(1, 8), decimal.New(1, 11), decimal.New(1, 14)
	value := number.Decimal()
	if value.LessThan(first) || !value.LessThan(end) {
		return time.Time{}, false
	}
	if !value.LessThan(milliseconds) {
		value = value.Shift(-3)
	}
	seconds := value.IntPart()
	rest := value.Sub(decimal.NewFromInt(seconds)).Shift(9)
	return time.Unix(seconds, rest.IntPart()).UTC(), true
}
