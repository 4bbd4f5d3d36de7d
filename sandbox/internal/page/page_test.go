package page_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestNoSuchPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, address := range []string{
		"/nothing", "/payment/nothing", "/payment/", "/payment/?pid=1", "/payment/?iid=1", "/payment/?pid=x", "/payment/?iid=-",
		"/payment/?pid=99999999999999999999999", "/payment/?pid=%00%ff", "/payment/assets/", "/payment/assets/none",
		"/payment/assets/..%2fpage.go", "/payment/act", "/payment/choose",
	} {
		s := d.get(address)
		assert.Equal(t, http.StatusNotFound, s.StatusCode, address)
		assert.NotEmpty(t, s.link("See the latest payments"), address)
	}
	assert.Equal(t, http.StatusNotFound, d.get("/payment/status?pid=1").StatusCode)
	assert.Equal(t, http.StatusNotFound, d.post("/payment/act", "pid", "1", "do", "exact").StatusCode)
	assert.Equal(t, http.StatusNotFound, d.post("/payment/choose", "iid", "1", "coin", "btc").StatusCode)
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.checkout("btc")
	s := d.press(p, "rob")
	assert.Equal(t, http.StatusBadRequest, s.StatusCode)
	assert.Equal(t, "/payment/?pid="+p.ID.String(), s.link("Back to the payment"))
	s = d.post("/payment/act", "pid", p.ID.String(), "do", strings.Repeat("x", 100<<10))
	assert.Equal(t, http.StatusBadRequest, s.StatusCode)
	for _, code := range []string{"", "none", "usd", "BTC "} {
		s = d.post("/payment/choose", "iid", p.InvoiceID.String(), "coin", code)
		assert.Equal(t, http.StatusBadRequest, s.StatusCode, code)
		assert.Equal(t, "/payment/?iid="+p.InvoiceID.String(), s.link("Back to the payment"), code)
	}
	got, err := d.Payment(p.ID)
	require.NoError(t, err)
	assert.Equal(t, jovepay.PaymentWaiting, got.Status)
}

// Text from a shop or an attacker stays text.
func TestHostileText(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`
	invoice := d.invoice(func(r *jovepay.InvoiceRequest) {
		r.OrderID, r.OrderDescription = evil, evil
		r.CancelURL = "https://shop.example/?a=" + evil
	})
	p, err := d.CheckOut(invoice.ID, "btc")
	require.NoError(t, err)
	_, err = d.SetStatus(p.ID, "<b>odd</b>")
	require.NoError(t, err)
	for _, address := range []string{
		"/payment/?iid=" + invoice.ID.String(), "/payment/?pid=" + p.ID.String(), "/",
		"/payment/?iid=" + url.QueryEscape(evil), "/payment/?pid=" + url.QueryEscape(evil), "/" + url.PathEscape(evil),
	} {
		s := d.get(address)
		for _, script := range s.all("script") {
			assert.Nil(t, script.FirstChild, address)
		}
		assert.Empty(t, s.all("img"), address)
		assert.Empty(t, s.all("b"), address)
	}
	assert.Contains(t, d.get("/payment/?iid="+invoice.ID.String()).text, evil)
}

// The customer is redirected only to the invoice's addresses, whatever the
// request contains.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	invoice := d.invoice(nil)
	d.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	const tail = "&success_url=https%3A%2F%2Fevil.example&url=//evil.example"
	s := d.do(http.MethodPost, "/payment/choose?iid=1"+tail, url.Values{
		"iid": {invoice.ID.String()}, "coin": {"btc"}, "success_url": {"https://evil.example"}, "next": {"//evil.example"},
	})
	require.Equal(t, http.StatusSeeOther, s.StatusCode)
	assert.Regexp(t, `^/payment/\?pid=\d+$`, s.Header.Get("Location"))
	id := strings.TrimPrefix(s.Header.Get("Location"), "/payment/?pid=")
	s = d.do(http.MethodPost, "/payment/act?x=1"+tail, url.Values{"pid": {id}, "do": {"exact"}, "success_url": {"https://evil.example"}})
	assert.Equal(t, "/payment/?pid="+id, s.Header.Get("Location"))
	s = d.get("/payment/?pid=" + id + tail)
	assert.NotContains(t, s.html, "evil.example")
	assert.Equal(t, "https://shop.example/thanks?order=A-1001", s.link("Back to the shop"))
}

func TestCoinsBelowMinimum(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NoError(t, d.SetMinimum("btc", jovepay.MustAmount("0.01")))
	invoice := d.invoice(nil)
	s := d.get(invoice.URL)
	assert.Contains(t, s.text, "Bitcoin Below the minimum of 0.01 BTC")
	enabled := map[string]bool{}
	for _, input := range s.all("input") {
		if kind, _ := attr(input, "type"); kind == "radio" {
			code, _ := attr(input, "value")
			_, disabled := attr(input, "disabled")
			enabled[code] = !disabled
		}
	}
	currencies, err := d.Currencies()
	require.NoError(t, err)
	assert.Len(t, enabled, len(currencies))
	for code, on := range enabled {
		assert.Equal(t, code != "btc", on, code)
	}
	s = d.post("/payment/choose", "iid", invoice.ID.String(), "coin", "btc")
	assert.Equal(t, http.StatusBadRequest, s.StatusCode)
	assert.Contains(t, s.text, "minimal")

	for _, c := range currencies {
		require.NoError(t, d.SetMinimum(c.Code, jovepay.MustAmount("1000000")))
	}
	s = d.get(invoice.URL)
	assert.Contains(t, s.text, "below the minimum of every coin")
	require.NoError(t, d.SetCurrencies())
	assert.Contains(t, d.get(invoice.URL).text, "No coins are available")
}

func TestFixedCoin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	invoice := d.invoice(func(r *jovepay.InvoiceRequest) { r.PayCurrency = "xrp" })
	s := d.get(invoice.URL)
	assert.Contains(t, s.text, "The shop accepts XRP")
	assert.NotContains(t, s.text, "Bitcoin")
	assert.Equal(t, http.StatusBadRequest, d.post("/payment/choose", "iid", invoice.ID.String(), "coin", "btc").StatusCode)
	s = d.post("/payment/choose", "iid", invoice.ID.String(), "coin", "xrp")
	assert.Contains(t, s.text, "Pay 47.884615 XRP")
}

// A button pressed twice creates one payment and pays it once.
func TestPressedTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	invoice := d.invoice(nil)
	var group sync.WaitGroup
	press := func(times int, address string, form url.Values) {
		for range times {
			group.Go(func() {
				resp, err := d.browser.PostForm(d.URL+address, form)
				if assert.NoError(t, err) {
					_, _ = io.Copy(io.Discard, resp.Body)
					assert.NoError(t, resp.Body.Close())
					assert.Equal(t, http.StatusOK, resp.StatusCode)
				}
			})
		}
		group.Wait()
	}
	press(8, "/payment/choose", url.Values{"iid": {invoice.ID.String()}, "coin": {"btc"}})
	payments, err := d.InvoicePayments(invoice.ID)
	require.NoError(t, err)
	require.Len(t, payments, 1)
	press(8, "/payment/act", url.Values{"pid": {payments[0].ID.String()}, "do": {"exact"}})
	payments, err = d.InvoicePayments(invoice.ID)
	require.NoError(t, err)
	require.Len(t, payments, 1)
	assert.Equal(t, jovepay.PaymentFinished, payments[0].Status)
	for range 200 { // two presses rarely overlap
		p := d.checkout("btc")
		press(2, "/payment/act", url.Values{"pid": {p.ID.String()}, "do": {"exact"}})
		p, err = d.Payment(p.ID)
		require.NoError(t, err)
		require.Empty(t, p.PaymentExtraIDs, "paid twice")
	}
	assert.Contains(t, d.get(invoice.URL).text, "This order already has a payment 0.00038906 BTC Finished")
}

func TestButtons(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		coin, button string
		status       jovepay.PaymentStatus
		paid         string
		text         string
		back         string
		children     int
	}{
		"exact":                  {"btc", "exact", jovepay.PaymentFinished, "0.00038906", "Paid The shop has received your payment", "https://shop.example/thanks?order=A-1001", 0},
		"half":                   {"btc", "under", jovepay.PaymentPartiallyPaid, "0.00019453", "Missing 0.00019453 BTC", "https://shop.example/rest", 0},
		"half more":              {"btc", "over", jovepay.PaymentFinished, "0.00058359", "Overpaid 0.00019453 BTC", "https://shop.example/thanks?order=A-1001", 0},
		"six places":             {"xrp", "over", jovepay.PaymentFinished, "71.826922", "Overpaid 23.942307 XRP", "https://shop.example/thanks?order=A-1001", 0},
		"twice":                  {"btc", "twice", jovepay.PaymentFinished, "0.00038906", "Repeated deposit", "https://shop.example/thanks?order=A-1001", 1},
		"expired":                {"btc", "expire", jovepay.PaymentExpired, "0", "Payment expired", "https://shop.example/cancelled", 0},
		"one step":               {"btc", "advance", jovepay.PaymentConfirming, "0.00038906", "Payment detected", "", 0},
		"wrong":                  {"usdttrc20", "wrong", jovepay.PaymentWaiting, "0", "199.2 TRX Confirming Wrong asset", "", 1},
		"wrong, another network": {"btc", "wrong", jovepay.PaymentWaiting, "0", "0.00803226 ETH", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			p := d.checkout(c.coin)
			s := d.press(p, c.button)
			require.Equal(t, http.StatusOK, s.StatusCode, s.text)
			assert.Equal(t, "/payment/?pid="+p.ID.String(), s.url)
			assert.Contains(t, s.text, c.text)
			assert.Equal(t, c.back, s.link("Back to the shop"))
			got, err := d.Payment(p.ID)
			require.NoError(t, err)
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.paid, got.ActuallyPaid.Decimal().String())
			assert.Len(t, got.PaymentExtraIDs, c.children)
		})
	}
}

// A wrong asset is shown with its parent and waits for a manual review.
func TestWrongAsset(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.checkout("usdttrc20")
	d.press(p, "wrong")
	p, err := d.Payment(p.ID)
	require.NoError(t, err)
	child := &jovepay.Payment{ID: p.PaymentExtraIDs[0]}
	s := d.open(child)
	assert.Equal(t, "/payment/?pid="+p.ID.String(), s.link("payment "+p.ID.String()))
	assert.Contains(t, s.text, "The shop asked for USDT, TRON (TRC-20). Someone has to decide")
	assert.Contains(t, d.press(child, "advance").text, "waits for a manual review")
	assert.Contains(t, d.press(child, "refund").text, "Payment refunded")
	assert.Contains(t, d.press(p, "exact").text, "The shop has received your payment")
}

// Coins arrive after the payment expired, and are refunded.
func TestLateAndRefund(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.checkout("doge")
	d.press(p, "expire")
	s := d.press(p, "twice")
	assert.Contains(t, s.text, "Other deposits to this address 199.2 DOGE Finished Repeated deposit")
	p, err := d.Payment(p.ID)
	require.NoError(t, err)
	assert.Contains(t, d.press(&jovepay.Payment{ID: p.PaymentExtraIDs[0]}, "refund").text, "Payment refunded")
	assert.Contains(t, d.open(p).text, "199.2 DOGE Refunded")
	assert.Contains(t, d.press(p, "refund").text, "There is nothing to pay back.")
}

func TestEveryStatusHasItsPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.checkout("btc")
	seen := map[string]bool{}
	for _, status := range []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
		jovepay.PaymentPartiallyPaid, jovepay.PaymentFailed, jovepay.PaymentRefunded, jovepay.PaymentExpired, jovepay.PaymentCancelled,
		jovepay.PaymentCanceled, jovepay.PaymentWrongAssetConfirmed, "odd",
	} {
		_, err := d.SetStatus(p.ID, status)
		require.NoError(t, err)
		s := d.open(p)
		title := words(s.all("title")[0])
		assert.Equal(t, status == jovepay.PaymentCanceled, seen[title], title) // both spellings have the same page
		seen[title] = true
		assert.Equal(t, status.Final(), !strings.Contains(s.html, `http-equiv="refresh"`), status)
	}
}

func TestMemo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.checkout("xrp")
	s := d.open(p)
	assert.Contains(t, s.text, "Memo (tag) "+p.PayinExtraID)
	assert.Contains(t, s.text, "Include the memo.")
	assert.NotContains(t, d.open(d.checkout("btc")).text, "memo")
}

// The revision changes with everything but the time left.
func TestStatusForTheScript(t *testing.T) {
	t.Parallel()
	d := newDesk(t, jovepaytest.WithFrozenClock(noon()), jovepaytest.WithIPNRetries(0, 0))
	invoice := d.invoice(func(r *jovepay.InvoiceRequest) { r.IPNCallbackURL = shop(t).URL; r.FixedRate = true })
	p, err := d.CheckOut(invoice.ID, "btc")
	require.NoError(t, err)
	type state struct {
		Status      string `json:"payment_status"`
		Headline    string `json:"headline"`
		Detail      string `json:"detail"`
		Remaining   string `json:"remaining"`
		SecondsLeft int    `json:"seconds_left"`
		Revision    string `json:"revision"`
	}
	look := func() (got state) {
		require.NoError(t, d.WaitDeliveries(t.Context()))
		s := d.get("/payment/status?pid=" + p.ID.String())
		require.NoError(t, json.Unmarshal([]byte(s.html), &got, json.RejectUnknownMembers(true)))
		assert.Contains(t, d.open(p).html, `data-revision="`+got.Revision+`"`)
		return got
	}
	first := look()
	assert.Equal(t, "waiting", first.Status)
	assert.Equal(t, "20:00", first.Remaining)
	assert.Equal(t, 1200, first.SecondsLeft)
	_, err = d.MoveClock(61 * time.Second)
	require.NoError(t, err)
	later := look()
	assert.Equal(t, "18:59", later.Remaining)
	assert.Equal(t, first.Revision, later.Revision)

	seen := map[string]bool{first.Revision: true}
	changes := func(err error) {
		t.Helper()
		require.NoError(t, err)
		now := look()
		assert.False(t, seen[now.Revision])
		seen[now.Revision] = true
	}
	_, err = d.DepositWrongAsset(p.ID, "eth", jovepay.Amount{})
	changes(err)
	_, err = d.Deposit(p.ID, jovepay.Amount{})
	changes(err)
	_, err = d.Advance(p.ID)
	changes(err)
	_, err = d.Pay(p.ID)
	changes(err)
	_, err = d.Refund(p.ID)
	changes(err)
}

func TestCountdown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, jovepaytest.WithFrozenClock(noon()))
	p := d.checkout("btc")
	s := d.open(p)
	assert.Contains(t, s.text, "Time left 7 d 00:00:00 until 30 November 12:00 UTC")
	_, err := d.MoveClock(6*24*time.Hour + 21*time.Hour + 58*time.Minute)
	require.NoError(t, err)
	assert.Contains(t, d.open(p).text, "Time left 2:02:00 until 12:00 UTC")
	_, err = d.MoveClock(2*time.Hour + time.Minute + 51*time.Second)
	require.NoError(t, err)
	assert.Contains(t, d.open(p).text, "Time left 00:09 until 12:00 UTC")
	_, err = d.MoveClock(9 * time.Second)
	require.NoError(t, err)
	s = d.open(p)
	assert.Contains(t, s.text, "Payment expired")
	assert.NotContains(t, s.text, "Time left")
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	d := newDesk(t, jovepaytest.WithIPNRetries(0, 0))
	invoice := d.invoice(func(r *jovepay.InvoiceRequest) { r.IPNCallbackURL = shop(t).URL })
	p, err := d.CheckOut(invoice.ID, "btc")
	require.NoError(t, err)
	d.press(p, "exact")
	require.NoError(t, d.WaitDeliveries(t.Context()))
	assert.Contains(t, d.open(p).text, "finished delivered: the shop returned 200")
	assert.Contains(t, d.open(d.checkout("btc")).text, "None: the payment has no ipn_callback_url")
}

func TestHome(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	assert.Contains(t, d.get("/").text, "None yet.")
	p := d.checkout("btc")
	for range 20 {
		p = d.checkout("btc")
	}
	s := d.get("/")
	assert.Equal(t, 20, strings.Count(s.text, "0.00038906 BTC Waiting"))
	assert.Equal(t, "/payment/?pid="+p.ID.String(), s.link("0.00038906 BTC"))
	assert.Contains(t, s.text, d.URL+"/v1/")
}

func TestAssets(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, kind := range map[string]string{"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		s := d.get("/payment/assets/" + name)
		assert.Equal(t, http.StatusOK, s.StatusCode)
		assert.True(t, strings.HasPrefix(s.Header.Get("Content-Type"), kind), s.Header.Get("Content-Type"))
	}
}
