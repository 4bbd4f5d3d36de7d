package jovepaytest

import (
	"net/http"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

// Fault is something that goes wrong with requests. Its first fields say with
// which, the others what goes wrong:
//
//	{Cut: true}                                     closed without a byte; nothing took effect
//	{Cut: true, AfterEffect: true}                  closed without a byte, after the effect
//	{Hang: true}                                    no answer until the client gives up
//	{Status: 503}                                   JovePay's error, nothing took effect
//	{Status: 500, AfterEffect: true}                an error after the effect
//	{Status: 502, Body: BadGatewayPage}             a proxy's page
//	{Status: 200, Body: "garbage"}                  an answer that is no JSON
//	{Status: 429, Header: http.Header{"Retry-After": {"2"}}}
//	{Status: 307, Header: http.Header{"Location": {"https://elsewhere.example/"}}}
//	{Header: http.Header{"Content-Type": {"text/html"}}}
//	{Truncate: 10}                                  the last 10 bytes are missing
//	{Size: 64 << 20}                                64 MiB
//	{Drip: time.Second}                             a byte a second
//	{Delay: time.Minute}                            late
type Fault struct {
	// Method and Path are of the requests that are hit. "" is any; a path
	// that ends in * is any that begins so, as in /v1/payment/*.
	Method, Path string
	// Skip lets so many of these requests pass before the first hit.
	Skip int
	// Times is after how many hits the fault is gone; 0 is never.
	Times int
	// Percent of these requests are hit, the same ones for the same seed; 0
	// is all.
	Percent int

	// AfterEffect lets the request take effect before anything goes wrong.
	// Otherwise Cut, Hang and Status keep it from taking effect, and so does
	// Delay if the client gives up meanwhile.
	AfterEffect bool

	// Delay passes before the answer, in real time.
	Delay time.Duration
	// Hang holds the answer back until the client gives up or the server is
	// closed.
	Hang bool
	// Cut closes the connection without an answer.
	Cut bool

	// Status, Header and Body are sent in place of the server's own. A Status
	// of 400 or more without Body has an error in JovePay's form as its body.
	// The Content-Type is that of JSON if the Body is, else it is detected. A
	// header with no values is left out.
	Status int
	Header http.Header
	Body   string
	// Empty sends no body.
	Empty bool

	// Size repeats the body until it has so many bytes, without announcing
	// the length.
	Size int64
	// Truncate closes the connection so many bytes before the end of the body.
	Truncate int
	// Drip sends the body byte by byte, so far apart.
	Drip time.Duration
}

// BadGatewayPage is what a proxy in front of an API that is down likes to send
// with status 502.
const BadGatewayPage = `<!DOCTYPE html>
<html>
<head><title>502 Bad Gateway</title></head>
<body><h1>Bad gateway</h1><p>The web server reported a bad gateway error.</p></body>
</html>
`

// Inject lets things go wrong from now on. Where several faults match a
// request, the one injected first hits it. A fault that contradicts itself is
// an error, and then none is injected.
func (s *Server) Inject(faults ...Fault) error {
	inject := make([]emulator.Fault, len(faults))
	for i, f := range faults {
		inject[i] = emulator.Fault(f)
	}
	return s.set("Inject", arguments{Faults: faults}, func() error { return invalid(s.api.Inject(inject...)) })
}

// ClearFaults makes everything go right again.
func (s *Server) ClearFaults() {
	_ = s.set("ClearFaults", arguments{}, func() error { s.api.ClearFaults(); return nil }) // Err tells what could not be saved
}
