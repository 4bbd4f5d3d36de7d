package jovepay

import (
	"encoding/base64"
	"net/url"

	jsonv2 "github.com/go-json-experiment/json"
)

// URLs of JovePay's hosted pages. They are not documented by JovePay, but its shop
// plugins and browser bundle use them.
const (
	checkoutURL       = "https://www.jovepay.com/pay/payment"
	paymentWidgetURL  = "https://www.jovepay.com/pay/embeds/payment-widget"
	donationWidgetURL = "https://www.jovepay.com/pay/embeds/donation-widget"
)

// Theme is the color theme of a hosted page; empty means light.
type Theme string

// The themes.
const (
	Light Theme = "light"
	Dark  Theme = "dark"
)

// InvoiceWidget is JovePay's page for an invoice, made to be shown in a frame. InvoiceID
// is required.
//
// The customer can edit the URL, for example the id in it. Compare the order, price and
// coin of each notification with the order: see [Expectation.Settle].
type InvoiceWidget struct {
	InvoiceID ID     // of an invoice created with [InvoicesService.Create]
	PaymentID ID     // of a payment to resume; may be empty
	Theme     Theme  // default light
	Locale    string // such as "en", the default; es fr de it ja ko ru sw hi zh cn ar fa pt bn are known
	Testnet   bool   // test networks
}

// URL returns the URL of the page, built as JovePay's browser bundle builds it; it is
// not documented by JovePay.
func (w InvoiceWidget) URL() (string, error) {
	var v validation
	v.require(w.InvoiceID != "", "invoice_id", "is required")
	v.page(w.Theme, w.Locale)
	if v.err != nil {
		return "", v.err
	}
	return paymentWidgetURL + "?iid=" + url.QueryEscape(string(w.InvoiceID)) +
		paymentQuery(w.PaymentID, w.Testnet) + pageQuery(w.Theme, w.Locale), nil
}

// DonationWidget is JovePay's page for donations of any amount, made to be shown in a
// frame. PublishableKey is required.
type DonationWidget struct {
	// PublishableKey is the merchant's API key for hosted pages. It is part of the
	// URL, where everyone can read it: never use a secret key here.
	PublishableKey string

	Theme  Theme  // default light
	Locale string // such as "en", the default
}

// URL returns the URL of the page, built as JovePay's browser bundle builds it; it is
// not documented by JovePay.
func (w DonationWidget) URL() (string, error) {
	var v validation
	v.require(w.PublishableKey != "", "apiKey", "is required")
	v.page(w.Theme, w.Locale)
	if v.err != nil {
		return "", v.err
	}
	return donationWidgetURL + "?apiKey=" + url.QueryEscape(w.PublishableKey) + pageQuery(w.Theme, w.Locale), nil
}

// Checkout is JovePay's payment page for an order, reached without calling the API.
// PublishableKey, OrderID, PriceAmount and PriceCurrency are required.
//
// Nothing protects the URL: the customer can edit it, including the price and the
// address for notifications. Ship only after comparing the order, price and coin of a
// notification with the order: see [Expectation.Settle].
type Checkout struct {
	// PublishableKey is the merchant's API key for hosted pages. It is part of the
	// URL, where the customer can read it: never use a secret key here.
	PublishableKey string `json:"apiKey"`

	OrderID       string `json:"orderId"`       // with the limits of PaymentRequest.OrderID
	PriceAmount   Amount `json:"priceAmount"`   // above zero
	PriceCurrency string `json:"priceCurrency"` // in upper case, such as "USD"

	SuccessURL     string `json:"successUrl,omitzero"`
	CancelURL      string `json:"cancelUrl,omitzero"`
	IPNCallbackURL string `json:"ipnCallbackUrl,omitzero"` // not allowed in a widget

	CustomerName  string            `json:"customerName,omitzero"`
	CustomerEmail string            `json:"customerEmail,omitzero"`
	Products      []CheckoutProduct `json:"products,omitzero"`
	Shipping      Amount            `json:"shipping,omitzero"`
	Tax           Amount            `json:"tax,omitzero"`
	Subtotal      Amount            `json:"subtotal,omitzero"`
	DataSource    string            `json:"dataSource,omitzero"` // creator of the link, such as "woocommerce"
	Testnet       bool              `json:"isTestnet,omitzero"`  // test networks

	PaymentID ID     `json:"-"` // of a payment to resume; only in a widget
	Theme     Theme  `json:"-"` // default light
	Locale    string `json:"-"` // such as "en", the default
}

// CheckoutProduct is a line of the order, shown to the customer.
type CheckoutProduct struct {
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
	Price    Amount `json:"price"`
}

// URL returns the URL to send the customer to, built as JovePay's shop plugins build it,
// with the order as JSON in base64; it is not documented by JovePay.
func (c Checkout) URL() (string, error) {
	var v validation
	v.require(c.PaymentID == "", "paymentId", "can be resumed only in a widget")
	params := c.params(&v)
	if v.err != nil {
		return "", v.err
	}
	return checkoutURL + params + pageQuery(c.Theme, c.Locale), nil
}

// WidgetURL returns the URL of the same page made to be shown in a frame, built as
// JovePay's browser bundle builds it; it is not documented by JovePay. As in the bundle,
// IPNCallbackURL is an error here: set the address for notifications in JovePay's
// dashboard.
func (c Checkout) WidgetURL() (string, error) {
	var v validation
	v.require(c.IPNCallbackURL == "", "ipnCallbackUrl", "cannot be set in a widget: set it in the dashboard")
	params := c.params(&v)
	if v.err != nil {
		return "", v.err
	}
	return paymentWidgetURL + params + paymentQuery(c.PaymentID, c.Testnet) + pageQuery(c.Theme, c.Locale), nil
}

// params returns the query with the order.
func (c Checkout) params(v *validation) string {
	v.require(c.PublishableKey != "", "apiKey", "is required")
	v.require(c.OrderID != "", "orderId", "is required")
	v.orderID("orderId", c.OrderID)
	v.amount("priceAmount", c.PriceAmount)
	v.require(isUpperTicker(c.PriceCurrency), "priceCurrency", `want an upper-case ticker such as "USD"`)
	v.optionalURL("successUrl", c.SuccessURL)
	v.optionalURL("cancelUrl", c.CancelURL)
	v.optionalURL("ipnCallbackUrl", c.IPNCallbackURL)
	v.page(c.Theme, c.Locale)
	type order Checkout
	content, err := jsonv2.Marshal(struct {
		PriceAmount string `json:"priceAmount"` // a string, as the plugins send it
		order
	}{c.PriceAmount.String(), order(c)})
	if err != nil {
		v.require(false, "checkout", err.Error())
	}
	return "?params=" + url.QueryEscape(base64.StdEncoding.EncodeToString(content))
}

func (v *validation) page(theme Theme, locale string) {
	v.require(theme == "" || theme == Light || theme == Dark, "theme", `want "light" or "dark"`)
	v.require(len(locale) <= 10, "locale", `want a language such as "en"`)
}

// paymentQuery and pageQuery have the order in which the browser bundle writes them.
func paymentQuery(id ID, testnet bool) (query string) {
	if id != "" {
		query = "&pid=" + url.QueryEscape(string(id))
	}
	if testnet {
		query += "&isTestnet=true"
	}
	return query
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
