package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go"
)

// shop keeps orders and receives notifications. A real shop keeps all of this in
// its database.
type shop struct {
	server *http.Server

	mu     sync.Mutex
	orders map[string]jovepay.Expectation
	seen   map[string]bool // by the key of the event
	log    []string
}

// openShop listens for notifications signed with the secret. It returns the shop
// and the URL for notifications.
func openShop(secret, listen string) (*shop, string, error) {
	s := &shop{orders: map[string]jovepay.Expectation{}, seen: map[string]bool{}}
	verifier, err := jovepay.NewIPNVerifier(secret)
	if err != nil {
		return nil, "", err
	}
	address, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return nil, "", fmt.Errorf("IPN handler: %w", err)
	}
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("IPN handler: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ipn", verifier.Handler(s.apply))
	s.server = &http.Server{Handler: mux, ReadTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // until close
	return s, "http://" + listener.Addr().String() + "/ipn", nil
}

func (s *shop) close() { _ = s.server.Close() }

// expect adds an order, before its payment is created.
func (s *shop) expect(orderID string, price jovepay.Amount, currency string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[orderID] = jovepay.Expectation{OrderID: orderID, PriceAmount: price, PriceCurrency: currency}
}

// apply receives every verified event, possibly more than once.
func (s *shop) apply(_ context.Context, event jovepay.Event) error {
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok {
		return nil // this shop has no use for it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	order, ok := s.orders[payment.OrderID]
	switch {
	case !ok:
		return errors.New("no such order: " + payment.OrderID) // JovePay delivers it again
	case s.seen[event.Key()]:
		return nil
	}
	s.seen[event.Key()] = true
	verdict := order.Settle(&payment.Payment)
	s.log = append(s.log, fmt.Sprintf("%s %s: %s, %s", payment.OrderID, payment.Status, verdict.Decision, verdict.Reason))
	if verdict.Fulfill() {
		s.log = append(s.log, payment.OrderID+" is shipped")
	}
	return nil
}

// report returns what has been applied so far.
func (s *shop) report() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}
