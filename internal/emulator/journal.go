package emulator

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// Bounds of what the journal remembers.
const (
	maxEntries       = 100_000
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

// Exchange is a request with what is necessary to repeat it and to compare the
// responses. It is documented in package jovepaytest.
type Exchange struct {
	Request
	RawPath     string // as it was sent, if Path is not enough
	ContentType string
	Key, Token  Credential
	BodySize    int  // of all that came, but no more than one byte too many
	Incomplete  bool // the client left before the end of the body

	Response       string
	ResponseSHA256 string // of the whole response, if it is longer than what is kept
}

// Credential is the sort of key or token that came with a request.
type Credential string

// What a credential can be. None is the empty text.
const (
	CredentialValid   Credential = "valid"
	CredentialExpired Credential = "expired"
	CredentialWrong   Credential = "wrong"
)

// Action is something that was done to the server other than by a request. It
// is documented in package jovepaytest.
type Action struct {
	Name              string
	Arguments, Result []byte // JSON
	Error             string
}

// Entry is a request or an action, and its place among the notifications.
type Entry struct {
	Number   int // from 1
	Time     time.Time
	Notified int // the last notification before it
	Exchange *Exchange
	Action   *Action
}

// journal remembers the last requests and actions, in the order in which they
// began.
type journal struct {
	seed     uint64
	scrub    scrubber
	notified func() int // nil: there are no notifications

	mu       sync.Mutex
	entries  int
	requests int64
	list     []*Entry
	open     int           // requests in progress
	news     chan struct{} // closed when an entry begins or ends; nil: nobody waits
}

// add gives the entry the next place. It is called under the lock.
func (j *journal) add(entry *Entry) {
	j.entries++
	entry.Number = j.entries
	if j.notified != nil {
		entry.Notified = j.notified()
	}
	if len(j.list) >= 2*maxEntries {
		kept := copy(j.list, j.list[len(j.list)-maxEntries:])
		clear(j.list[kept:])
		j.list = j.list[:kept]
	}
	j.list = append(j.list, entry)
	j.wake()
}

// wake wakes those who wait. It is called under the lock.
func (j *journal) wake() {
	if j.news != nil {
		close(j.news)
		j.news = nil
	}
}

// begin adds a request that was just read, whole unless err is set.
func (j *journal) begin(r *http.Request, body []byte, err error, at time.Time) *Exchange {
	x := &Exchange{
		Request:     Request{Time: at, Method: r.Method, Path: j.scrub.secrets(r.URL.Path), Query: j.scrub.secrets(r.URL.RawQuery)},
		RawPath:     j.scrub.secrets(r.URL.RawPath),
		ContentType: j.scrub.secrets(r.Header.Get("Content-Type")),
		Incomplete:  err != nil && !tooLarge(err),
	}
	hidden := private(r.URL.Path, body) // a password does not go into journals
	if !hidden {
		x.Body = j.scrub.secrets(string(body[:min(len(body), maxJournaledBody)]))
	}
	if !hidden || len(body) > maxJournaledBody {
		x.BodySize = len(body)
		if tooLarge(err) {
			x.BodySize++ // it was longer than what was read
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests++
	x.ID = engine.RequestID(j.seed, j.requests)
	j.add(&Entry{Time: at, Exchange: x})
	j.open++
	return x
}

// know records what is known about a request before it is handled.
func (j *journal) know(x *Exchange, key, token Credential, fault bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	x.Key, x.Token, x.Fault = key, token, fault
}

func (j *journal) markHandled(x *Exchange) {
	j.mu.Lock()
	defer j.mu.Unlock()
	x.Handled = true
}

func (j *journal) respond(x *Exchange, res *response) {
	body := j.scrub.body(res.body)
	sum := ""
	if len(body) > maxJournaledBody {
		body, sum = body[:maxJournaledBody], fingerprint(body)
	}
	text := string(body)
	j.mu.Lock()
	defer j.mu.Unlock()
	x.Status, x.Response, x.ResponseSHA256 = res.status, text, sum
}

// end records that a request is done.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open--
	j.wake()
}

// wait returns when there is an entry of the number, and no request is in
// progress.
func (j *journal) wait(ctx context.Context, number int) error {
	for {
		j.mu.Lock()
		if j.entries >= number && j.open == 0 {
			j.mu.Unlock()
			return nil
		}
		if j.news == nil {
			j.news = make(chan struct{})
		}
		news := j.news
		j.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// act adds an action that begins.
func (j *journal) act(name string, arguments []byte, at time.Time) *Action {
	a := &Action{Name: name, Arguments: []byte(j.scrub.all(string(arguments)))}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(&Entry{Time: at, Action: a})
	return a
}

// finish records how an action ended.
func (j *journal) finish(a *Action, result []byte, failure string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if result != nil {
		a.Result = []byte(j.scrub.all(string(result)))
	}
	a.Error = j.scrub.all(failure)
}

// copies returns the entries as they are now.
func (j *journal) copies() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries := make([]Entry, len(j.list))
	for i, entry := range j.list {
		entries[i] = entry.clone()
	}
	return entries
}

// entry returns the entry of the number as it is now.
func (j *journal) entry(number int) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := number - 1 - (j.entries - len(j.list))
	if i < 0 || i >= len(j.list) {
		return Entry{}, false
	}
	return j.list[i].clone(), true
}

// clone returns a copy that the journal no longer changes.
func (e Entry) clone() Entry {
	if e.Exchange != nil {
		x := *e.Exchange
		e.Exchange = &x
	} else {
		a := *e.Action
		e.Action = &a
	}
	return e
}

// requestCopies returns the requests among the entries.
func (j *journal) requestCopies() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	requests := make([]Request, 0, len(j.list))
	for _, entry := range j.list {
		if entry.Exchange != nil {
			requests = append(requests, entry.Exchange.Request)
		}
	}
	return requests
}

func (j *journal) count(method, path string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, entry := range j.list {
		if x := entry.Exchange; x != nil && matches(method, path, x.Method, x.Path) {
			n++
		}
	}
	return n
}
