package jovepay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CurrenciesService lists what customers can pay with. Use it through
// [Client.Currencies].
type CurrenciesService struct{ api *api }

// Currency is a coin that customers can pay with. Often only its Code is set. None of its
// fields is documented by JovePay.
type Currency struct {
	Code          string `json:"code,omitzero"`    // lower-case ticker, a network may be part of it: "btc", "usdttrc20"
	Name          string `json:"name,omitzero"`    // for people, such as "Bitcoin"
	Network       string `json:"network,omitzero"` // such as "trx"
	Enabled       bool   `json:"enable,omitzero"`  // only set in detailed lists
	MinAmount     Amount `json:"min_amount,omitzero"`
	MaxAmount     Amount `json:"max_amount,omitzero"`
	LogoURL       string `json:"logo_url,omitzero"`        // path or URL of a picture
	ExtraIDExists bool   `json:"extra_id_exists,omitzero"` // payments need a memo or tag

	// Extra holds the members that this package does not know, by name.
	Extra map[string]json.RawMessage `json:",embed"`
}

type plainCurrency Currency // without the methods

// MarshalJSON writes the fields that are set, and Extra.
func (c Currency) MarshalJSON() ([]byte, error) {
	fields := plainCurrency(c)
	fields.Extra = nil
	return writeObject(&fields, c.Extra)
}

// UnmarshalJSON reads a ticker, or an object that describes the currency: JovePay's API
// family sends both. The ticker is converted to lower case.
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

// maxCurrencies limits a list of currencies. JovePay's API family has a few hundred.
const maxCurrencies = 10_000

// CurrencyList is the response to [CurrenciesService.List]. Its format is not documented
// by JovePay.
type CurrencyList struct {
	Currencies []Currency `json:"currencies"`
	Response
}

func (l *CurrencyList) accept(raw []byte) error {
	if l.Currencies == nil {
		return errors.New("list without currencies")
	}
	return l.Response.accept(raw)
}

// plainCurrencyList names the type of its rows, which bounds their number.
type plainCurrencyList struct {
	Currencies currencyRows `json:"currencies"`
	Response
}

// MarshalJSON writes the list with its currencies, and Extra.
func (l CurrencyList) MarshalJSON() ([]byte, error) {
	return writeObject(&plainCurrencyList{l.Currencies, Response{}}, l.Extra)
}

// UnmarshalJSON reads a list of at most 10,000 currencies, each as
// [Currency.UnmarshalJSON] does.
func (l *CurrencyList) UnmarshalJSON(b []byte) error {
	fields := plainCurrencyList{l.Currencies, l.Response}
	err := readObject(b, &fields, &fields.Extra)
	*l = CurrencyList{fields.Currencies, fields.Response}
	return err
}

// currencyRows are read one by one, as paymentRows are.
type currencyRows []Currency

// UnmarshalJSONFrom reads at most maxCurrencies.
func (rows *currencyRows) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return readRows(d, rows, maxCurrencies, errTooManyCoins, func(row *Currency) error {
		if d.PeekKind() != '"' {
			return jsonv2.UnmarshalDecode(d, row)
		}
		ticker, err := d.ReadToken() // for a string, Currency.UnmarshalJSON takes several times its length
		if err == nil {
			row.Code = ticker.String()
			lowerTickers(&row.Code)
		}
		return err
	})
}

// CurrencyListOptions selects currencies. The zero value selects all. Its field is not
// documented by JovePay.
type CurrencyListOptions struct {
	FixedRate bool `url:"fixed_rate,omitempty"` // only coins that support a fixed rate
}

// List returns the currencies that customers can currently pay with.
//
// From JovePay's guide: GET /v1/currencies.
func (s *CurrenciesService) List(ctx context.Context, opts CurrencyListOptions) (*CurrencyList, error) {
	return do[CurrencyList](ctx, s.api, endpoint{
		method: http.MethodGet,
		path:   "/v1/currencies",
		query:  opts,
		auth:   withKey,
	})
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
