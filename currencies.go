package jovepay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// CurrenciesService tells what customers can pay with. Use it through
// [Client.Currencies].
type CurrenciesService struct{ api *api }

// Currency is a coin that can be paid with. Often only its Code is told. None
// of its fields is documented by JovePay.
type Currency struct {
	Code          string `json:"code,omitzero"`    // lower-case ticker, a network may be part of it: "btc", "usdttrc20"
	Name          string `json:"name,omitzero"`    // for people, such as "Bitcoin"
	Network       string `json:"network,omitzero"` // such as "trx"
	Enabled       bool   `json:"enable,omitzero"`  // only told with the full form
	MinAmount     Amount `json:"min_amount,omitzero"`
	MaxAmount     Amount `json:"max_amount,omitzero"`
	LogoURL       string `json:"logo_url,omitzero"`        // path or URL of a picture
	ExtraIDExists bool   `json:"extra_id_exists,omitzero"` // a payment needs a memo or tag

	// Extra holds the members that this package does not know, by name.
	Extra map[string]json.RawMessage `json:",embed"`
}

// maxCurrencies bounds a list of currencies. JovePay's API family has a few
// hundred.
const maxCurrencies = 10_000

// CurrencyList is the answer to [CurrenciesService.List]. Its form is not
// documented by JovePay.
type CurrencyList struct {
	Currencies []Currency `json:"currencies"`
	Answer
}

func (l *CurrencyList) accept(raw []byte) error {
	if l.Currencies == nil {
		return errors.New("list without currencies")
	}
	return l.Answer.accept(raw)
}

// CurrencyListOptions selects currencies. The zero value selects all. Its
// field is not documented by JovePay.
type CurrencyListOptions struct {
	FixedRate bool `url:"fixed_rate,omitempty"` // only coins that can be paid at a fixed rate
}

// List returns the currencies that customers can pay with at present.
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
