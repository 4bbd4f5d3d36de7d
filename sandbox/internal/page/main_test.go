package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox/internal/page"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a server with its pages and a browser without JavaScript.
type desk struct {
	*jovepaytest.Server
	t       *testing.T
	browser *http.Client
}

func newDesk(t *testing.T, opts ...jovepaytest.Option) *desk {
	t.Helper()
	pages, err := page.New()
	require.NoError(t, err)
	server, err := jovepaytest.NewServer(append(opts, jovepaytest.WithPages(pages.Handler))...)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	browser := &http.Client{Transport: new(http.Transport)}
	t.Cleanup(browser.CloseIdleConnections)
	return &desk{server, t, browser}
}

// noon is a time for frozen clocks.
func noon() time.Time { return time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC) }

// invoice creates an invoice for 24.90 dollars; change may be nil.
func (d *desk) invoice(change func(*jovepay.InvoiceRequest)) *jovepay.Invoice {
	d.t.Helper()
	req := jovepay.InvoiceRequest{
		PriceAmount: jovepay.MustAmount("24.90"), PriceCurrency: "usd",
		OrderID: "A-1001", OrderDescription: "Coffee beans",
		SuccessURL: "https://shop.example/thanks?order=A-1001", CancelURL: "https://shop.example/cancelled",
		PartiallyPaidURL: "https://shop.example/rest",
	}
	if change != nil {
		change(&req)
	}
	client, err := d.Client()
	require.NoError(d.t, err)
	invoice, err := client.Invoices.Create(d.t.Context(), req)
	require.NoError(d.t, err)
	return invoice
}

// checkout creates a waiting payment in the coin.
func (d *desk) checkout(coin string) *jovepay.Payment {
	d.t.Helper()
	p, err := d.CheckOut(d.invoice(nil).ID, coin)
	require.NoError(d.t, err)
	return p
}

// sheet is a response with the content of its page.
type sheet struct {
	*http.Response
	url  string // after redirects
	text string // of the page, with runs of white space replaced by a space
	html string
	root *html.Node
}

func (d *desk) do(method, address string, form url.Values) *sheet {
	d.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = d.URL + address
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, address, strings.NewReader(form.Encode()))
	require.NoError(d.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := d.browser.Do(req)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	s := &sheet{Response: resp, url: resp.Request.URL.RequestURI(), html: string(body)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		s.root, err = html.ParseWithOptions(strings.NewReader(s.html), html.ParseOptionEnableScripting(false))
		require.NoError(d.t, err)
		s.text = words(s.root)
		sound(d.t, s)
	}
	return s
}

func (d *desk) get(address string) *sheet {
	d.t.Helper()
	return d.do(http.MethodGet, address, nil)
}

func (d *desk) post(address string, fields ...string) *sheet {
	d.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return d.do(http.MethodPost, address, form)
}

// press submits a button of the panel.
func (d *desk) press(p *jovepay.Payment, button string) *sheet {
	d.t.Helper()
	return d.post("/payment/act", "pid", p.ID.String(), "do", button)
}

func (d *desk) open(p *jovepay.Payment) *sheet {
	d.t.Helper()
	return d.get("/payment/?pid=" + p.ID.String())
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// all returns the elements with the tag.
func (s *sheet) all(tag string) []*html.Node {
	var found []*html.Node
	for n := range s.root.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			found = append(found, n)
		}
	}
	return found
}

// link returns the address of the link with the text, or "".
func (s *sheet) link(text string) string {
	for _, a := range s.all("a") {
		if words(a) == text {
			address, _ := attr(a, "href")
			return address
		}
	}
	return ""
}

// words returns the visible text of a node.
func words(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
			b.WriteByte(' ')
		}
		for c := range n.ChildNodes() {
			if _, hidden := attr(c, "hidden"); !hidden && c.Data != "head" {
				walk(c)
			}
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

// sound checks what holds for every page: nothing inline, which the policy would
// block, and nothing that a screen reader cannot name.
func sound(t *testing.T, s *sheet) {
	t.Helper()
	policy := s.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'")
	assert.NotContains(t, policy, "unsafe")
	assert.Equal(t, "nosniff", s.Header.Get("X-Content-Type-Options"))
	ids, refs := map[string]bool{}, []string{}
	labeled := map[*html.Node]bool{}
	for _, label := range s.all("label") {
		for n := range label.Descendants() {
			labeled[n] = true
		}
	}
	for _, n := range slices.Collect(s.root.Descendants()) {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			assert.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style", "inline %s", a.Key)
			assert.NotContains(t, a.Val, "ZgotmplZ", a.Key)
			switch a.Key {
			case "id":
				assert.False(t, ids[a.Val], "id %s twice", a.Val)
				ids[a.Val] = true
			case "aria-labeledby", "aria-describedby", "data-copy":
				if _, hidden := attr(n, "hidden"); !hidden || a.Key != "aria-labeledby" {
					refs = append(refs, strings.Fields(a.Val)...)
				}
			}
		}
		kind, _ := attr(n, "type")
		switch n.Data {
		case "style":
			t.Error("an inline style")
		case "script":
			_, outside := attr(n, "src")
			assert.True(t, outside, "an inline script")
		case "input":
			assert.True(t, kind == "hidden" || labeled[n], "an input without a label")
		case "button", "a":
			assert.NotEmpty(t, words(n), "%s without words", n.Data)
		case "svg":
			_, hidden := attr(n, "aria-hidden")
			_, named := attr(n, "aria-label")
			assert.True(t, hidden || named, "a picture without a name")
		}
	}
	for _, ref := range refs {
		assert.True(t, ids[ref], "nothing has the id %s", ref)
	}
	assert.Len(t, s.all("h1"), 1)
	assert.Len(t, s.all("main"), 1)
	assert.True(t, slices.ContainsFunc(s.all("html"), func(n *html.Node) bool { lang, _ := attr(n, "lang"); return lang == "en" }))
	require.Len(t, s.all("title"), 1)
	assert.NotEmpty(t, s.all("title")[0].FirstChild.Data)
}

// shop returns 200 for every notification.
func shop(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s
}
