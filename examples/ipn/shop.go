package main

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/jovepay/jovepay-go"
)

// shop applies each event once, in memory. Package inbox does so in a database.
type shop struct {
	update func(*jovepay.PaymentEvent) error // updates the order

	mu      sync.Mutex
	applied map[string]bool // by the key of the event
}

// apply applies an event. If it fails, JovePay delivers the event again.
func (s *shop) apply(_ context.Context, event jovepay.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	payment, ok := event.(*jovepay.PaymentEvent)
	if !ok || s.applied[event.Key()] {
		return nil // nothing to do: it counts as delivered
	}
	if err := s.update(payment); err != nil {
		return err
	}
	s.applied[event.Key()] = true
	return nil
}

// rejection is the status code for a notification that the verifier rejects.
func rejection(err error) int {
	switch {
	case errors.Is(err, jovepay.ErrIPNTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, jovepay.ErrMalformedIPN):
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}
