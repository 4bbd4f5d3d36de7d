package jovepaytest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator"
)

// maxLine bounds a line of a journal.
const maxLine = 16 << 20

// The line of an entry.
type (
	entryLine struct {
		Number   int           `json:"number"`
		Time     time.Time     `json:"time"`
		Request  *exchangeLine `json:"request"`
		Action   *actionLine   `json:"action"`
		Delivery *deliveryLine `json:"delivery"`
	}

	exchangeLine struct {
		ID           string     `json:"id"`
		Method       string     `json:"method"`
		Path         string     `json:"path"`
		RawPath      string     `json:"raw_path"`
		Query        string     `json:"query"`
		ContentType  string     `json:"content_type"`
		Key          Credential `json:"key"`
		Token        Credential `json:"token"`
		Body         string     `json:"body"`
		BodySize     int        `json:"body_size"`
		Incomplete   bool       `json:"incomplete"`
		Handled      bool       `json:"handled"`
		Fault        bool       `json:"fault"`
		Status       int        `json:"status"`
		Answer       string     `json:"answer"`
		AnswerSHA256 string     `json:"answer_sha256"`
	}

	actionLine struct {
		Name      string         `json:"name"`
		Arguments jsontext.Value `json:"arguments"`
		Result    jsontext.Value `json:"result"`
		Error     string         `json:"error"`
	}

	deliveryLine struct {
		Number     int                   `json:"number"`
		Attempt    int                   `json:"attempt"`
		RepeatOf   int                   `json:"repeat_of"`
		PaymentID  string                `json:"payment_id"`
		Status     jovepay.PaymentStatus `json:"status"`
		URL        string                `json:"url"`
		Form       jovepay.IPNForm       `json:"form"`
		Body       string                `json:"body"`
		Signature  string                `json:"signature"`
		Corrupted  bool                  `json:"corrupted"`
		Forged     bool                  `json:"forged"`
		Outcome    DeliveryOutcome       `json:"outcome"`
		StatusCode int                   `json:"status_code"`
		Error      string                `json:"error"`
	}
)

// MarshalJSON writes the entry.
func (e Entry) MarshalJSON() ([]byte, error) {
	line := entryLine{Number: e.Number, Time: e.Time}
	if x := e.Request; x != nil {
		line.Request = &exchangeLine{
			ID: x.ID, Method: x.Method, Path: x.Path, RawPath: x.RawPath, Query: x.Query,
			ContentType: x.ContentType, Key: x.Key, Token: x.Token,
			Body: x.Body, BodySize: x.BodySize, Incomplete: x.Incomplete,
			Handled: x.Handled, Fault: x.Fault, Status: x.Status,
			Answer: x.Answer, AnswerSHA256: x.AnswerSHA256,
		}
	}
	if a := e.Action; a != nil {
		line.Action = &actionLine{a.Name, jsontext.Value(a.Arguments), jsontext.Value(a.Result), a.Error}
	}
	if d := e.Delivery; d != nil {
		line.Delivery = &deliveryLine{
			d.Number, d.Attempt, d.RepeatOf, d.PaymentID.String(), d.Status, d.URL, d.Form, d.Body,
			d.Signature, d.Corrupted, d.Forged, d.Outcome, d.StatusCode, d.Error,
		}
	}
	return json.Marshal(line, journalJSON(asItIs))
}

// UnmarshalJSON reads what MarshalJSON writes, and nothing else.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var line entryLine
	if err := json.Unmarshal(text, &line, journalJSON(asItIs)); err != nil {
		return err
	}
	*e = Entry{Number: line.Number, Time: line.Time}
	kinds := 0
	if x := line.Request; x != nil {
		kinds++
		e.Request = &Exchange{
			Request: Request{
				ID: x.ID, Time: line.Time, Method: x.Method, Path: x.Path, Query: x.Query, Body: x.Body,
				Status: x.Status, Handled: x.Handled, Fault: x.Fault,
			},
			RawPath: x.RawPath, ContentType: x.ContentType, Key: x.Key, Token: x.Token,
			BodySize: x.BodySize, Incomplete: x.Incomplete,
			Answer: x.Answer, AnswerSHA256: x.AnswerSHA256,
		}
	}
	if a := line.Action; a != nil {
		kinds++
		e.Action = &Action{Name: a.Name, Arguments: []byte(a.Arguments), Result: []byte(a.Result), Error: a.Error}
	}
	if d := line.Delivery; d != nil {
		kinds++
		e.Delivery = &Delivery{
			Number: d.Number, Attempt: d.Attempt, RepeatOf: d.RepeatOf, PaymentID: jovepay.ID(d.PaymentID), Status: d.Status,
			URL: d.URL, Form: d.Form, Body: d.Body, Signature: d.Signature,
			Corrupted: d.Corrupted, Forged: d.Forged, Outcome: d.Outcome, StatusCode: d.StatusCode, Error: d.Error,
		}
	}
	if kinds != 1 {
		return fmt.Errorf("want one of request, action and delivery, got %d", kinds)
	}
	return e.check()
}

// check refuses what no server writes.
func (e *Entry) check() error {
	switch x := e.Request; {
	case e.Time.IsZero():
		return errors.New("the time is missing")
	case e.Delivery != nil && (e.Number != 0 || e.Delivery.Number < 1):
		return errors.New("the number of a delivery is its notification's")
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

// ReadJournal reads what [Server.WriteJournal] has written. It is strict: what
// is not such a journal, whole from the first line it has, is an error with the
// number of the line.
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
