package emulator

import (
	"net/http"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Bounds of what the journal remembers.
const (
	maxRequests      = 100_000
	maxJournaledBody = 4 << 10
)

// Request is one request as the journal has it. It is documented in package
// jovepaytest, whose Request has the same fields.
type Request struct {
	ID      string
	Time    time.Time
	Method  string
	Path    string
	Query   string
	Body    string
	Status  int
	Handled bool
	Fault   bool
}

// journal remembers the last requests.
type journal struct {
	seed uint64
	mu   sync.Mutex
	seen int64
	list []*Request
}

// open adds a request that was just read.
func (j *journal) open(r *http.Request, body []byte, at time.Time, fault bool) *Request {
	entry := &Request{Time: at, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Fault: fault}
	if r.URL.Path != "/v1/auth" { // a password does not go into journals
		entry.Body = string(body[:min(len(body), maxJournaledBody)])
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen++
	entry.ID = engine.RequestID(j.seed, j.seen)
	if len(j.list) >= 2*maxRequests {
		j.list = append(j.list[:0], j.list[len(j.list)-maxRequests:]...)
	}
	j.list = append(j.list, entry)
	return entry
}

func (j *journal) handled(entry *Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Handled = true
}

func (j *journal) answered(entry *Request, status int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Status = status
}

func (j *journal) copies() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	requests := make([]Request, len(j.list))
	for i, entry := range j.list {
		requests[i] = *entry
	}
	return requests
}

func (j *journal) count(method, path string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, entry := range j.list {
		if matches(method, path, entry.Method, entry.Path) {
			n++
		}
	}
	return n
}
