package jovepay_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestInvoiceWidgetURL(t *testing.T) {
	t.Parallel()
	const page = "https://www.jovepay.com/pay/embeds/payment-widget?"
	for _, tt := range []struct {
		widget jovepay.InvoiceWidget
		want   string
	}{
		{jovepay.InvoiceWidget{InvoiceID: "4522625843"}, "iid=4522625843&theme=light&locale=en"},
		{jovepay.InvoiceWidget{InvoiceID: "1", Theme: jovepay.Dark, Locale: "zh"}, "iid=1&theme=dark&locale=zh"},
		{jovepay.InvoiceWidget{InvoiceID: "1", PaymentID: "5745459419"}, "iid=1&pid=5745459419&theme=light&locale=en"},
		{jovepay.InvoiceWidget{InvoiceID: "1", Testnet: true}, "iid=1&isTestnet=true&theme=light&locale=en"},
		{
			jovepay.InvoiceWidget{InvoiceID: "1", PaymentID: "2", Theme: jovepay.Light, Locale: "ar", Testnet: true},
			"iid=1&pid=2&isTestnet=true&theme=light&locale=ar",
		},
		{jovepay.InvoiceWidget{InvoiceID: "a&b=c #ü"}, "iid=a%26b%3Dc+%23%C3%BC&theme=light&locale=en"},
	} {
		got, err := tt.widget.URL()
		require.NoError(t, err)
		assert.Equal(t, page+tt.want, got)
		parsed, err := url.Parse(got)
		require.NoError(t, err)
		assert.Equal(t, string(tt.widget.InvoiceID), parsed.Query().Get("iid"))
	}
}

func TestDonationWidgetURL(t *testing.T) {
	t.Parallel()
	const page = "https://www.jovepay.com/pay/embeds/donation-widget?"
	got, err := jovepay.DonationWidget{PublishableKey: "PUB-1"}.URL()
	require.NoError(t, err)
	assert.Equal(t, page+"apiKey=PUB-1&theme=light&locale=en", got)
	got, err = jovepay.DonationWidget{PublishableKey: "a&b=c #ü", Theme: jovepay.Dark, Locale: "cn"}.URL()
	require.NoError(t, err)
	assert.Equal(t, page+"apiKey=a%26b%3Dc+%23%C3%BC&theme=dark&locale=cn", got)
}

// The widget's address holds the same order as the page's.
func TestCheckoutWidgetURL(t *testing.T) {
	t.Parallel()
	checkout := jovepay.Checkout{
		PublishableKey: "PUB-1", OrderID: "order/1001", PriceAmount: jovepay.MustAmount("49.90"), PriceCurrency: "USD",
		Testnet: true, Theme: jovepay.Dark, Locale: "pt",
	}
	page, err := checkout.URL()
	require.NoError(t, err)
	checkout.PaymentID = "5745459419"
	widget, err := checkout.WidgetURL()
	require.NoError(t, err)
	params, looks, ok := strings.Cut(strings.TrimPrefix(page, "https://www.jovepay.com/pay/payment"), "&")
	require.True(t, ok)
	assert.Equal(t, "https://www.jovepay.com/pay/embeds/payment-widget"+params+"&pid=5745459419&isTestnet=true&"+looks, widget)
}

func TestCheckoutURL(t *testing.T) {
	t.Parallel()
	checkout := jovepay.Checkout{
		PublishableKey: "PUB-1",
		OrderID:        "order/1001",
		PriceAmount:    jovepay.MustAmount("49.90"),
		PriceCurrency:  "USD",
		SuccessURL:     "https://shop.example/thanks?a=1&b=2",
		CancelURL:      "https://shop.example/cart",
		IPNCallbackURL: "https://shop.example/ipn",
		CustomerName:   "Zoë <Łuk>",
		CustomerEmail:  "zoe@example.com",
		Products:       []jovepay.CheckoutProduct{{Name: "Tea", Quantity: 2, Price: jovepay.MustAmount("20.00")}},
		Shipping:       jovepay.MustAmount("5"),
		Tax:            jovepay.MustAmount("0"),
		Subtotal:       jovepay.MustAmount("40.00"),
		DataSource:     "go",
		Testnet:        true,
		Theme:          jovepay.Dark,
		Locale:         "pt",
	}
	address, params := decodeCheckout(t, checkout)
	assert.Equal(t, "https://www.jovepay.com/pay/payment", address.Scheme+"://"+address.Host+address.Path)
	assert.Equal(t, url.Values{"theme": {"dark"}, "locale": {"pt"}, "params": address.Query()["params"]}, address.Query())
	assert.JSONEq(t, `{
		"apiKey": "PUB-1", "orderId": "order/1001", "priceAmount": "49.90", "priceCurrency": "USD",
		"successUrl": "https://shop.example/thanks?a=1&b=2", "cancelUrl": "https://shop.example/cart",
		"ipnCallbackUrl": "https://shop.example/ipn", "customerName": "Zoë <Łuk>", "customerEmail": "zoe@example.com",
		"products": [{"name": "Tea", "quantity": 2, "price": 20.00}],
		"shipping": 5, "tax": 0, "subtotal": 40.00, "dataSource": "go", "isTestnet": true}`, params)

	_, params = decodeCheckout(t, jovepay.Checkout{
		PublishableKey: "PUB-1", OrderID: "1", PriceAmount: jovepay.MustAmount("1e2"), PriceCurrency: "EUR",
	})
	assert.JSONEq(t, `{"apiKey":"PUB-1","orderId":"1","priceAmount":"1e2","priceCurrency":"EUR"}`, params, "nothing but what was given")
}

// Base64 has a plus sign, which a query would read as a space.
func TestCheckoutURLSurvivesTheQuery(t *testing.T) {
	t.Parallel()
	plus := false
	for _, r := range "~}|{zyxÿþýü>?" {
		name := strings.Repeat(string(r), 50)
		address, params := decodeCheckout(t, jovepay.Checkout{
			PublishableKey: "k", OrderID: name, PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "USD",
		})
		plus = plus || strings.Contains(address.Query().Get("params"), "+")
		var order struct{ OrderID string }
		require.NoError(t, json.Unmarshal([]byte(params), &order))
		assert.Equal(t, name, order.OrderID)
	}
	assert.True(t, plus, "no case had a plus sign")
}

func decodeCheckout(t *testing.T, c jovepay.Checkout) (address *url.URL, params string) {
	t.Helper()
	text, err := c.URL()
	require.NoError(t, err)
	address, err = url.Parse(text)
	require.NoError(t, err)
	content, err := base64.StdEncoding.DecodeString(address.Query().Get("params"))
	require.NoError(t, err)
	return address, string(content)
}

func TestHostedPagesReject(t *testing.T) {
	t.Parallel()
	widget := jovepay.InvoiceWidget{InvoiceID: "1"}
	checkout := jovepay.Checkout{PublishableKey: "k", OrderID: "1", PriceAmount: jovepay.MustAmount("1"), PriceCurrency: "USD"}
	for _, tt := range []struct {
		field string
		url   func() (string, error)
	}{
		{"invoice_id", jovepay.InvoiceWidget{}.URL},
		{"theme", with(widget, func(w *jovepay.InvoiceWidget) { w.Theme = "blue" }).URL},
		{"locale", with(widget, func(w *jovepay.InvoiceWidget) { w.Locale = "a language of which nobody has heard" }).URL},
		{"apiKey", with(checkout, func(c *jovepay.Checkout) { c.PublishableKey = "" }).URL},
		{"orderId", with(checkout, func(c *jovepay.Checkout) { c.OrderID = "" }).URL},
		{"priceAmount", with(checkout, func(c *jovepay.Checkout) { c.PriceAmount = jovepay.Amount{} }).URL},
		{"priceAmount", with(checkout, func(c *jovepay.Checkout) { c.PriceAmount = jovepay.MustAmount("0") }).URL},
		{"priceCurrency", with(checkout, func(c *jovepay.Checkout) { c.PriceCurrency = "usd" }).URL},
		{"priceCurrency", with(checkout, func(c *jovepay.Checkout) { c.PriceCurrency = "" }).URL},
		{"successUrl", with(checkout, func(c *jovepay.Checkout) { c.SuccessURL = "javascript:alert(1)" }).URL},
		{"cancelUrl", with(checkout, func(c *jovepay.Checkout) { c.CancelURL = "/cart" }).URL},
		{"ipnCallbackUrl", with(checkout, func(c *jovepay.Checkout) { c.IPNCallbackURL = "https://" }).URL},
		{"theme", with(checkout, func(c *jovepay.Checkout) { c.Theme = "Dark" }).URL},
		{"paymentId", with(checkout, func(c *jovepay.Checkout) { c.PaymentID = "1" }).URL},
		{"ipnCallbackUrl", with(checkout, func(c *jovepay.Checkout) { c.IPNCallbackURL = "https://shop.example/ipn" }).WidgetURL},
		{"orderId", with(checkout, func(c *jovepay.Checkout) { c.OrderID = "" }).WidgetURL},
		{"apiKey", jovepay.DonationWidget{}.URL},
		{"theme", jovepay.DonationWidget{PublishableKey: "k", Theme: "blue"}.URL},
		{"locale", jovepay.DonationWidget{PublishableKey: "k", Locale: "a language of which nobody has heard"}.URL},
		{"orderId", with(checkout, func(c *jovepay.Checkout) { c.OrderID = "\xff" }).URL},
		{"orderId", with(checkout, func(c *jovepay.Checkout) { c.OrderID = "order-1 " }).WidgetURL},
		{"orderId", with(checkout, func(c *jovepay.Checkout) { c.OrderID = strings.Repeat("A", 256) }).URL},
		{"checkout", with(checkout, func(c *jovepay.Checkout) { c.CustomerName = "\xff" }).URL},
	} {
		text, err := tt.url()
		assert.Empty(t, text)
		assertRejected(t, err, tt.field)
	}
}
