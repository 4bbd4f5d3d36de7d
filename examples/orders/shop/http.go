package shop

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/go-json-experiment/json"
)

// maxBody is the maximum size of a request in bytes.
const maxBody = 64 << 10

// Routes returns the shop's handler: PUT /orders/{id} creates an order and can be
// retried until it succeeds; GET /orders/{id} shows it; POST /ipn receives
// JovePay's notifications.
func (s *Shop) Routes(ipn http.Handler, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /ipn", ipn)
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		order, err := s.Find(r.Context(), r.PathValue("id"))
		respond(w, r, log, order, err)
	})
	mux.HandleFunc("PUT /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		var order Order
		if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), &order); err != nil {
			http.Error(w, "not an order", http.StatusBadRequest)
			return
		}
		order.ID = r.PathValue("id")
		if len(order.ID) > 64 || order.PriceAmount.Sign() <= 0 || order.PriceCurrency == "" || order.PayCurrency == "" {
			http.Error(w, "an order needs an id, a price and a coin", http.StatusBadRequest)
			return
		}
		created, err := s.Create(r.Context(), order)
		respond(w, r, log, created, err)
	})
	return mux
}

func respond(w http.ResponseWriter, r *http.Request, log *slog.Logger, order *Order, err error) {
	switch {
	case errors.Is(err, ErrNotFound):
		http.Error(w, "no such order", http.StatusNotFound)
		return
	case err != nil:
		log.ErrorContext(r.Context(), "order failed", "order", r.PathValue("id"), "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.MarshalWrite(w, order); err != nil {
		log.ErrorContext(r.Context(), "response failed", "order", order.ID, "error", err)
	}
}
