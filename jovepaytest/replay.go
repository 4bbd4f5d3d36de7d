package jovepaytest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go/internal/emulator"
)

// Bounds in real time: how long to wait for a request that never got a response,
// and how long one may take to get from the client to the journal.
const (
	patience = time.Second
	passage  = 10 * time.Second
)

// Difference is an entry of a journal whose repetition came out differently.
type Difference struct {
	Line int // of the journal, from 1
	Want Entry
	Got  Entry
}

// String returns it as one line.
func (d Difference) String() string {
	return fmt.Sprintf("line %d: %s: want %s, got %s", d.Line, d.Want.what(), d.Want.outcome(), d.Got.outcome())
}

func (e *Entry) what() string {
	switch x, a := e.Request, e.Action; {
	case x != nil:
		return x.Method + " " + x.Path
	case a != nil:
		return a.Name + " " + string(a.Arguments)
	default:
		return "no request and no action"
	}
}

func (e *Entry) outcome() string {
	switch x, a := e.Request, e.Action; {
	case x == nil && a == nil:
		return "nothing"
	case x != nil && x.Status == 0:
		return fmt.Sprintf("no response (handled: %t)", x.Handled)
	case x != nil:
		return fmt.Sprintf("%d %s%s", x.Status, x.Response, x.ResponseSHA256)
	case a.Error != "":
		return "error " + a.Error
	default:
		return "result " + string(a.Result)
	}
}

// Replay repeats the requests and actions of a journal, one after the other, and
// returns those that came out differently, in their order. The first is often the
// cause of the others. The journal is one of [Server.WriteJournal]; its
// deliveries are not compared.
//
// The server must be new: its journal must be empty, and nobody else may call it
// in the meantime. With the seed, the options and the [WithFrozenClock] of the
// first server everything comes out the same, if the requests did not overlap.
// With a running clock the times differ.
//
// Requests are sent over HTTP. Where the account's key or token was sent, the
// server's own is; where a wrong or expired one was, such a one is. A login has
// the account's e-mail and password, or a wrong password if it was rejected. A
// body longer than the 4 KiB that a journal keeps is padded with spaces. A request
// that never got a response is given up after a second. Notifications go to the
// same addresses.
//
// Before each entry the clock is moved to the entry's time, or as far ahead of it
// as the server was at the start. A clock is never moved back.
//
// If the journal cannot be read, the error has the number of the line, and
// nothing is done. If the context ends or an entry cannot be repeated, the
// differences so far are returned with the error.
func (s *Server) Replay(ctx context.Context, r io.Reader) ([]Difference, error) {
	replay, err := s.newReplay(r)
	if err != nil {
		return nil, fmt.Errorf("jovepaytest: replay: %w", err)
	}
	defer replay.client.CloseIdleConnections()
	var differences []Difference
	for i, want := range replay.entries {
		if want.Delivery != nil {
			continue
		}
		got, err := replay.redo(ctx, want)
		if err != nil {
			return differences, fmt.Errorf("jovepaytest: replay: line %d: %s: %w", i+1, want.what(), err)
		}
		if !same(&want, &got) {
			differences = append(differences, Difference{Line: i + 1, Want: want, Got: got})
		}
	}
	return differences, nil
}

// same reports whether two entries had the same outcome.
func same(want, got *Entry) bool {
	switch {
	case want.Request != nil && got.Request != nil:
		w, g := want.Request, got.Request
		return w.Status == g.Status && w.Handled == g.Handled && w.Fault == g.Fault &&
			w.Response == g.Response && w.ResponseSHA256 == g.ResponseSHA256
	case want.Action != nil && got.Action != nil:
		w, g := want.Action, got.Action
		if w.Name == waitDeliveries().Name && g.Name == w.Name {
			return true // how long it waited is the shops' doing
		}
		return w.Name == g.Name && bytes.Equal(w.Arguments, g.Arguments) && bytes.Equal(w.Result, g.Result) && w.Error == g.Error
	default:
		return false
	}
}

// replay is one run of a journal.
type replay struct {
	server  *Server
	entries []Entry
	calls   map[int]call // the actions, by their numbers
	client  *http.Client
	ahead   time.Duration // of the journal's time
	stale   string        // a token that has expired
}

func (s *Server) newReplay(r io.Reader) (*replay, error) {
	entries, err := readLines(r)
	if err != nil {
		return nil, err
	}
	p := &replay{server: s, entries: entries, calls: make(map[int]call)}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	if len(s.api.Entries()) > 0 {
		return nil, errors.New("the server is not new: its journal has entries")
	}
	if len(entries) > 0 {
		p.ahead = max(0, s.Now().Sub(entries[0].Time))
	}
	if p.stale, err = s.engine.ExpiredToken(); err != nil {
		return nil, err
	}
	p.client = &http.Client{
		// A kept connection that breaks makes the transport retry.
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

// prepare reads the arguments of all actions.
func (p *replay) prepare() error {
	actions := make(map[string]Action)
	for _, a := range Actions() {
		actions[a.Name] = a
	}
	first := true
	for i, e := range p.entries {
		if first && e.Number > 1 {
			return fmt.Errorf("line %d: the journal begins with entry %d: what was before is not in it", i+1, e.Number)
		}
		first = first && e.Number == 0
		if e.Action == nil {
			continue
		}
		action, known := actions[e.Action.Name]
		if !known {
			return fmt.Errorf("line %d: unknown action %.40q", i+1, e.Action.Name)
		}
		arguments := e.Action.Arguments
		if len(arguments) == 0 {
			arguments = []byte("{}")
		}
		call, err := action.bind(arguments, false, journalJSON(p.own))
		if err != nil {
			return fmt.Errorf("line %d: action %s: %w", i+1, action.Name, err)
		}
		p.calls[e.Number] = call
	}
	return nil
}

// redo repeats one entry, and returns how it came out.
func (p *replay) redo(ctx context.Context, want Entry) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	if d := want.Time.Add(p.ahead).Sub(p.server.Now()); d > 0 {
		if _, err := p.server.engine.MoveClock(d); err != nil {
			return Entry{}, err
		}
		p.server.pace.Wake()
	}
	var err error
	if want.Action != nil {
		p.act(ctx, want)
	} else {
		err = p.ask(ctx, want.Request)
	}
	arriving, cancel := context.WithTimeout(ctx, passage)
	defer cancel()
	if late := p.server.api.WaitFor(arriving, want.Number); late != nil {
		return Entry{}, cmp.Or(ctx.Err(), err, late)
	}
	got, ok := p.server.api.Entry(want.Number)
	if !ok {
		return Entry{}, errors.New("the server's journal has forgotten it")
	}
	return p.server.entry(got), ctx.Err()
}

// act does an action. The journal shows how it ended.
func (p *replay) act(ctx context.Context, want Entry) {
	switch want.Action.Name {
	case waitDeliveries().Name:
		if want.Action.Error != "" {
			// It was canceled. Canceling it immediately keeps the numbers in step.
			canceled, cancel := context.WithCancel(ctx)
			cancel()
			ctx = canceled
		}
	case redeliver().Name:
		_ = p.server.ipns.Wait(ctx) // for the notification to be there
	}
	_, _ = p.calls[want.Number](ctx, p.server)
}

// ask sends a request. The journal shows the response; the error says why, if
// the request does not get there.
func (p *replay) ask(ctx context.Context, x *Exchange) error {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	if x.Status == 0 {
		asking, cancel = context.WithTimeout(asking, patience)
		defer cancel()
	}
	r, err := p.request(asking, x)
	if err != nil {
		return err
	}
	response, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // a fault may cut it short
	return nil
}

// request makes the request that was sent, with credentials of the same sort.
func (p *replay) request(ctx context.Context, x *Exchange) (*http.Request, error) {
	address, err := url.Parse(p.server.URL)
	if err != nil {
		return nil, err
	}
	address.Path, address.RawPath, address.RawQuery = x.Path, x.RawPath, p.own(x.Query)
	body := p.own(x.Body)
	if x.Method == http.MethodPost && x.Path == "/v1/auth" {
		body = p.login(x)
	}
	body += strings.Repeat(" ", max(0, x.BodySize-len(body)))
	r, err := http.NewRequestWithContext(ctx, x.Method, address.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if x.Incomplete {
		r.ContentLength++
		r.Body = io.NopCloser(io.MultiReader(r.Body, broken{}))
		r.GetBody = nil
	}
	if x.ContentType != "" {
		r.Header.Set("Content-Type", x.ContentType)
	}
	switch x.Key {
	case CredentialValid:
		r.Header.Set("X-Api-Key", p.server.APIKey)
	case CredentialWrong, CredentialExpired:
		r.Header.Set("X-Api-Key", "wrong")
	}
	switch x.Token {
	case CredentialValid:
		token, err := p.server.engine.Login(p.server.Email, p.server.Password)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	case CredentialExpired:
		r.Header.Set("Authorization", "Bearer "+p.stale)
	case CredentialWrong:
		r.Header.Set("Authorization", "Bearer wrong")
	}
	return r, nil
}

// own returns the text with this server's address in place of the journal's.
func (p *replay) own(text string) string {
	return strings.ReplaceAll(text, emulator.OwnAddress, p.server.URL)
}

// login is the body of a login that comes out as it did.
func (p *replay) login(x *Exchange) string {
	body := struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}{p.server.Email, p.server.Password}
	switch x.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return "{}"
	case http.StatusUnauthorized:
		body.Password = "wrong"
	}
	text, _ := json.Marshal(body) // two strings
	return string(text)
}

// broken is the end of a body that never comes.
type broken struct{}

// Read fails.
func (broken) Read([]byte) (int, error) { return 0, errors.New("the client left") }
