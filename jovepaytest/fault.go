package jovepaytest

import (
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

// Fault is a failure of requests to the API. Its first fields select the
// requests, the others say what fails:
//
//	{Cut: true}                                     closed without a byte; nothing took effect
//	{Cut: true, AfterEffect: true}                  closed without a byte, after the effect
//	{Cut: true, EffectAfter: 3 * time.Minute}       closed without a byte, long before the effect
//	{Hang: true}                                    no response until the client gives up
//	{Status: 503}                                   JovePay's error, nothing took effect
//	{Status: 500, AfterEffect: true}                an error after the effect
//	{Status: 502, Body: BadGatewayPage}             a proxy's page
//	{Status: 200, Body: "garbage"}                  a response that is not JSON
//	{Status: 429, Header: http.Header{"Retry-After": {"2"}}}
//	{Status: 307, Header: http.Header{"Location": {"https://elsewhere.example/"}}}
//	{Header: http.Header{"Content-Type": {"text/html"}}}
//	{Truncate: 10}                                  the last 10 bytes are missing
//	{Size: 64 << 20}                                64 MiB
//	{Drip: time.Second}                             a byte a second
//	{Delay: time.Minute}                            late
type Fault struct {
	// Method and Path are of the requests that are hit. Empty is any; a path
	// that ends in * is any that begins so, as in /v1/payment/*.
	Method string `json:"method,omitzero" usage:"hit requests with this method" placeholder:"method"`
	Path   string `json:"path,omitzero" usage:"hit requests of this path; a * at the end is any rest" placeholder:"path" example:"/v1/estimate"`
	// Skip is the number of these requests that pass before the first hit.
	Skip int `json:"skip,omitzero" usage:"let the first n requests pass"`
	// Times is the number of hits after which the fault is gone; 0 is never.
	Times int `json:"times,omitzero" usage:"hit n requests; 0 is all" example:"1"`
	// Percent of these requests are hit, the same ones for the same seed; 0
	// is all.
	Percent int `json:"percent,omitzero" usage:"hit n percent of the requests; 0 is all"`

	// AfterEffect lets the request take effect first. Otherwise Cut, Hang and
	// Status keep it from taking effect.
	AfterEffect bool `json:"after_effect,omitzero" usage:"fail after the request has taken effect"`
	// EffectAfter lets a create take effect that much later by the server's
	// clock, whether or not its client is still there: the payment or invoice is
	// then checked, priced and created, and the shop is notified. There is no
	// response to it. The request hangs, unless Cut or Status says otherwise.
	// [Server.LateCreates] lists the creates.
	EffectAfter time.Duration `json:"effect_after,omitzero" usage:"let a create take effect that much later, without a response"`

	// Delay passes before the response, in real time, and without AfterEffect
	// before the effect. If the client gives up in the meantime, the request
	// takes effect then.
	Delay time.Duration `json:"delay,omitzero" usage:"delay the response"`
	// Hang holds the response back until the client gives up or the server is
	// closed.
	Hang bool `json:"hang,omitzero" usage:"never respond"`
	// Cut closes the connection without a response.
	Cut bool `json:"cut,omitzero" usage:"close the connection without a response"`

	// Status, Header and Body replace those of the response. A Status of 400 or
	// more without Body has an error in JovePay's form as its body. The
	// Content-Type is that of JSON if the Body is JSON, else it is detected. A
	// header with no values is removed.
	Status int         `json:"status,omitzero" usage:"respond with this status" example:"503"`
	Header http.Header `json:"header,omitzero" usage:"respond with these headers, as in {\"Retry-After\":[\"2\"]}"`
	Body   string      `json:"body,omitzero" usage:"respond with this body"`
	// Empty sends no body.
	Empty bool `json:"empty,omitzero" usage:"respond without a body"`

	// Size repeats the body to Size bytes and omits Content-Length.
	Size int64 `json:"size,omitzero" usage:"repeat the body to n bytes, without Content-Length"`
	// Truncate closes the connection Truncate bytes before the end of the body.
	Truncate int `json:"truncate,omitzero" usage:"close the connection n bytes before the end of the body"`
	// Drip sends the body byte by byte, with this pause between two.
	Drip time.Duration `json:"drip,omitzero" usage:"send the body byte by byte, with this pause"`
}

// BadGatewayPage is a page as proxies send it with status 502 when the API behind
// them is down.
const BadGatewayPage = `<!DOCTYPE html>
<html>
<head><title>502 Bad Gateway</title></head>
<body><h1>Bad gateway</h1><p>The web server reported a bad gateway error.</p></body>
</html>
`

// Inject adds faults to subsequent requests. Of several that match a request,
// the one injected first hits it. A fault that contradicts itself is an error,
// and then none is injected.
func (s *Server) Inject(faults ...Fault) error {
	for _, f := range faults {
		if emulator.Fault(f).Validate() != nil {
			faults = []Fault{f} // fails, which the journal shows
			break
		}
	}
	for _, f := range faults {
		if _, err := perform(s, inject(), f); err != nil {
			return err
		}
	}
	return nil
}

// ClearFaults removes all faults, so that requests succeed again.
func (s *Server) ClearFaults() {
	_, _ = perform(s, clearFaults(), none{}) // Err says what could not be saved
}
