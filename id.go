package jovepay

import (
	"fmt"
	"time"
)

// ID identifies a payment, an invoice or a purchase. JovePay sends the same id
// as a number in one answer and as a string in the next; an ID reads both,
// exactly, at any size, and writes a string. The zero value means no id.
type ID string

// String returns the id as text.
func (id ID) String() string { return string(id) }

// UnmarshalJSON reads a string, an integer or null.
func (id *ID) UnmarshalJSON(b []byte) error {
	text, err := scalarText(b)
	if err != nil {
		return fmt.Errorf("jovepay: id: %w", err)
	}
	if len(b) > 0 && b[0] != '"' && leadingDigits(text) != len(text) {
		// A signer may have respelled an integer: 12e2, 1200.0.
		n, err := ParseAmount(text)
		if err != nil || !n.Decimal().IsInteger() {
			return fmt.Errorf("jovepay: id: want an integer or a string, got %.40s", text)
		}
		text = n.Decimal().String()
	}
	*id = ID(text)
	return nil
}

// Time is a point in time as JovePay writes it: RFC 3339, with or without
// fraction and zone (UTC where none is given). The zero value means no time;
// it reads from and writes to JSON null.
type Time struct{ time.Time }

// MarshalJSON writes RFC 3339 with the fraction kept, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.Time.MarshalJSON()
}

// UnmarshalJSON reads a time in one of the forms that JovePay sends, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	var parsed time.Time
	if len(b) > 2 && b[0] == '"' && parsed.UnmarshalText(b[1:len(b)-1]) == nil { // the usual form, without a copy
		*t = Time{parsed}
		return nil
	}
	text, err := scalarText(b)
	if err != nil {
		return fmt.Errorf("jovepay: time: %w", err)
	}
	if text == "" {
		*t = Time{}
		return nil
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateTime} {
		if parsed, err := time.Parse(layout, text); err == nil {
			*t = Time{parsed}
			return nil
		}
	}
	return fmt.Errorf("jovepay: time: want RFC 3339, got %.40q", text)
}
