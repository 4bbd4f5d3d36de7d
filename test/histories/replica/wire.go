package main

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"

	"github.com/jovepay/jovepay-go/test/histories"
)

// wire sends requests to JovePay, and holds those that create a payment.
type wire struct {
	next http.RoundTripper
	gate *gate
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/payment" {
		return w.next.RoundTrip(r)
	}
	w.gate.reach(histories.StepRequest)
	written := make(chan struct{})
	sent := sync.OnceFunc(func() {
		w.gate.reach(histories.StepSent)
		close(written)
	})
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent() }}
	response, err := w.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, err
	}
	<-written // the response can arrive while its request is held
	w.gate.reach(histories.StepResponse)
	response.Body = &body{ReadCloser: response.Body, gate: w.gate}
	return response, nil
}

// body is the body of a response.
type body struct {
	io.ReadCloser
	gate *gate
	once sync.Once
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.once.Do(func() { b.gate.reach(histories.StepBody) })
	}
	return n, err
}
