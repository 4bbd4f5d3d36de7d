// Package page serves the sandbox's hosted payment page, the target of an
// invoice_url. It is plain HTML with forms, which a script keeps up to date.
package page

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

//go:embed templates assets
var files embed.FS

const (
	maxForm = 64 << 10 // bytes of a form
	refresh = 5        // seconds between reloads without the script
)

// Pages are the parsed templates. Create them with [New].
type Pages struct{ templates *template.Template }

// New parses the templates.
func New() (*Pages, error) {
	templates, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return &Pages{templates}, nil
}

// handler serves the pages of one server.
type handler struct {
	*Pages
	server   *jovepaytest.Server
	pressing sync.Mutex // serializes forms: a button pressed twice acts once
}

// Handler returns the pages of a server: / and everything below /payment/.
func (p *Pages) Handler(server *jovepaytest.Server) http.Handler {
	h := &handler{Pages: p, server: server}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.home)
	mux.HandleFunc("GET /payment/{$}", h.payment)
	mux.HandleFunc("GET /payment/status", h.status)
	mux.HandleFunc("POST /payment/choose", h.choose)
	mux.HandleFunc("POST /payment/act", h.act)
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		mux.HandleFunc("GET /payment/assets/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "assets/"+name)
		})
	}
	mux.HandleFunc("/", h.nothing)
	return secure(mux)
}

// secure restricts the pages to this server's own files.
func secure(next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
		"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// frame is what every page has.
type frame struct {
	Title   string
	Refresh int  // seconds between reloads without the script; 0 for none
	Script  bool // the script keeps the page up to date
}

// render writes a whole page or, if its template fails, an error.
func (h *handler) render(w http.ResponseWriter, status int, name string, data any) {
	var page strings.Builder
	if err := h.templates.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "cannot render the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page.String())) // the client may be gone
}

// problem is an error page.
type problem struct {
	frame
	Heading, Detail, Link, LinkLabel string
}

func (h *handler) problem(w http.ResponseWriter, status int, heading, detail, back string) {
	p := problem{frame{Title: heading}, heading, detail, back, "Back to the payment"}
	if back == "" {
		p.Link, p.LinkLabel = "/", "See the latest payments"
	}
	h.render(w, status, "problem", p)
}

// nothing responds to requests for other pages.
func (h *handler) nothing(w http.ResponseWriter, r *http.Request) {
	h.problem(w, http.StatusNotFound, "Page not found",
		"The sandbox has no page for "+r.Method+" "+r.URL.Path+".", "")
}

// failed responds to an error of the server's.
func (h *handler) failed(w http.ResponseWriter, kind string, id jovepay.ID, err error) {
	switch {
	case errors.Is(err, jovepay.ErrNotFound), errors.Is(err, jovepay.ErrInvalidRequest): // such as an id that isn't a number
		h.problem(w, http.StatusNotFound, strings.ToUpper(kind[:1])+kind[1:]+" not found",
			fmt.Sprintf("The sandbox has no %s %q. Without a state file it forgets everything when it stops.", kind, id), "")
	default:
		h.problem(w, http.StatusInternalServerError, "The sandbox failed", reason(err), "")
	}
}

// home lists the latest payments: one without an invoice has no other link.
func (h *handler) home(w http.ResponseWriter, _ *http.Request) {
	const shown = 20
	payments, err := h.server.Latest(shown)
	if err != nil {
		h.problem(w, http.StatusInternalServerError, "Cannot list the payments", err.Error(), "")
		return
	}
	h.render(w, http.StatusOK, "home", struct {
		frame
		URL      string
		Payments []line
	}{frame{Title: "JovePay sandbox"}, h.server.URL, lines(payments)})
}

// payment is the page of an invoice (?iid=) or of a payment (?pid=).
func (h *handler) payment(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch pid, iid := jovepay.ID(query.Get("pid")), jovepay.ID(query.Get("iid")); {
	case pid != "":
		record, err := h.read(pid)
		if err != nil {
			h.failed(w, "payment", pid, err)
			return
		}
		h.render(w, http.StatusOK, "payment", pageOf(&record))
	case iid != "":
		c, err := h.choice(iid)
		if err != nil {
			h.failed(w, "invoice", iid, err)
			return
		}
		h.render(w, http.StatusOK, "choose", c)
	default:
		h.problem(w, http.StatusNotFound, "No payment in the address", "It needs the id of an invoice (?iid=) or of a payment (?pid=).", "")
	}
}

// choose creates the payment in the coin that the customer chose, or returns to
// one that waits in that coin.
func (h *handler) choose(w http.ResponseWriter, r *http.Request) {
	if !h.readForm(w, r) {
		return
	}
	iid, code := jovepay.ID(r.PostForm.Get("iid")), r.PostForm.Get("coin")
	back := "/payment/?iid=" + url.QueryEscape(iid.String())
	h.pressing.Lock()
	defer h.pressing.Unlock()
	payments, err := h.server.InvoicePayments(iid)
	if err != nil {
		h.failed(w, "invoice", iid, err)
		return
	}
	for _, p := range payments {
		if p.Status == jovepay.PaymentWaiting && p.PayCurrency == code {
			show(w, r, p)
			return
		}
	}
	invoice, err := h.server.Invoice(iid)
	if err != nil {
		h.failed(w, "invoice", iid, err)
		return
	}
	if code == "" || invoice.PayCurrency != "" && code != invoice.PayCurrency {
		h.problem(w, http.StatusBadRequest, "Choose one of the coins", "The shop doesn't accept this coin for the order.", back)
		return
	}
	p, err := h.server.CheckOut(iid, code)
	if err != nil {
		h.problem(w, http.StatusBadRequest, "This coin can't be used", reason(err), back)
		return
	}
	show(w, r, p)
}

// show redirects from a form to the payment's page.
func show(w http.ResponseWriter, r *http.Request, p *jovepay.Payment) {
	http.Redirect(w, r, address(p.ID), http.StatusSeeOther) //nolint:gosec // a path of this server, with its own id
}

// readForm reads the form of a request, or responds and returns false.
func (h *handler) readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		h.problem(w, http.StatusBadRequest, "Cannot read the form", err.Error(), "")
		return false
	}
	return true
}

// status is polled by the script to learn whether the page is out of date.
func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	record, err := h.read(jovepay.ID(r.URL.Query().Get("pid")))
	if err != nil {
		http.Error(w, "no such payment", http.StatusNotFound)
		return
	}
	page := pageOf(&record)
	left := cmp.Or(page.Countdown, new(countdown))
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, struct { // the client may be gone
		Status      jovepay.PaymentStatus `json:"payment_status"`
		Headline    string                `json:"headline"`
		Detail      string                `json:"detail"`
		Remaining   string                `json:"remaining"`
		SecondsLeft int                   `json:"seconds_left"`
		Revision    string                `json:"revision"`
	}{record.payment.Status, page.Status.Headline, page.Status.Detail, left.Left, left.seconds, page.Revision})
}

// reason is the text of a server's error.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "jovepaytest: ") }
