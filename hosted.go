package jovepay

import (
	"encoding/base64"
	"net/url"

	"github.com/go-json-experiment/json"
)

// Addresses of JovePay's hosted pages. They are not documented by JovePay's
// guide, but its shop plugins and browser bundle use them.
const (
	paymentWidgetURL = "https://www.jovepay.com/pay/embeds/payment-widget"
	checkoutURL      = "https://www.jovepay.com/pay/payment"
)

// Theme is the look of a hosted page; empty means light.
type Theme string

// The two looks of a hosted page.
const (
	Light Theme = "light"
	Dark  Theme = "dark"
)

// InvoiceWidget describes JovePay's page for an invoice, made to be shown in a
// frame. InvoiceID is required.
type InvoiceWidget struct {
	InvoiceID ID     // of an invoice made with [InvoicesService.Create]
	PaymentID ID     // resumes this payment, if given
	Theme     Theme  // default light
	Locale    string // such as "en", the default; es fr de it ja ko ru sw hi zh ar fa pt bn are known
	Testnet   bool   // test networks
}

// URL returns the address of the page, built as JovePay's browser bundle
// builds it; it is not documented by JovePay.
func (w InvoiceWidget) URL() (string, error) {
	var v validation
	v.require(w.InvoiceID != "", "invoice_id", "is required")
	v.page(w.Theme, w.Locale)
	if v.err != nil {
		return "", v.err
	}
	address := paymentWidgetURL + "?iid=" + url.QueryEscape(string(w.InvoiceID)) + pageQuery(w.Theme, w.Locale)
	if w.PaymentID != "" {
		address += "&pid=" + url.QueryEscape(string(w.PaymentID))
	}
	if w.Testnet {
		address += "&isTestnet=true"
	}
	return address, nil
}

// Checkout describes JovePay's payment page for an order, reached without a
// call to the API. PublishableKey, OrderID, PriceAmount and PriceCurrency are
// required.
type Checkout struct {
	// PublishableKey is the merchant's API key for hosted pages. It is in the
	// address, where the customer can read it: never give a secret key here.
	PublishableKey string `json:"apiKey"`

	OrderID       string `json:"orderId"`
	PriceAmount   Amount `json:"priceAmount"`   // above zero
	PriceCurrency string `json:"priceCurrency"` // upper case here, such as "USD"

	SuccessURL     string `json:"successUrl,omitzero"`
	CancelURL      string `json:"cancelUrl,omitzero"`
	IPNCallbackURL string `json:"ipnCallbackUrl,omitzero"`

	CustomerName  string            `json:"customerName,omitzero"`
	CustomerEmail string            `json:"customerEmail,omitzero"`
	Products      []CheckoutProduct `json:"products,omitzero"`
	Shipping      Amount            `json:"shipping,omitzero"`
	Tax           Amount            `json:"tax,omitzero"`
	Subtotal      Amount            `json:"subtotal,omitzero"`
	DataSource    string            `json:"dataSource,omitzero"` // what made the link, such as "woocommerce"
	Testnet       bool              `json:"isTestnet,omitzero"`  // test networks

	Theme  Theme  `json:"-"` // default light
	Locale string `json:"-"` // such as "en", the default
}

// CheckoutProduct is a line of the order, shown to the customer.
type CheckoutProduct struct {
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
	Price    Amount `json:"price"`
}

// URL returns the address to send the customer to, built as JovePay's shop
// plugins build it, the order as JSON in base64; it is not documented by
// JovePay.
func (c Checkout) URL() (string, error) {
	var v validation
	v.require(c.PublishableKey != "", "apiKey", "is required")
	v.require(c.OrderID != "", "orderId", "is required")
	v.amount("priceAmount", c.PriceAmount)
	v.require(isUpperTicker(c.PriceCurrency), "priceCurrency", `want an upper-case ticker such as "USD"`)
	v.optionalURL("successUrl", c.SuccessURL)
	v.optionalURL("cancelUrl", c.CancelURL)
	v.optionalURL("ipnCallbackUrl", c.IPNCallbackURL)
	v.page(c.Theme, c.Locale)
	if v.err != nil {
		return "", v.err
	}
	type order Checkout
	content, err := json.Marshal(struct {
		PriceAmount string `json:"priceAmount"` // a string, as the plugins send it
		order
	}{c.PriceAmount.String(), order(c)})
	if err != nil {
		return "", &ValidationError{"checkout", err.Error()}
	}
	params := url.QueryEscape(base64.StdEncoding.EncodeToString(content))
	return checkoutURL + "?params=" + params + pageQuery(c.Theme, c.Locale), nil
}

func (v *validation) page(theme Theme, locale string) {
	v.require(theme == "" || theme == Light || theme == Dark, "theme", `want "light" or "dark"`)
	v.require(len(locale) <= 10, "locale", `want a language such as "en"`)
}

func pageQuery(theme Theme, locale string) string {
	orDefault(&theme, Light)
	orDefault(&locale, "en")
	return "&theme=" + url.QueryEscape(string(theme)) + "&locale=" + url.QueryEscape(locale)
}

func isUpperTicker(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
