package jovepaytest

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

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
// In JSON it is an object that says the same, without what is zero; text that
// is not UTF-8 is an object with the member base64.
type Entry struct {
	// Number counts requests and actions from 1, in the order in which they
	// began. A delivery has none.
	Number int
	// Time is by the server's clock: when the request had been read, the action
	// began, or what the notification tells of happened.
	Time time.Time

	Request  *Exchange // a request to the API and its answer
	Action   *Action   // a call of one of the server's methods
	Delivery *Delivery // an attempt to deliver a notification
}

// Exchange is a request and its answer.
type Exchange struct {
	Request
	RawPath     string // the path as it was sent, where Path does not tell
	ContentType string
	Key         Credential // the x-api-key header
	Token       Credential // the bearer token
	BodySize    int        // in bytes, of all that came; one over the limit if it was too large
	Incomplete  bool       // the client left before the end of the body

	// Answer is the body that was answered, its first 4 KiB: as it was meant,
	// whatever a [Fault] made of it on the way. A longer one has the SHA-256 of
	// all of it, in hexadecimal.
	Answer       string
	AnswerSHA256 string
}

// Credential tells of what sort a key or token was that came with a request.
// The empty one is that none came.
type Credential string

// The sorts of credentials.
const (
	CredentialValid   = Credential(emulator.CredentialValid)
	CredentialExpired = Credential(emulator.CredentialExpired) // a token of this server, too old
	CredentialWrong   = Credential(emulator.CredentialWrong)
)

// Action is a call of a method of [Server] that changes something, or waits:
// the customer, the network, and whoever runs the shop's account.
type Action struct {
	Name      string          // of the method
	Arguments json.RawMessage // an object
	Result    json.RawMessage // the payment as the API shows it, say; nil if there is none
	Error     string          // why it failed; empty otherwise, and until it has ended
}

// Journal returns what has happened so far in one order: every request with its
// answer, every action, and every attempt to deliver a notification. It
// remembers the last 100,000 requests and actions at least, and as many
// deliveries.
//
// Two runs with the same seed, the same [WithFrozenClock] and the same calls,
// one after the other, give the same journal, on another port too. So it has
// no place for chance:
//
//   - Requests and actions stand in the order in which they began. Deliveries
//     stand where the notification came about, before the next request or
//     action, in the order of its number and the attempts: which of two shops
//     was served first is not told, nor when. Their Started and Ended are zero.
//   - What is under way is told as it is by now: call [Server.WaitDeliveries]
//     first, and also before [Server.SetIPN], which changes attempts to come.
//   - The Next of [Hits] goes to whoever comes first; their Percent does not.
//   - The server's own address reads http://jovepay.invalid.
//
// It holds no secret of the account: keys, passwords and tokens are left out,
// or read "[secret]". What a shop put into a notification's address or an
// order's description is in it.
func (s *Server) Journal() []Entry {
	entries := s.api.Entries()
	deliveries := s.ipns.Deliveries()
	journal := make([]Entry, 0, len(entries)+len(deliveries))
	told := 0
	tell := func(number int) { // deliveries up to and with the number
		for ; told < len(deliveries) && deliveries[told].Number <= number; told++ {
			d := newDelivery(deliveries[told])
			d.Started, d.Ended = time.Time{}, time.Time{}
			d.URL, d.Body = s.api.Scrub(d.URL), s.api.Scrub(d.Body)
			journal = append(journal, Entry{Time: deliveries[told].At, Delivery: &d})
		}
	}
	for _, e := range entries {
		tell(e.Notified)
		journal = append(journal, s.entry(e))
	}
	if len(deliveries) > 0 {
		tell(deliveries[len(deliveries)-1].Number)
	}
	return journal
}

func (s *Server) entry(e emulator.Entry) Entry {
	entry := Entry{Number: e.Number, Time: e.Time}
	if a := e.Action; a != nil {
		entry.Action = &Action{Name: a.Name, Arguments: a.Arguments, Result: a.Result, Error: a.Error}
		return entry
	}
	x := e.Exchange
	entry.Request = &Exchange{
		Request:      Request(x.Request),
		RawPath:      x.RawPath,
		ContentType:  x.ContentType,
		Key:          Credential(x.Key),
		Token:        Credential(x.Token),
		BodySize:     x.BodySize,
		Incomplete:   x.Incomplete,
		Answer:       x.Answer,
		AnswerSHA256: x.AnswerSHA256,
	}
	entry.Request.Query, entry.Request.Body = s.api.Scrub(x.Query), s.api.Scrub(x.Body)
	return entry
}

// WriteJournal writes [Server.Journal] as JSON lines: an [Entry] a line.
// [Server.Replay] does it all again, [ReadJournal] reads it.
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
