package emulator

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// number is an exact decimal as a plain JSON number; one that is not given is
// null.
type number struct {
	decimal.Decimal
	given bool
}

func exactly(d decimal.Decimal) number { return number{d, true} }

// unlessZero is null for an amount that is not known yet.
func unlessZero(d decimal.Decimal) number { return number{d, !d.IsZero()} }

// MarshalJSONTo writes the number or null.
func (n number) MarshalJSONTo(enc *jsontext.Encoder) error {
	if !n.given {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteValue(jsontext.Value(n.String()))
}

// UnmarshalJSONFrom reads a positive number or null.
func (n *number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() == 'n' {
		return err
	}
	name := dec.StackPointer().LastToken()
	if v.Kind() != '0' {
		return engine.InvalidParam("%s must be a number", name)
	}
	d, err := engine.ParseAmount(name, string(v))
	*n = exactly(d)
	return err
}

// text is a string of which the empty one is null.
type text string

// MarshalJSONTo writes the string or null.
func (t text) MarshalJSONTo(enc *jsontext.Encoder) error {
	if t == "" {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteToken(jsontext.String(string(t)))
}

// idNumber is a number of which 0 is null.
type idNumber int64

// MarshalJSONTo writes the number or null.
func (i idNumber) MarshalJSONTo(enc *jsontext.Encoder) error {
	if i == 0 {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteToken(jsontext.Int(int64(i)))
}

// purchaseID is a number in one response and a string in another.
type purchaseID struct {
	number int64
	quoted bool
}

// MarshalJSONTo writes the number or the string.
func (p purchaseID) MarshalJSONTo(enc *jsontext.Encoder) error {
	if p.quoted {
		return enc.WriteToken(jsontext.String(strconv.FormatInt(p.number, 10)))
	}
	return enc.WriteToken(jsontext.Int(p.number))
}

// stamp is a time in UTC with milliseconds; the zero one is null.
type stamp time.Time

// MarshalJSONTo writes the time or null.
func (s stamp) MarshalJSONTo(enc *jsontext.Encoder) error {
	if time.Time(s).IsZero() {
		return enc.WriteToken(jsontext.Null)
	}
	b := time.Time(s).AppendFormat(enc.AvailableBuffer(), `"2006-01-02T15:04:05.000Z"`)
	return enc.WriteValue(b)
}

// looseID reads an id that is a number or a string of digits; 0 is none.
type looseID int64

// UnmarshalJSONFrom reads the next value.
func (id *looseID) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() == 'n' {
		return err
	}
	if v.Kind() == '"' {
		v = v[1 : len(v)-1]
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n <= 0 {
		return engine.InvalidParam("%s must be a number", dec.StackPointer().LastToken())
	}
	*id = looseID(n)
	return nil
}
