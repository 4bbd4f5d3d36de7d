// Package emulator serves the engine as JovePay's HTTP API, with faults on
// demand and a journal.
//
// It is an http.Handler without a listener, so that it runs under any server.
// Its responses follow JovePay's guide and, where the guide is silent, the
// API that JovePay's mirrors, with that API's inconsistencies (a payment id is
// a string in one response and a number in the next), so that a client has to
// cope with them. It is stricter about requests than a gateway need be: an
// unknown field or parameter is rejected, since in a test it is a spelling
// mistake.
package emulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// MaxBody is the largest request body that is read, in bytes.
const MaxBody = 100 << 10

// Config sets up an API. Engine is required.
type Config struct {
	Engine *engine.Engine
	// Seed decides the request ids, and which requests a fault of some percent
	// hits.
	Seed uint64
	// PageURL is where the hosted pages are; every invoice_url begins with it.
	PageURL string
	// Latency is how long every response takes.
	Latency time.Duration
	// Save makes what has happened in the engine outlive the process. It is
	// called before every response; nil has nothing to save.
	Save func() error
	// Wake is called when something is due that the engine's Watch does not report;
	// nil: nobody waits.
	Wake func()
	// Notified returns the number of the last notification; nil: there are none.
	Notified func() int
}

// API is JovePay's HTTP API. It is safe for concurrent use.
type API struct {
	engine  *engine.Engine
	pageURL string
	latency time.Duration
	save    func() error
	wake    func()
	mux     *http.ServeMux
	journal journal
	faults  faults
}

// New returns the API of an engine.
func New(cfg Config) *API {
	a := &API{
		engine:  cfg.Engine,
		pageURL: cfg.PageURL,
		latency: cfg.Latency,
		save:    cfg.Save,
		wake:    cfg.Wake,
		mux:     http.NewServeMux(),
		journal: journal{
			seed:     cfg.Seed,
			scrub:    newScrubber(cfg.Engine.Account(), cfg.PageURL),
			notified: cfg.Notified,
		},
		faults: faults{seed: cfg.Seed},
	}
	a.routes()
	return a
}

// ServeHTTP responds to one request. A fault or the latency may hold the response
// back; that ends with the request's context, by cutting the connection. A request
// that came as a whole has its effect even if the client has left, unless a fault
// keeps it from it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	entry := a.journal.begin(r, body, err, a.settle())
	defer a.journal.end()
	fault := a.faults.take(r)
	key, token := a.credentials(r)
	a.journal.know(entry, key, token, fault != nil)
	if fault == nil {
		fault = &Fault{}
	}
	d := delivery{w: w, ctx: r.Context(), latency: a.latency, fault: fault}

	if err != nil && !tooLarge(err) {
		d.cut() // half a request has no effect
		return
	}
	alive := true
	if fault.waits() {
		if alive = d.survives(); !alive && (fault.Hang || fault.Cut) {
			return
		}
	}
	res := newResponse()
	switch {
	case fault.Status != 0 && fault.waits():
		// The request never gets as far as JovePay.
	case err != nil:
		writeStatus(res, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "request body is too large")
	default:
		res = a.handle(r, fault.EffectAfter)
		a.journal.markHandled(entry)
		if a.saves() != nil {
			res = newResponse()
			writeStatus(res, http.StatusInternalServerError, "INTERNAL_ERROR", "internal error")
		}
	}
	if !alive || !fault.waits() && !d.survives() {
		return
	}
	res.header.Set("X-Request-Id", entry.ID)
	w.Header().Set("Date", a.engine.Now().Format(http.TimeFormat)) // by the clock that payments are dated by
	fault.change(res)
	// Before the response: the client may look it up immediately.
	a.journal.respond(entry, res)
	d.send(res)
}

func tooLarge(err error) bool {
	_, is := errors.AsType[*http.MaxBytesError](err)
	return is
}

// settle lets everything happen that was due before a request or an action, so
// that it stands before it in the journal, and returns the time.
func (a *API) settle() time.Time {
	a.engine.CatchUp()
	_ = a.saves() // what fails is tried again before the response
	return a.engine.Now()
}

func (a *API) saves() error {
	if a.save == nil {
		return nil
	}
	return a.save()
}

// readBody reads the whole body, without which the server would not notice
// that the client left, and lets the endpoints read it again.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// handle lets a request have its effect, and responds as JovePay would. A creation
// has it after the time; there is no response to it yet.
func (a *API) handle(r *http.Request, after time.Duration) *response {
	res := newResponse()
	if after == 0 {
		a.route(res, r)
		return res
	}
	a.route(newResponse(), postpone(r, after))
	if a.wake != nil {
		a.wake()
	}
	return res
}

// route responds as JovePay would.
func (a *API) route(res *response, r *http.Request) {
	if r.URL.Path != path.Clean("/"+r.URL.Path) {
		noEndpoint(res, r) // where the mux would redirect
		return
	}
	a.mux.ServeHTTP(res, r)
}

// Inject adds faults. The first one that matches a request hits it. None is
// added if one of them contradicts itself.
func (a *API) Inject(faults ...Fault) error { return a.faults.inject(faults) }

// ClearFaults removes all faults.
func (a *API) ClearFaults() { a.faults.clear() }

// Act adds an action to the journal, which begins now.
func (a *API) Act(name string, arguments []byte) *Action {
	return a.journal.act(name, arguments, a.settle())
}

// Finish saves what an action has changed, and records how it ended: with a
// result, or with an error, which it returns.
func (a *API) Finish(action *Action, result []byte, err error) error {
	if err == nil {
		err = a.saves()
	}
	failure := ""
	if err != nil {
		result, failure = nil, err.Error()
	}
	a.journal.finish(action, result, failure)
	return err
}

// Entries returns the requests and actions so far, the oldest first. What is due
// happens before.
func (a *API) Entries() []Entry {
	a.settle()
	return a.journal.copies()
}

// Scrub returns the text as it may be in the journal: without the account's
// secrets, and without the server's address.
func (a *API) Scrub(text string) string { return a.journal.scrub.all(text) }

// Entry returns the entry of the number, if it is still there.
func (a *API) Entry(number int) (Entry, bool) { return a.journal.entry(number) }

// WaitFor returns when there is an entry of the number and no request is in
// progress, or when the context has ended.
func (a *API) WaitFor(ctx context.Context, number int) error { return a.journal.wait(ctx, number) }

// Requests returns the requests so far, the oldest first.
func (a *API) Requests() []Request { return a.journal.requestCopies() }

// Count returns how many requests of the journal have the method and path, in
// the terms of [Fault].
func (a *API) Count(method, path string) int { return a.journal.count(method, path) }
