package jovepaytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
)

// Action is one thing that can be done to a [Server]: by the customer, the
// network, JovePay's staff or the merchant. [Actions] lists all of them. Each
// is a method of Server too, which takes Go's types where Do takes JSON.
//
// The journal, [Server.Replay], the sandbox's control API, the commands below
// "jovepay sandbox" and the buttons of its pages are made from this list.
type Action struct {
	// Name is that of the method of Server, and in the journal: DepositWrongAsset.
	Name string
	// Command is the name of the command below "jovepay sandbox": wrong-asset.
	Command string
	// Route is the call of the control API, with arguments in braces:
	// POST payments/{id}/wrong-asset.
	Route string
	// Group is who does it: one of [Groups].
	Group string
	// Summary says in one line what it does, and Details says more about it.
	Summary, Details string
	// Arguments are those that it has, the required ones first.
	Arguments []Argument
	// Returns names the result, such as payment; empty if there is none.
	Returns string
	// Waits reports whether Do waits for the shop to respond, or until ctx ends.
	Waits bool
	// Label is that of the button that does it to a payment, with no other
	// argument; empty if it has none.
	Label string

	applies func(p *jovepay.Payment) bool   // nil: always
	blocked func(p *jovepay.Payment) string // nil: never
	bind    func(text []byte, check bool, opts json.Options) (call, error)
}

// call is an action with its arguments.
type call func(ctx context.Context, s *Server) (result []byte, err error)

// Argument is one argument of an [Action].
type Argument struct {
	Name        string // of the member of the JSON object, and in braces in the Route
	Usage       string // what it is, in a few words
	Placeholder string // the kind of its values: amount, duration, n, url, ...; empty for a boolean
	Optional    bool
	Example     string // a value that works, as text; empty if examples do without it

	kind argumentKind
}

type argumentKind int

const (
	kindText argumentKind = iota
	kindAmount
	kindDuration
	kindNumber
	kindBool
	kindList // of texts
	kindJSON // any other
)

// Do does the action to the server. The arguments are a JSON object, or empty
// for none; amounts are numbers or strings, durations strings such as 1h30m.
// An argument that the action does not have and a required one that is missing
// or null are errors. The result is JSON, or nil if there is none.
func (a Action) Do(ctx context.Context, s *Server, arguments []byte) ([]byte, error) {
	if len(arguments) == 0 {
		arguments = []byte("{}")
	}
	call, err := a.read(arguments)
	if err != nil {
		return nil, invalid(err)
	}
	return call(ctx, s)
}

func (a Action) read(arguments []byte) (call, error) {
	var given map[string]jsontext.Value
	err := json.Unmarshal(arguments, &given)
	if err == nil && given == nil { // null
		err = errNoObject
	}
	if err != nil {
		return nil, explain(err)
	}
	for _, argument := range a.Arguments {
		value, ok := given[argument.Name]
		if !argument.Optional && (!ok || value.Kind() == jsontext.KindNull) {
			return nil, fmt.Errorf("%s is required", argument.Name)
		}
	}
	call, err := a.bind(arguments, true, argumentJSON())
	if err != nil {
		return nil, explain(err)
	}
	return call, nil
}

// Applies reports whether the action is one for payments such as this, whatever
// its status.
func (a Action) Applies(p *jovepay.Payment) bool { return a.applies == nil || a.applies(p) }

// Blocked says in a sentence why the action cannot be done to the payment now.
// It is empty if it can, or if only trying shows.
func (a Action) Blocked(p *jovepay.Payment) string {
	if a.blocked == nil {
		return ""
	}
	return a.blocked(p)
}

// JSON returns a value that a person wrote as the argument's JSON. A list is
// separated by commas. The error for a value of another kind, such as an empty
// amount, names the argument.
func (a Argument) JSON(text string) ([]byte, error) {
	switch a.kind {
	case kindAmount:
		amount, err := jovepay.ParseAmount(text)
		if err != nil { // empty too: it is not the same as a missing one
			return nil, fmt.Errorf("%s: %s", a.Name, strings.TrimPrefix(err.Error(), "jovepay: "))
		}
		return json.Marshal(amount.String())
	case kindDuration:
		if _, err := time.ParseDuration(text); err != nil {
			return nil, fmt.Errorf("%s: want a duration such as \"1h30m\", got %.40q", a.Name, text)
		}
		return json.Marshal(text)
	case kindNumber:
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: want a whole number, got %.40q", a.Name, text)
		}
		return strconv.AppendInt(nil, number, 10), nil
	case kindBool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%s: want true or false, got %.40q", a.Name, text)
		}
		return strconv.AppendBool(nil, value), nil
	case kindList:
		list := []string{}
		if text != "" {
			list = strings.Split(text, ",")
		}
		return json.Marshal(list)
	case kindJSON:
		if value := jsontext.Value(text); !value.IsValid() {
			return nil, fmt.Errorf("%s: want JSON, got %.40q", a.Name, text)
		}
		return []byte(text), nil
	default:
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%s: want text in UTF-8, got %.40q", a.Name, text)
		}
		return json.Marshal(text)
	}
}

// verb is an action with the types of its arguments and of its result, and with
// one function that does it.
type verb[A, R any] struct {
	Action
	do   func(s *Server, a A) (R, error)
	wait func(ctx context.Context, s *Server, a A) (R, error) // instead, if it waits for something
}

// none is the type of no arguments, and of no result.
type none struct{}

// perform does an action that does not wait.
func perform[A, R any](s *Server, v verb[A, R], a A) (R, error) {
	return record(s, v.Name, a, func() (R, error) { return v.do(s, a) })
}

// performWaiting does an action that waits.
func performWaiting[A, R any](ctx context.Context, s *Server, v verb[A, R], a A) (R, error) {
	return record(s, v.Name, a, func() (R, error) { return v.wait(ctx, s, a) })
}

// record does an action with an entry in the journal. What it changes is saved
// when it returns.
func record[A, R any](s *Server, name string, a A, do func() (R, error)) (R, error) {
	text, err := json.Marshal(a, journalJSON(s.api.Scrub))
	if err != nil {
		var nothing R
		return nothing, wrap(err)
	}
	entry := s.api.Act(name, text)
	result, err := do()
	var raw []byte
	if err == nil {
		raw, err = resultJSON(result)
	}
	if failure := s.api.Finish(entry, raw, err); err == nil && failure != nil {
		err = wrap(failure)
	}
	return result, err
}

func resultJSON(result any) ([]byte, error) {
	switch r := result.(type) {
	case *jovepay.Payment:
		return r.Raw, nil
	case *jovepay.WithdrawalEvent:
		return r.Raw, nil
	case *jovepay.RecurringPaymentEvent:
		return r.Raw, nil
	case none:
		return nil, nil
	default:
		return json.Marshal(r)
	}
}

// composer is arguments that are made from others before the action is done.
type composer interface{ compose() error }

// action forgets the types.
func (v verb[A, R]) action() Action {
	a := v.Action
	a.Arguments = argumentsOf(reflect.TypeFor[A]())
	a.Returns = resultOf[R]()
	a.Waits = v.wait != nil
	a.bind = func(text []byte, check bool, opts json.Options) (call, error) {
		var arguments A
		if err := json.Unmarshal(text, &arguments, opts); err != nil {
			return nil, err
		}
		if c, ok := any(&arguments).(composer); ok && check {
			if err := c.compose(); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context, s *Server) ([]byte, error) {
			do := func() (R, error) { return v.do(s, arguments) }
			if v.wait != nil {
				do = func() (R, error) { return v.wait(ctx, s, arguments) }
			}
			result, err := record(s, v.Name, arguments, do)
			if err != nil {
				return nil, err
			}
			return resultJSON(result)
		}, nil
	}
	return a
}

func resultOf[R any]() string {
	switch any(*new(R)).(type) {
	case *jovepay.Payment:
		return "payment"
	case *jovepay.WithdrawalEvent:
		return "withdrawal"
	case *jovepay.RecurringPaymentEvent:
		return "recurring payment"
	case clockResult:
		return "time"
	default:
		return ""
	}
}

// argumentsOf reads the fields of a struct: their types and tags say everything
// about the arguments.
func argumentsOf(t reflect.Type) []Argument {
	var required, optional []Argument
	for field := range t.Fields() {
		name, rest, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		a := Argument{Name: name, Usage: field.Tag.Get("usage"), Example: field.Tag.Get("example"), Optional: rest != ""}
		a.Placeholder, a.kind = kindOf(field.Type)
		if placeholder := field.Tag.Get("placeholder"); placeholder != "" {
			a.Placeholder = placeholder
		}
		if a.Optional {
			optional = append(optional, a)
		} else {
			required = append(required, a)
		}
	}
	return append(required, optional...)
}

func kindOf(t reflect.Type) (placeholder string, kind argumentKind) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[jovepay.Amount]():
		return "amount", kindAmount
	case reflect.TypeFor[jovepay.ID]():
		return "id", kindText
	case reflect.TypeFor[time.Duration]():
		return "duration", kindDuration
	case reflect.TypeFor[jsontext.Value](), reflect.TypeFor[http.Header]():
		return "json", kindJSON
	}
	switch t.Kind() {
	case reflect.Bool:
		return "", kindBool
	case reflect.Int, reflect.Int64:
		return "n", kindNumber
	case reflect.Slice:
		return "list", kindList
	case reflect.String:
		return "text", kindText
	default:
		return "json", kindJSON
	}
}

var errNoObject = errors.New("the arguments must be an object")

// explain says what is wrong with arguments without Go's names for it.
func explain(err error) error {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return errors.New(strings.TrimPrefix(err.Error(), "jsontext: "))
	}
	switch name := semantic.JSONPointer.LastToken(); {
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("unknown argument %.40q", name)
	case name == "":
		return errNoObject
	case semantic.Err != nil:
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(semantic.Err.Error(), "jovepay: "))
	default:
		return fmt.Errorf("%s must not be of the type %v", name, semantic.JSONKind)
	}
}
