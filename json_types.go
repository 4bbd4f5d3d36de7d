package jovepay

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The plain types have the fields and tags of the public ones, but not their
// methods.
type (
	plainPayment  Payment
	listedPayment Payment // which lenient knows
	plainInvoice  Invoice
	plainCurrency Currency
	plainEstimate Estimate
	plainMinimum  MinAmount
	plainStatus   Status

	// The lists name the types of their rows, which bound their number.
	plainPaymentList struct {
		Payments   paymentRows `json:"data"`
		Limit      int         `json:"limit"`
		Page       int         `json:"page"`
		PagesCount int         `json:"pagesCount"`
		Total      int         `json:"total"`
		Answer
	}
	plainCurrencyList struct {
		Currencies currencyRows `json:"currencies"`
		Answer
	}
)

// MarshalJSON writes the fields that are set, and Extra, as members of one
// object. A struct that embeds a Payment inherits this method and with it
// loses its own members: give the Payment a name there.
func (p Payment) MarshalJSON() ([]byte, error) {
	fields := plainPayment(p)
	fields.Extra = nil
	return writeObject(&fields, p.Extra)
}

// UnmarshalJSON reads what MarshalJSON writes, and what JovePay sends. Members
// without a field, and those that do not fit theirs, go to Extra; currencies
// are read in lower case; the text "null", and a parent or invoice of 0, mean
// none, except in the shop's own texts.
func (p *Payment) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainPayment)(p), &p.Extra)
	(*plainPayment)(p).normalize()
	return err
}

func (p *plainPayment) normalize() {
	lowerTickers(&p.PriceCurrency, &p.PayCurrency, &p.OutcomeCurrency)
	noneIfNull(&p.PriceCurrency, &p.PayCurrency, &p.OutcomeCurrency, &p.PayAddress, &p.PayinExtraID, &p.PayinHash,
		&p.PayoutHash, &p.OriginType, &p.Type, &p.IPNCallbackURL, &p.SmartContract, &p.Network, &p.TimeLimit)
	for _, id := range [...]*ID{&p.ParentPaymentID, &p.InvoiceID} {
		if *id == "0" {
			*id = ""
		}
	}
}

// MarshalJSON writes the list with its payments, and Extra.
func (l PaymentList) MarshalJSON() ([]byte, error) {
	return writeObject(&plainPaymentList{l.Payments, l.Limit, l.Page, l.PagesCount, l.Total, Answer{}}, l.Extra)
}

// UnmarshalJSON reads a list of at most 500 payments, as [Payment.UnmarshalJSON]
// reads each.
func (l *PaymentList) UnmarshalJSON(b []byte) error {
	fields := plainPaymentList{l.Payments, l.Limit, l.Page, l.PagesCount, l.Total, l.Answer}
	err := readObject(b, &fields, &fields.Extra)
	*l = PaymentList{fields.Payments, fields.Limit, fields.Page, fields.PagesCount, fields.Total, fields.Answer}
	return err
}

// paymentRows are read one by one: a server that sends more than a page must
// not fill the memory.
type paymentRows []*Payment

// UnmarshalJSONFrom reads the rows of one page.
func (rows *paymentRows) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return readRows(d, rows, largestPage, errTooManyRows, func(row **Payment) error {
		*row = new(Payment)
		if d.PeekKind() != '{' {
			return d.SkipValue()
		}
		err := jsonv2.UnmarshalDecode(d, (*listedPayment)(*row))
		(*plainPayment)(*row).normalize()
		return err
	})
}

// readRows reads an array of at most limit elements; null gives none.
func readRows[R ~[]E, E any](d *jsontext.Decoder, rows *R, limit int, over error, read func(*E) error) error {
	*rows = nil
	token, err := d.ReadToken()
	if err != nil || token.Kind() == 'n' {
		return err
	}
	if token.Kind() != '[' {
		return fmt.Errorf("want an array, got JSON %v", token.Kind())
	}
	*rows = R{}
	for err == nil && d.PeekKind() != ']' {
		if len(*rows) == limit {
			return over
		}
		if len(*rows) == cap(*rows) {
			*rows = slices.Grow(*rows, max(16, len(*rows))) // doubled: append leaves more garbage
		}
		var zero E
		*rows = append(*rows, zero)
		err = read(&(*rows)[len(*rows)-1])
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	return err
}

// MarshalJSON writes the fields that are set, and Extra.
func (i Invoice) MarshalJSON() ([]byte, error) {
	fields := plainInvoice(i)
	fields.Extra = nil
	return writeObject(&fields, i.Extra)
}

// UnmarshalJSON reads an invoice as [Payment.UnmarshalJSON] reads a payment.
func (i *Invoice) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainInvoice)(i), &i.Extra)
	lowerTickers(&i.PriceCurrency, &i.PayCurrency)
	noneIfNull(&i.PriceCurrency, &i.PayCurrency, &i.URL, &i.IPNCallbackURL, &i.SuccessURL, &i.CancelURL, &i.PartiallyPaidURL)
	return err
}

// MarshalJSON writes the fields that are set, and Extra.
func (c Currency) MarshalJSON() ([]byte, error) {
	fields := plainCurrency(c)
	fields.Extra = nil
	return writeObject(&fields, c.Extra)
}

// UnmarshalJSON reads a ticker or an object that describes the currency:
// JovePay's API family sends both. The ticker is read in lower case.
func (c *Currency) UnmarshalJSON(b []byte) error {
	*c = Currency{}
	if jsontext.Value(b).Kind() == '"' {
		err := jsonv2.Unmarshal(b, &c.Code)
		lowerTickers(&c.Code)
		return err
	}
	err := readObject(b, (*plainCurrency)(c), &c.Extra)
	if other, ok := c.Extra["currency"]; ok && c.Code == "" && jsonv2.Unmarshal(other, &c.Code) == nil {
		delete(c.Extra, "currency")
	}
	if len(c.Extra) == 0 {
		c.Extra = nil
	}
	lowerTickers(&c.Code)
	noneIfNull(&c.Code, &c.Name, &c.Network, &c.LogoURL)
	return err
}

// MarshalJSON writes the list with its currencies, and Extra.
func (l CurrencyList) MarshalJSON() ([]byte, error) {
	return writeObject(&plainCurrencyList{l.Currencies, Answer{}}, l.Extra)
}

// UnmarshalJSON reads a list of at most 10,000 currencies, as
// [Currency.UnmarshalJSON] reads each.
func (l *CurrencyList) UnmarshalJSON(b []byte) error {
	fields := plainCurrencyList{l.Currencies, l.Answer}
	err := readObject(b, &fields, &fields.Extra)
	*l = CurrencyList{fields.Currencies, fields.Answer}
	return err
}

type currencyRows []Currency

// UnmarshalJSONFrom reads as many currencies as there can be.
func (rows *currencyRows) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return readRows(d, rows, maxCurrencies, errTooManyCoins, func(row *Currency) error {
		return jsonv2.UnmarshalDecode(d, row)
	})
}

// MarshalJSON writes the fields and Extra.
func (e Estimate) MarshalJSON() ([]byte, error) {
	fields := plainEstimate(e)
	fields.Extra = nil
	return writeObject(&fields, e.Extra)
}

// UnmarshalJSON reads an estimate as [Payment.UnmarshalJSON] reads a payment.
func (e *Estimate) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainEstimate)(e), &e.Extra)
	lowerTickers(&e.CurrencyFrom, &e.CurrencyTo)
	return err
}

// MarshalJSON writes the fields and Extra.
func (m MinAmount) MarshalJSON() ([]byte, error) {
	fields := plainMinimum(m)
	fields.Extra = nil
	return writeObject(&fields, m.Extra)
}

// UnmarshalJSON reads a minimum as [Payment.UnmarshalJSON] reads a payment.
func (m *MinAmount) UnmarshalJSON(b []byte) error {
	err := readObject(b, (*plainMinimum)(m), &m.Extra)
	lowerTickers(&m.CurrencyFrom, &m.CurrencyTo)
	return err
}

// MarshalJSON writes the message and Extra.
func (s Status) MarshalJSON() ([]byte, error) {
	return writeObject(&plainStatus{Message: s.Message}, s.Extra)
}

// UnmarshalJSON reads a status as [Payment.UnmarshalJSON] reads a payment.
func (s *Status) UnmarshalJSON(b []byte) error {
	return readObject(b, (*plainStatus)(s), &s.Extra)
}

// lowerTickers makes tickers lower case, in which they are compared.
func lowerTickers(tickers ...*string) {
	for _, ticker := range tickers {
		*ticker = lowerASCII(*ticker)
	}
}

// lowerASCII returns s with its ASCII letters in lower case. Unicode has other
// letters that fold to these, such as the Kelvin sign, and they spell no ticker.
func lowerASCII(s string) string {
	isUpper := func(r rune) bool { return 'A' <= r && r <= 'Z' }
	first := strings.IndexFunc(s, isUpper)
	if first < 0 {
		return s
	}
	lower := []byte(s)
	for i, c := range lower[first:] {
		if 'A' <= c && c <= 'Z' {
			lower[first+i] = c - 'A' + 'a'
		}
	}
	return string(lower)
}

// noneIfNull empties texts that are "null": JovePay's API family writes that
// where it means null.
func noneIfNull(texts ...*string) {
	for _, text := range texts {
		if *text == "null" {
			*text = ""
		}
	}
}

var _ = []json.Unmarshaler{&Payment{}, &PaymentList{}, &Invoice{}, &Currency{}, &CurrencyList{}, &Estimate{}, &MinAmount{}, &Status{}}
