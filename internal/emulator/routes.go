package emulator

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// endpoint returns the response, which is written as JSON, or an error.
type endpoint func(r *http.Request) (any, error)

// check rejects a request without the credentials that its endpoint needs.
type check func(r *http.Request) error

// afterKey is of the time after which a request has its effect.
type afterKey struct{}

// postpone returns the request, which has its effect after the time.
func postpone(r *http.Request, after time.Duration) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), afterKey{}, after))
}

// effectAfter is the time after which the request has its effect: 0 is now.
func effectAfter(r *http.Request) time.Duration {
	after, _ := r.Context().Value(afterKey{}).(time.Duration)
	return after
}

func (a *API) routes() {
	open := func(*http.Request) error { return nil }
	allowed := make(map[string][]string)
	for _, e := range []struct {
		method, path string
		status       int
		check        check
		do           endpoint
	}{
		{"GET", "/v1/status", http.StatusOK, open, a.status},
		{"POST", "/v1/auth", http.StatusOK, open, a.login},
		{"GET", "/v1/currencies", http.StatusOK, a.checkKey, a.currencies},
		{"GET", "/v1/min-amount", http.StatusOK, a.checkKey, a.minAmount},
		{"GET", "/v1/estimate", http.StatusOK, a.checkKey, a.estimate},
		{"POST", "/v1/payment", http.StatusCreated, a.checkKey, a.createPayment},
		{"GET", "/v1/payment", http.StatusOK, a.checkKeyAndToken, a.listPayments},
		{"GET", "/v1/payment/{id}", http.StatusOK, a.checkKey, a.getPayment},
		{"POST", "/v1/invoice", http.StatusCreated, a.checkKey, a.createInvoice},
	} {
		a.mux.HandleFunc(e.method+" "+e.path, func(w http.ResponseWriter, r *http.Request) {
			if err := e.check(r); err != nil {
				writeError(w, err)
				return
			}
			v, err := e.do(r)
			if err != nil {
				writeError(w, err)
				return
			}
			writeJSON(w, e.status, v)
		})
		allowed[e.path] = append(allowed[e.path], e.method)
	}
	for path, methods := range allowed {
		allow := strings.Join(slices.Sorted(slices.Values(methods)), ", ")
		a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			writeStatus(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", r.Method+" is not allowed here")
		})
	}
	a.mux.HandleFunc("/", noEndpoint)
}

func noEndpoint(w http.ResponseWriter, _ *http.Request) {
	writeStatus(w, http.StatusNotFound, "NOT_FOUND", "no such endpoint")
}

// checkKey wants the API key. The guide says that a token opens every
// authenticated endpoint, so one will do where no key is sent.
func (a *API) checkKey(r *http.Request) error {
	key, token := r.Header.Get("X-Api-Key"), bearer(r)
	if key == "" && token != "" {
		return a.engine.CheckToken(token)
	}
	return a.engine.CheckKey(key)
}

func (a *API) checkKeyAndToken(r *http.Request) error {
	if err := a.engine.CheckKey(r.Header.Get("X-Api-Key")); err != nil {
		return err
	}
	return a.engine.CheckToken(bearer(r))
}

// credentials returns the sort of the key and of the token.
func (a *API) credentials(r *http.Request) (key, token Credential) {
	if sent := r.Header.Get("X-Api-Key"); sent != "" {
		key = CredentialWrong
		if a.engine.CheckKey(sent) == nil {
			key = CredentialValid
		}
	}
	if sent := bearer(r); sent != "" {
		token = CredentialWrong
		switch genuine, err := a.engine.Genuine(sent), a.engine.CheckToken(sent); {
		case err == nil:
			token = CredentialValid
		case genuine:
			token = CredentialExpired
		}
	}
	return key, token
}

// bearer returns the token of the Authorization header, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

func (a *API) status(r *http.Request) (any, error) {
	return statusResponse{"OK"}, newQuery(r).end()
}

func (a *API) login(r *http.Request) (any, error) {
	var body loginBody
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	token, err := a.engine.Login(body.Email, body.Password)
	return loginResponse{token}, err
}

func (a *API) currencies(r *http.Request) (any, error) {
	q := newQuery(r)
	fixed := q.flag("fixed_rate")
	if err := q.end(); err != nil {
		return nil, err
	}
	return newCurrenciesResponse(a.engine.Currencies(), fixed), nil
}

func (a *API) minAmount(r *http.Request) (any, error) {
	q := newQuery(r)
	from, to, fiat := q.required("currency_from"), q.text("currency_to"), q.text("fiat_equivalent")
	q.flag("is_fixed_rate")
	q.flag("is_fee_paid_by_user")
	if err := q.end(); err != nil {
		return nil, err
	}
	m, err := a.engine.Minimum(from, to, fiat)
	return newMinimumResponse(m), err
}

func (a *API) estimate(r *http.Request) (any, error) {
	q := newQuery(r)
	amount, from, to := q.amount("amount"), q.required("currency_from"), q.required("currency_to")
	if err := q.end(); err != nil {
		return nil, err
	}
	e, err := a.engine.Estimate(amount, from, to)
	return newEstimateResponse(e), err
}

func (a *API) createPayment(r *http.Request) (any, error) {
	var body paymentBody
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if after := effectAfter(r); after > 0 {
		a.engine.CreatePaymentLater(body.request(), after)
		return nil, nil
	}
	p, err := a.engine.CreatePayment(body.request())
	if err != nil {
		return nil, err
	}
	return newCreatedPayment(&p), nil
}

func (a *API) getPayment(r *http.Request) (any, error) {
	if err := newQuery(r).end(); err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, engine.InvalidParam("payment id must be a number")
	}
	p, err := a.engine.Payment(id)
	if err != nil {
		return nil, err
	}
	return newPaymentResponse(&p), nil
}

func (a *API) listPayments(r *http.Request) (any, error) {
	q := newQuery(r)
	o := engine.ListOptions{
		Limit:      q.number("limit", 10),
		Page:       q.number("page", 0),
		SortBy:     q.text("sortBy"),
		Descending: q.choice("orderBy", "asc", "desc") == "desc",
		From:       q.from("dateFrom"),
		To:         q.to("dateTo"),
		InvoiceID:  q.id("invoiceId"),
	}
	if err := q.end(); err != nil {
		return nil, err
	}
	page, err := a.engine.List(o)
	if err != nil {
		return nil, err
	}
	return newListResponse(page, o), nil
}

func (a *API) createInvoice(r *http.Request) (any, error) {
	var body invoiceBody
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if after := effectAfter(r); after > 0 {
		a.engine.CreateInvoiceLater(body.request(), after)
		return nil, nil
	}
	i, err := a.engine.CreateInvoice(body.request())
	if err != nil {
		return nil, err
	}
	return newInvoiceResponse(&i, a.pageURL), nil
}
