// Package page serves the sandbox's hosted payment page: where an invoice_url
// leads. It is plain HTML with forms; its script only saves the reloading.
package page

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

//go:embed templates assets
var files embed.FS

// maxForm is the largest form that is read.
const maxForm = 64 << 10

// Pages are the parsed pages, without a server to show. Make them with [New].
type Pages struct{ templates *template.Template }

// New parses the pages.
func New() (*Pages, error) {
	templates, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return &Pages{templates}, nil
}

// handler is the pages of one server.
type handler struct {
	*Pages
	server   *jovepaytest.Server
	pressing sync.Mutex // so that a button pressed twice makes one payment, and pays once
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

// secure says to the browser that nothing but this server's own files belongs
// to the pages.
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
	Refresh int  // seconds between reloads without the script; 0 is none
	Script  bool // the page lives with the script
}

// render writes a page, or an error if it cannot be made: never half of one.
func (h *handler) render(w http.ResponseWriter, status int, name string, data any) {
	var page strings.Builder
	if err := h.templates.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page.String())) // the reader may have left
}

// problem is a page that says why there is no other.
type problem struct {
	frame
	Heading, Detail, Link, LinkLabel string
}

func (h *handler) problem(w http.ResponseWriter, status int, heading, detail, back string) {
	p := problem{frame{Title: heading}, heading, detail, back, "Back to the payment"}
	if back == "" {
		p.Link, p.LinkLabel = "/", "What this sandbox has"
	}
	h.render(w, status, "problem", p)
}

// nothing answers what is no page.
func (h *handler) nothing(w http.ResponseWriter, r *http.Request) {
	h.problem(w, http.StatusNotFound, "There is no such page",
		"The sandbox has no page for "+r.Method+" "+r.URL.Path+".", "")
}

// failed answers where the server has no such thing, or cannot tell.
func (h *handler) failed(w http.ResponseWriter, kind string, id jovepay.ID, err error) {
	switch {
	case errors.Is(err, jovepay.ErrNotFound), errors.Is(err, jovepay.ErrInvalidRequest): // an id that is no number
		h.problem(w, http.StatusNotFound, "There is no such "+kind,
			fmt.Sprintf("The sandbox knows no %s %q. Without a state file it forgets everything when it ends.", kind, id), "")
	default:
		h.problem(w, http.StatusInternalServerError, "The sandbox cannot go on", reason(err), "")
	}
}

// home lists the latest payments, for those made without an invoice.
func (h *handler) home(w http.ResponseWriter, _ *http.Request) {
	const shown = 20
	payments, err := h.server.Latest(shown)
	if err != nil {
		h.problem(w, http.StatusInternalServerError, "The payments cannot be read", err.Error(), "")
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
		v, err := h.view(pid)
		if err != nil {
			h.failed(w, "payment", pid, err)
			return
		}
		h.render(w, http.StatusOK, "payment", v)
	case iid != "":
		c, err := h.choice(iid)
		if err != nil {
			h.failed(w, "invoice", iid, err)
			return
		}
		h.render(w, http.StatusOK, "choose", c)
	default:
		h.problem(w, http.StatusNotFound, "Which payment?", "The address names neither an invoice nor a payment.", "")
	}
}

// choose makes the payment in the coin that the customer chose. One that
// waits in that coin is taken up again.
func (h *handler) choose(w http.ResponseWriter, r *http.Request) {
	if !h.readForm(w, r) {
		return
	}
	iid, code := jovepay.ID(r.PostForm.Get("iid")), r.PostForm.Get("coin")
	back := "/payment/?" + query("iid", iid)
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
		h.problem(w, http.StatusBadRequest, "Choose one of the coins", "The shop does not take the chosen coin for this order.", back)
		return
	}
	p, err := h.server.CheckOut(iid, code)
	if err != nil {
		h.problem(w, http.StatusBadRequest, "This coin cannot be used", reason(err), back)
		return
	}
	show(w, r, p)
}

// show leads from a form to the page of the payment that it was about.
func show(w http.ResponseWriter, r *http.Request, p *jovepay.Payment) {
	http.Redirect(w, r, address(p.ID), http.StatusSeeOther) //nolint:gosec // a path of this server, with an id that it made
}

// readForm reads the form of a request; if there is none it answers.
func (h *handler) readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		h.problem(w, http.StatusBadRequest, "The form cannot be read", err.Error(), "")
		return false
	}
	return true
}

// status tells the script whether the page is out of date.
func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	v, err := h.view(jovepay.ID(r.URL.Query().Get("pid")))
	if err != nil {
		http.Error(w, "no such payment", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, struct { // the reader may have left
		Status      jovepay.PaymentStatus `json:"payment_status"`
		Headline    string                `json:"headline"`
		Detail      string                `json:"detail"`
		Remaining   string                `json:"remaining"`
		SecondsLeft int                   `json:"seconds_left"`
		Revision    string                `json:"revision"`
	}{v.status, v.Headline, v.Detail, v.Remaining, v.secondsLeft, v.Revision})
}

// reason is an error of the server's as people are told it.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "jovepaytest: ") }
