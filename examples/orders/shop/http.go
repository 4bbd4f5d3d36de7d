package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// maxBody is the maximum size of a request in bytes.
const maxBody = 64 << 10

// Routes returns the shop's handler. Every request can be retried until it
// succeeds.
//
//	PUT  /orders/{id}                  place an order; the body is an [Order] with its price
//	POST /orders/{id}/payments/{coin}  get the [Payment] to show to the customer
//	POST /orders/{id}/cancel           cancel it; the body is an [orders.Reason]
//	GET  /orders/{id}                  see the [Order]
//	GET  /cases                        see what waits for a person: each [Case]
//	POST /cases/{id}                   decide; the body is a [Decision]
//	POST /ipn                          JovePay's notifications
//
// An unsuccessful response is a [Problem].
func (s *Shop) Routes(ipn http.Handler, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", ipn)
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"PUT /orders/{id}":                  s.putOrder,
		"POST /orders/{id}/payments/{coin}": s.postPayment,
		"POST /orders/{id}/cancel":          s.postCancel,
		"GET /orders/{id}":                  s.getOrder,
		"GET /cases":                        s.getCases,
		"POST /cases/{id}":                  s.postCase,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			w.Header().Set("Content-Type", "application/json")
			response, err := serve(r)
			if err != nil {
				response = fail(w, r, log, err)
			}
			if err := json.MarshalWrite(w, response); err != nil {
				log.ErrorContext(r.Context(), "response failed", "path", r.URL.Path, "error", err)
			}
		})
	}
	return mux
}

func (s *Shop) putOrder(r *http.Request) (any, error) {
	var order Order
	if err := read(r, &order); err != nil {
		return nil, err
	}
	terms := orders.Terms{OrderID: r.PathValue("id"), PriceAmount: order.PriceAmount, PriceCurrency: order.PriceCurrency}
	if err := s.place(r.Context(), terms); err != nil {
		return nil, err
	}
	return s.getOrder(r)
}

func (s *Shop) postPayment(r *http.Request) (any, error) {
	payment, err := s.Pay(r.Context(), r.PathValue("id"), r.PathValue("coin"))
	if err != nil {
		return nil, err
	}
	return viewPayment(payment), nil
}

func (s *Shop) postCancel(r *http.Request) (any, error) {
	var reason orders.Reason
	if err := read(r, &reason); err != nil {
		return nil, err
	}
	if err := s.Cancel(r.Context(), r.PathValue("id"), reason); err != nil {
		return nil, err
	}
	return s.getOrder(r)
}

func (s *Shop) getOrder(r *http.Request) (any, error) {
	order, err := s.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return s.view(r.Context(), order)
}

// view returns an order with the number of its parcels.
func (s *Shop) view(ctx context.Context, order *orders.Order) (view *Order, err error) {
	view = viewOrder(order)
	view.Shipments, err = s.parcels(ctx, order.OrderID)
	return view, err
}

func (s *Shop) getCases(r *http.Request) (any, error) {
	cases := []Case{}
	for c, err := range s.Cases(r.Context(), orders.CaseOptions{}) {
		if err != nil {
			return nil, err
		}
		cases = append(cases, viewCase(c))
	}
	return cases, nil
}

func (s *Shop) postCase(r *http.Request) (any, error) {
	var d Decision
	if err := read(r, &d); err != nil {
		return nil, err
	}
	order, err := s.Resolve(r.Context(), r.PathValue("id"), orders.Resolution{
		Decision: d.Decision, Amount: d.Amount, Reason: orders.Reason{By: d.By, Why: d.Why}, Version: d.Version,
	})
	if order == nil {
		return nil, err
	}
	return s.view(r.Context(), order) // even if a hook failed: the decision is recorded
}

// read reads the body of a request.
func read(r *http.Request, v any) error {
	if err := json.UnmarshalRead(r.Body, v); err != nil {
		return fmt.Errorf("%w: %w", jovepay.ErrInvalidRequest, err)
	}
	return nil
}

// Problem says why a request failed.
type Problem struct {
	Error   string    `json:"error"`             // a code
	RetryAt time.Time `json:"retry_at,omitzero"` // of in_doubt: not before then
}

// problems are the errors that have a code. Every other one is try_again, with the
// status 503.
func problems() []problem {
	return []problem{
		{orders.ErrNotFound, http.StatusNotFound, "not_found"},
		{orders.ErrTermsChanged, http.StatusConflict, "terms_changed"},
		{orders.ErrClosed, http.StatusConflict, "closed"},
		{orders.ErrCoinsSeen, http.StatusConflict, "coins_seen"},
		{orders.ErrTooManyPayments, http.StatusConflict, "too_many_payments"},
		{orders.ErrCaseChanged, http.StatusConflict, "case_changed"},
		{orders.ErrResolved, http.StatusConflict, "resolved"},
		{jovepay.ErrInvalidRequest, http.StatusBadRequest, "invalid"},
	}
}

type problem struct {
	err    error
	status int
	code   string
}

// fail writes the header of an unsuccessful response, and returns its body.
func fail(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) Problem {
	if doubt, ok := errors.AsType[*orders.InDoubtError](err); ok {
		seconds := math.Ceil(max(time.Until(doubt.RetryAt).Seconds(), 1))
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
		w.WriteHeader(http.StatusServiceUnavailable)
		return Problem{Error: "in_doubt", RetryAt: doubt.RetryAt}
	}
	for _, p := range problems() {
		if errors.Is(err, p.err) {
			w.WriteHeader(p.status)
			return Problem{Error: p.code}
		}
	}
	log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	w.WriteHeader(http.StatusServiceUnavailable)
	return Problem{Error: "try_again"}
}
