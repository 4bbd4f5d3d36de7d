// Package web serves the shop's pages. They work without JavaScript; with it they
// update without reloading.
package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

//go:embed templates static
var files embed.FS

// maxForm is the maximum size of a form in bytes.
const maxForm = 16 << 10

// Settings are what the pages need.
type Settings struct {
	Shop     *shop.Shop
	Verifier *jovepay.IPNVerifier
	Log      *slog.Logger

	// Customer returns the URL of the page to play the customer of a payment
	// on, with an emulator. It may be nil.
	Customer func(jovepay.ID) string
}

type pages struct {
	Settings

	views *template.Template
}

// New returns a handler for the shop's pages and, at POST /ipn, for JovePay's
// notifications.
func New(s Settings) (http.Handler, error) {
	views, err := template.New("").Funcs(words()).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	p := &pages{s, views}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.catalog)
	mux.HandleFunc("GET /items/{item}", p.item)
	mux.HandleFunc("POST /items/{item}", p.place)
	mux.HandleFunc("GET /orders/{id}", p.order("order"))
	mux.HandleFunc("GET /orders/{id}/status", p.order("status"))
	mux.HandleFunc("GET /orders/{id}/go", p.leave)
	mux.HandleFunc("POST /orders/{id}/retry", p.retry)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, shop.ErrNotFound) })
	mux.Handle("GET /static/", cache(http.StripPrefix("/static", http.FileServerFS(static))))

	all := http.NewServeMux()
	all.Handle("POST /ipn", s.Verifier.Handler(s.Shop.Book.Handle))
	all.Handle("/", http.NewCrossOriginProtection().Handler(guard(mux)))
	return all, nil
}

// guard restricts pages to the shop's own files and limits forms.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
			"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin") // an order's URL is a secret
		header.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// cache lets browsers cache files for five minutes.
func cache(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		next.ServeHTTP(w, r)
	})
}

// show renders the whole page before it sends anything.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var page bytes.Buffer
	if err := p.views.ExecuteTemplate(&page, name+".html", data); err != nil {
		p.Log.ErrorContext(r.Context(), "page failed", "page", name, "error", err)
		http.Error(w, "Internal error. Please try again.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the customer may be gone
}

// notice is a page with a message.
type notice struct {
	Title, Text string
}

// fail shows an error to the customer.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, shop.ErrNotFound) {
		p.show(w, r, http.StatusNotFound, "notice", notice{"Not found", "There is no page at this address. If it should be an order, check that the address is complete."})
		return
	}
	if r.Context().Err() == nil {
		p.Log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	}
	p.show(w, r, http.StatusServiceUnavailable, "notice", notice{"Temporarily unavailable", "You have not been charged. Please try again in a minute."})
}
