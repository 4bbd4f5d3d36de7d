package jovepaytest

import "time"

// Request is one request that the server got.
type Request struct {
	ID     string    // as in the x-request-id header of the answer
	Time   time.Time // by the server's clock
	Method string
	Path   string // decoded
	Query  string // as it was sent
	Body   string // its first 4 KiB; the body of a login is left out

	// Status is that of the answer; 0 if there was none, or not yet.
	Status int
	// Handled tells whether the request got as far as JovePay, so that it had
	// its effect if it was valid.
	Handled bool
	// Fault tells whether a [Fault] hit it.
	Fault bool
}

// Requests returns what was asked of the server, the oldest first. It
// remembers the last 100,000 requests at least.
func (s *Server) Requests() []Request {
	entries := s.api.Requests()
	requests := make([]Request, len(entries))
	for i, entry := range entries {
		requests[i] = Request(entry)
	}
	return requests
}

// Count returns how many of [Server.Requests] have the method and the path,
// where "" and * mean what they mean in a [Fault].
func (s *Server) Count(method, path string) int { return s.api.Count(method, path) }
