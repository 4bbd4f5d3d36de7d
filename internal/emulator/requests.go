package emulator

import (
	"errors"
	"mime"
	"net/http"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

type loginBody struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (b *loginBody) missing() string {
	return firstMissing(field{"email", b.Email != ""}, field{"password", b.Password != ""})
}

type paymentBody struct {
	PriceAmount      number  `json:"price_amount"`
	PriceCurrency    string  `json:"price_currency"`
	PayAmount        number  `json:"pay_amount"`
	PayCurrency      string  `json:"pay_currency"`
	IPNCallbackURL   string  `json:"ipn_callback_url"`
	OrderID          string  `json:"order_id"`
	OrderDescription string  `json:"order_description"`
	PurchaseID       looseID `json:"purchase_id"`
	PayoutAddress    string  `json:"payout_address"`
	PayoutCurrency   string  `json:"payout_currency"`
	PayoutExtraID    string  `json:"payout_extra_id"`
	FixedRate        bool    `json:"fixed_rate"`
	IsFixedRate      bool    `json:"is_fixed_rate"`
	FeePaidByUser    bool    `json:"is_fee_paid_by_user"`
	Case             string  `json:"case"`
}

func (b *paymentBody) missing() string {
	return firstMissing(
		field{"price_amount", b.PriceAmount.given},
		field{"price_currency", b.PriceCurrency != ""},
		field{"pay_currency", b.PayCurrency != ""},
	)
}

func (b *paymentBody) request() engine.PaymentRequest {
	return engine.PaymentRequest{
		PriceAmount:      b.PriceAmount.Decimal,
		PriceCurrency:    b.PriceCurrency,
		PayAmount:        b.PayAmount.Decimal,
		PayCurrency:      b.PayCurrency,
		IPNCallbackURL:   b.IPNCallbackURL,
		OrderID:          b.OrderID,
		OrderDescription: b.OrderDescription,
		PurchaseID:       int64(b.PurchaseID),
		PayoutAddress:    b.PayoutAddress,
		PayoutCurrency:   b.PayoutCurrency,
		PayoutExtraID:    b.PayoutExtraID,
		FixedRate:        b.FixedRate || b.IsFixedRate,
		FeePaidByUser:    b.FeePaidByUser,
		Case:             b.Case,
	}
}

type invoiceBody struct {
	PriceAmount      number `json:"price_amount"`
	PriceCurrency    string `json:"price_currency"`
	PayCurrency      string `json:"pay_currency"`
	IPNCallbackURL   string `json:"ipn_callback_url"`
	OrderID          string `json:"order_id"`
	OrderDescription string `json:"order_description"`
	SuccessURL       string `json:"success_url"`
	CancelURL        string `json:"cancel_url"`
	PartiallyPaidURL string `json:"partially_paid_url"`
	FixedRate        bool   `json:"is_fixed_rate"`
	FeePaidByUser    bool   `json:"is_fee_paid_by_user"`
}

func (b *invoiceBody) missing() string {
	return firstMissing(field{"price_amount", b.PriceAmount.given}, field{"price_currency", b.PriceCurrency != ""})
}

func (b *invoiceBody) request() engine.InvoiceRequest {
	return engine.InvoiceRequest{
		PriceAmount:      b.PriceAmount.Decimal,
		PriceCurrency:    b.PriceCurrency,
		PayCurrency:      b.PayCurrency,
		IPNCallbackURL:   b.IPNCallbackURL,
		OrderID:          b.OrderID,
		OrderDescription: b.OrderDescription,
		SuccessURL:       b.SuccessURL,
		CancelURL:        b.CancelURL,
		PartiallyPaidURL: b.PartiallyPaidURL,
		FixedRate:        b.FixedRate,
		FeePaidByUser:    b.FeePaidByUser,
	}
}

type field struct {
	name  string
	given bool
}

// firstMissing names the first of the required fields that is not given.
func firstMissing(fields ...field) string {
	for _, f := range fields {
		if !f.given {
			return f.name
		}
	}
	return ""
}

// errNotJSON is a body of another content type.
var errNotJSON = errors.New("content-type must be application/json")

// decode reads a request body strictly into a struct, and rejects a query.
func decode(r *http.Request, body interface{ missing() string }) error {
	if err := newQuery(r).end(); err != nil {
		return err
	}
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || contentType != "application/json" {
		return errNotJSON
	}
	if err := json.UnmarshalRead(r.Body, body, json.RejectUnknownMembers(true)); err != nil {
		return badBody(err)
	}
	if name := body.missing(); name != "" {
		return engine.InvalidParam("%s is required", name)
	}
	return nil
}

// badBody says what is wrong with a body in the words of the API.
func badBody(err error) error {
	if known, ok := errors.AsType[*engine.Error](err); ok {
		return known
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(syntax, jsontext.ErrDuplicateName) {
			return engine.InvalidParam("field %.40q is given more than once", syntax.JSONPointer.LastToken())
		}
		return engine.InvalidParam("request body is not valid JSON")
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return engine.InvalidParam("request body is not valid JSON")
	}
	name := semantic.JSONPointer.LastToken()
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return engine.InvalidParam("unknown field %.40q", name)
	case name == "":
		return engine.InvalidParam("request body must be a JSON object")
	case semantic.GoType == reflect.TypeFor[bool]():
		return engine.InvalidParam("%s must be true or false", name)
	default:
		return engine.InvalidParam("%s must be a string", name)
	}
}
