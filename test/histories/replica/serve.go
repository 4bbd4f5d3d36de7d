package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/test/histories"
)

// shop responds to requests with what the book returns.
type shop struct {
	book *orders.Book[pgx.Tx]
	pool *pgxpool.Pool
	gate *gate
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	for path, call := range map[string]func(*http.Request) (histories.Response, error){
		"/place": s.place, "/pay": s.pay, "/handle": s.handle, "/cancel": s.cancel,
		"/resolve": s.resolve, "/get": s.get, "/reconcile": s.reconcile, "/hold": s.hold, "/resume": s.resume,
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			response, err := call(r)
			response.Outcome = outcome(err)
			if err != nil {
				response.Error = err.Error()
			}
			if doubt, ok := errors.AsType[*orders.InDoubtError](err); ok {
				response.RetryAt = doubt.RetryAt
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.MarshalWrite(w, response)
		})
	}
	return mux
}

// outcome names the error of a book.
func outcome(err error) histories.Outcome {
	_, inDoubt := errors.AsType[*orders.InDoubtError](err)
	switch {
	case err == nil:
		return histories.OK
	case inDoubt:
		return histories.InDoubt
	case errors.Is(err, orders.ErrClosed):
		return histories.Closed
	case errors.Is(err, orders.ErrCoinsSeen):
		return histories.CoinsSeen
	case errors.Is(err, orders.ErrNotFound):
		return histories.NotFound
	case errors.Is(err, orders.ErrCaseChanged):
		return histories.CaseChanged
	case errors.Is(err, orders.ErrResolved):
		return histories.Resolved
	}
	return histories.Unknown
}

// place places an order beside a row of the shop.
func (s *shop) place(r *http.Request) (histories.Response, error) {
	ctx := r.Context()
	terms := orders.Terms{OrderID: r.FormValue("order"), PriceAmount: jovepay.MustAmount("50"), PriceCurrency: "usd"}
	return histories.Response{}, pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO shop_orders (id) VALUES ($1) ON CONFLICT DO NOTHING", terms.OrderID); err != nil {
			return err
		}
		return s.book.Place(ctx, tx, terms)
	})
}

func (s *shop) pay(r *http.Request) (histories.Response, error) {
	p, err := s.book.Pay(r.Context(), r.FormValue("order"), r.FormValue("coin"))
	if err != nil {
		return histories.Response{}, err
	}
	return histories.Response{Payment: p.ID}, nil
}

// handle handles the news of a payment, which is the request's body.
func (s *shop) handle(r *http.Request) (histories.Response, error) {
	p := new(jovepay.Payment)
	if err := json.UnmarshalRead(r.Body, p); err != nil {
		return histories.Response{}, err
	}
	return histories.Response{}, s.book.Handle(r.Context(), p.Event())
}

func (s *shop) cancel(r *http.Request) (histories.Response, error) {
	return histories.Response{}, s.book.Cancel(r.Context(), r.FormValue("order"), orders.Reason{By: "a customer", Why: "no reason"})
}

func (s *shop) resolve(r *http.Request) (histories.Response, error) {
	version, err := strconv.Atoi(r.FormValue("version"))
	if err != nil {
		return histories.Response{}, err
	}
	_, err = s.book.Resolve(r.Context(), r.FormValue("case"), orders.Resolution{
		Decision: orders.Decision(r.FormValue("decision")), Version: version, Reason: orders.Reason{By: "staff", Why: "no reason"},
	})
	return histories.Response{}, err
}

func (s *shop) get(r *http.Request) (histories.Response, error) {
	o, err := s.book.Get(r.Context(), r.FormValue("order"))
	if err != nil {
		return histories.Response{}, err
	}
	v := &histories.View{State: o.State, Fulfilled: !o.Fulfilled.IsZero(), Canceled: !o.Canceled.IsZero(), Money: o.Money}
	for _, p := range o.Payments {
		v.Payments = append(v.Payments, histories.Payment{ID: p.ID, Parent: p.ParentID, Coin: p.Coin, Status: p.Status})
	}
	for _, c := range o.Cases {
		about := histories.Case{ID: c.ID, Kind: c.Kind, Version: c.Version, Open: c.Open()}
		for _, d := range c.Deposits {
			about.Payments = append(about.Payments, d.PaymentID)
		}
		v.Cases = append(v.Cases, about)
	}
	return histories.Response{View: v}, nil
}

// reconcile reconciles everything.
func (s *shop) reconcile(r *http.Request) (histories.Response, error) {
	report, err := s.book.Reconcile(context.WithoutCancel(r.Context()), time.Now().Add(-time.Hour))
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%d payments failed", report.Failed)
	}
	return histories.Response{}, err
}

func (s *shop) hold(r *http.Request) (histories.Response, error) {
	s.gate.arm(histories.Step(r.FormValue("step")))
	return histories.Response{}, nil
}

func (s *shop) resume(*http.Request) (histories.Response, error) {
	s.gate.open()
	return histories.Response{}, nil
}
