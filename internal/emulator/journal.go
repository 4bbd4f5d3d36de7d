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

// Exchange is a request with what it takes to do it again and to compare the
// answers. It is documented in package jovepaytest.
type Exchange struct {
	Request
	ContentType string
	Key, Token  Credential
	BodySize    int  // of all that was read
	Incomplete  bool // the client left before the end of the body

	Answer       string
	AnswerSHA256 string // of the whole answer, if it is longer than what is kept
}

// Credential is how a key or token was that came with a request.
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

// Entry is a request or an action, and where it stands among the
// notifications.
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
	open     int           // requests under way
	idle     chan struct{} // closed when the last of them ends
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
}

// begin adds a request that was just read, whole unless err is set.
func (j *journal) begin(r *http.Request, body []byte, err error, at time.Time) *Exchange {
	x := &Exchange{
		Request:     Request{Time: at, Method: r.Method, Path: j.scrub.secrets(r.URL.Path), Query: j.scrub.secrets(r.URL.RawQuery)},
		ContentType: j.scrub.secrets(r.Header.Get("Content-Type")),
		BodySize:    len(body),
		Incomplete:  err != nil && !tooLarge(err),
	}
	if !private(r.URL.Path, body) { // a password does not go into journals
		x.Body = j.scrub.secrets(string(body[:min(len(body), maxJournaledBody)]))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests++
	x.ID = engine.RequestID(j.seed, j.requests)
	j.add(&Entry{Time: at, Exchange: x})
	if j.open == 0 {
		j.idle = make(chan struct{})
	}
	j.open++
	return x
}

// know says what is known of a request before it is handled.
func (j *journal) know(x *Exchange, key, token Credential, fault bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	x.Key, x.Token, x.Fault = key, token, fault
}

func (j *journal) handled(x *Exchange) {
	j.mu.Lock()
	defer j.mu.Unlock()
	x.Handled = true
}

func (j *journal) answered(x *Exchange, ans *answer) {
	text := j.scrub.all(string(ans.body))
	sum := ""
	if len(text) > maxJournaledBody {
		text, sum = text[:maxJournaledBody], fingerprint(text)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	x.Status, x.Answer, x.AnswerSHA256 = ans.status, text, sum
}

// end says that nothing more will become of a request.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open--; j.open == 0 {
		close(j.idle)
	}
}

// wait returns when no request is under way.
func (j *journal) wait(ctx context.Context) error {
	j.mu.Lock()
	open, idle := j.open, j.idle
	j.mu.Unlock()
	if open == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
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

// acted says how an action ended.
func (j *journal) acted(a *Action, result []byte, failure string) {
	text := []byte(j.scrub.all(string(result)))
	j.mu.Lock()
	defer j.mu.Unlock()
	a.Result, a.Error = text, j.scrub.all(failure)
}

// copies returns the entries as they are now.
func (j *journal) copies() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries := make([]Entry, len(j.list))
	for i, entry := range j.list {
		entries[i] = *entry
		if entry.Exchange != nil {
			x := *entry.Exchange
			entries[i].Exchange = &x
		} else {
			a := *entry.Action
			entries[i].Action = &a
		}
	}
	return entries
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
