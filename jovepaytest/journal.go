package jovepaytest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

// maxLine bounds a line of a journal.
const maxLine = 16 << 20

// Request is one request that the server received.
type Request struct {
	ID     string    `json:"id"` // as in the x-request-id header of the response
	Time   time.Time `json:"-"`  // by the server's clock
	Method string    `json:"method"`
	Path   string    `json:"path"`  // decoded
	Query  string    `json:"query"` // as it was sent
	Body   string    `json:"body"`  // its first 4 KiB; empty for a login

	// Status is that of the response; 0 if there was none, or not yet.
	Status int `json:"status"`
	// Handled reports whether the request got as far as JovePay, so that it had
	// its effect if it was valid.
	Handled bool `json:"handled"`
	// Fault reports whether a [Fault] hit it.
	Fault bool `json:"fault"`
}

// Requests returns the requests that the server received, the oldest first. It
// remembers the last 100,000 requests and actions at least.
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

// Entry is one thing that happened. Exactly one of Request, Action and Delivery
// is set.
//
// In JSON it is an object with the same members, without those that are zero;
// text that is not UTF-8 is an object with the member base64.
type Entry struct {
	// Number counts requests and actions from 1, in the order in which they
	// began. A delivery has none.
	Number int `json:"number"`
	// Time is by the server's clock: when the request had been read, the action
	// began, or the notification's event happened.
	Time time.Time `json:"time"`

	Request  *Exchange     `json:"request"`  // a request to the API and its response
	Action   *ActionRecord `json:"action"`   // an action that was done
	Delivery *Delivery     `json:"delivery"` // an attempt to deliver a notification
}

// Exchange is a request and its response.
type Exchange struct {
	Request
	RawPath     string     `json:"raw_path"` // the path as it was sent, if Path is not enough
	ContentType string     `json:"content_type"`
	Key         Credential `json:"key"`        // the x-api-key header
	Token       Credential `json:"token"`      // the bearer token
	BodySize    int        `json:"body_size"`  // in bytes, of all that came; one over the limit if it was too large
	Incomplete  bool       `json:"incomplete"` // the client left before the end of the body

	// Response is the first 4 KiB of the response's body, as it was before any
	// [Fault] changed its delivery. ResponseSHA256 is set for a longer one: the
	// SHA-256 of all of it, in hexadecimal.
	Response       string `json:"response"`
	ResponseSHA256 string `json:"response_sha256"`
}

// Credential is the sort of key or token that came with a request. It is empty
// if none came.
type Credential string

// The sorts of credentials.
const (
	CredentialValid   = Credential(emulator.CredentialValid)
	CredentialExpired = Credential(emulator.CredentialExpired) // a token of this server, too old
	CredentialWrong   = Credential(emulator.CredentialWrong)
)

// ActionRecord is an [Action] that was done, whether by a method of [Server] or
// by [Action.Do].
type ActionRecord struct {
	Name      string         `json:"name"`
	Arguments jsontext.Value `json:"arguments"` // an object
	Result    jsontext.Value `json:"result"`    // a payment as the API shows it, for example; nil if there is none
	Error     string         `json:"error"`     // why it failed; empty otherwise, and until it has ended
}

// Journal returns what has happened so far in one order: every request with its
// response, every action, and every attempt to deliver a notification. It
// remembers the last 100,000 requests and actions at least, and as many
// deliveries.
//
// Two runs with the same seed, the same [WithFrozenClock] and the same calls,
// one after the other, give the same journal, on another port too:
//
//   - Requests and actions are in the order in which they began. Deliveries are
//     where the notification's event happened, before the next request or
//     action, in the order of its number and the attempts. Which of two shops
//     was served first is not shown, nor when: their Started and Ended are zero.
//   - What is in progress is shown as it is now: call [Server.WaitDeliveries]
//     first, and also before [Server.SetIPN], which changes attempts to come.
//   - The Next of [Hits] goes to whoever comes first; their Percent does not.
//   - The server's own address reads http://jovepay.invalid.
//
// It holds no secret of the account: keys, passwords and tokens are missing, or
// read "[secret]". What a shop put into a notification's URL or an order's
// description is in it.
func (s *Server) Journal() []Entry {
	entries := s.api.Entries()
	deliveries := s.ipns.Deliveries()
	journal := make([]Entry, 0, len(entries)+len(deliveries))
	done := 0
	deliver := func(number int) { // deliveries up to and including the number
		for ; done < len(deliveries) && deliveries[done].Number <= number; done++ {
			d := newDelivery(deliveries[done])
			d.Started, d.Ended = time.Time{}, time.Time{}
			d.URL, d.Body = s.api.Scrub(d.URL), s.api.Scrub(d.Body)
			journal = append(journal, Entry{Time: deliveries[done].At, Delivery: &d})
		}
	}
	for _, e := range entries {
		deliver(e.Notified)
		journal = append(journal, s.entry(e))
	}
	if len(deliveries) > 0 {
		deliver(deliveries[len(deliveries)-1].Number)
	}
	return journal
}

func (s *Server) entry(e emulator.Entry) Entry {
	entry := Entry{Number: e.Number, Time: e.Time}
	if a := e.Action; a != nil {
		entry.Action = &ActionRecord{Name: a.Name, Arguments: a.Arguments, Result: a.Result, Error: a.Error}
		return entry
	}
	x := e.Exchange
	entry.Request = &Exchange{
		Request:        Request(x.Request),
		RawPath:        x.RawPath,
		ContentType:    x.ContentType,
		Key:            Credential(x.Key),
		Token:          Credential(x.Token),
		BodySize:       x.BodySize,
		Incomplete:     x.Incomplete,
		Response:       x.Response,
		ResponseSHA256: x.ResponseSHA256,
	}
	entry.Request.Query, entry.Request.Body = s.api.Scrub(x.Query), s.api.Scrub(x.Body)
	return entry
}

// WriteJournal writes [Server.Journal] as JSON lines: an [Entry] a line.
// [Server.Replay] repeats it, [ReadJournal] reads it.
func (s *Server) WriteJournal(w io.Writer) error {
	for _, entry := range s.Journal() {
		line, err := entry.MarshalJSON()
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return fmt.Errorf("jovepaytest: write the journal: %w", err)
		}
	}
	return nil
}

// line is an entry without its methods.
type line Entry

// MarshalJSON writes the entry.
func (e Entry) MarshalJSON() ([]byte, error) { return json.Marshal(line(e), journalJSON(identity)) }

// UnmarshalJSON reads what MarshalJSON writes, and nothing else.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l, journalJSON(identity)); err != nil {
		return err
	}
	*e = Entry(l)
	if e.Request != nil {
		e.Request.Time = e.Time
	}
	return e.check()
}

// check rejects what no server writes.
func (e *Entry) check() error {
	kinds := 0
	for _, is := range []bool{e.Request != nil, e.Action != nil, e.Delivery != nil} {
		if is {
			kinds++
		}
	}
	switch x := e.Request; {
	case kinds != 1:
		return fmt.Errorf("want one of request, action and delivery, got %d", kinds)
	case e.Time.IsZero():
		return errors.New("the time is missing")
	case e.Delivery != nil && (e.Number != 0 || e.Delivery.Number < 1):
		return errors.New("the number of a delivery is its notification's")
	case e.Delivery != nil && (!e.Delivery.Started.IsZero() || !e.Delivery.Ended.IsZero()):
		return errors.New("the delivery has times")
	case e.Delivery == nil && e.Number < 1:
		return errors.New("the number is missing")
	case x != nil && (x.Method == "" || !x.Key.known() || !x.Token.known()):
		return errors.New("the request has no method, or a credential that cannot be")
	case x != nil && (x.BodySize < 0 || x.BodySize > emulator.MaxBody+1):
		return fmt.Errorf("the request cannot have had a body of %d bytes", x.BodySize) // which a replay would fill up
	}
	return nil
}

func (c Credential) known() bool {
	return c == "" || c == CredentialValid || c == CredentialExpired || c == CredentialWrong
}

// ReadJournal reads what [Server.WriteJournal] has written. It is strict: if a
// line is not one of a journal, or lines are missing between the first and the
// last, the error has the number of the line.
func ReadJournal(r io.Reader) ([]Entry, error) {
	entries, err := readLines(r)
	if err != nil {
		return nil, fmt.Errorf("jovepaytest: journal: %w", err)
	}
	return entries, nil
}

func readLines(r io.Reader) (entries []Entry, err error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	next := 0
	for scanner.Scan() {
		var e Entry
		if err := e.UnmarshalJSON(scanner.Bytes()); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(entries)+1, err)
		}
		if e.Number != 0 {
			if next != 0 && e.Number != next {
				return nil, fmt.Errorf("line %d: number %d follows %d", len(entries)+1, e.Number, next-1)
			}
			next = e.Number + 1
		}
		entries = append(entries, e)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", len(entries)+1, err)
	}
	return entries, nil
}
