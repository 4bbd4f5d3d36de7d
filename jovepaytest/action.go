package jovepaytest

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/engine"
)

// arguments are those of every action; each has some of them.
type arguments struct {
	ID         jovepay.ID         `json:"id,omitzero"`
	Amount     jovepay.Amount     `json:"amount,omitzero"`
	Currency   string             `json:"currency,omitzero"`
	Currencies []string           `json:"currencies,omitzero"`
	Status     string             `json:"status,omitzero"`
	Duration   time.Duration      `json:"duration,omitzero"`
	Faults     []Fault            `json:"faults,omitzero"`
	IPN        *IPNBehavior       `json:"ipn,omitzero"`
	URL        string             `json:"url,omitzero"`
	Body       string             `json:"body,omitzero"`
	Number     int                `json:"number,omitzero"`
	Withdrawal *WithdrawalRequest `json:"withdrawal,omitzero"`
	Recurring  *RecurringRequest  `json:"recurring,omitzero"`
}

// act does what changes the server: with an entry in the journal, and saved
// when it returns.
func act[R any](s *Server, name string, a arguments, do func() (R, error)) (R, error) {
	text, err := json.Marshal(a, journalJSON(s.api.Scrub))
	if err != nil {
		var none R
		return none, wrap(err)
	}
	action := s.api.Act(name, text)
	result, err := do()
	var raw []byte
	if err == nil {
		raw, err = resultJSON(result)
	}
	if failure := s.api.Acted(action, raw, err); err == nil && failure != nil {
		err = wrap(failure)
	}
	return result, err
}

// actOn is act for an action on a payment or an invoice.
func (s *Server) actOn(name string, a arguments, do func(number int64) (engine.Payment, error)) (*jovepay.Payment, error) {
	return act(s, name, a, func() (*jovepay.Payment, error) { return s.change(a.ID, do) })
}

// set is act for an action without a result.
func (s *Server) set(name string, a arguments, do func() error) error {
	_, err := act(s, name, a, func() (nothing, error) { return nothing{}, do() })
	return err
}

type nothing struct{}

func resultJSON(result any) ([]byte, error) {
	switch r := result.(type) {
	case *jovepay.Payment:
		return r.Raw, nil
	case *jovepay.WithdrawalEvent:
		return r.Raw, nil
	case *jovepay.RecurringPaymentEvent:
		return r.Raw, nil
	case nothing:
		return nil, nil
	default:
		return json.Marshal(r)
	}
}

// The actions that a replay treats in their own way.
const (
	actionRedeliver = "Redeliver"
	actionWait      = "WaitDeliveries"
)

// redo does an action of a journal again.
type redo func(ctx context.Context, s *Server, a arguments) error

// actions are those that change the server, by the names of their methods.
func actions() map[string]redo {
	return map[string]redo{
		"Pay":     func(_ context.Context, s *Server, a arguments) error { return second(s.PayAmount(a.ID, a.Amount)) },
		"Deposit": func(_ context.Context, s *Server, a arguments) error { return second(s.Deposit(a.ID, a.Amount)) },
		"DepositWrongAsset": func(_ context.Context, s *Server, a arguments) error {
			return second(s.DepositWrongAsset(a.ID, a.Currency, a.Amount))
		},
		"Refund":  func(_ context.Context, s *Server, a arguments) error { return second(s.Refund(a.ID)) },
		"Expire":  func(_ context.Context, s *Server, a arguments) error { return second(s.Expire(a.ID)) },
		"Advance": func(_ context.Context, s *Server, a arguments) error { return second(s.Advance(a.ID)) },
		"SetStatus": func(_ context.Context, s *Server, a arguments) error {
			return second(s.SetStatus(a.ID, jovepay.PaymentStatus(a.Status)))
		},
		"CheckOut":      func(_ context.Context, s *Server, a arguments) error { return second(s.CheckOut(a.ID, a.Currency)) },
		"SetPrice":      func(_ context.Context, s *Server, a arguments) error { return s.SetPrice(a.Currency, a.Amount) },
		"SetMinimum":    func(_ context.Context, s *Server, a arguments) error { return s.SetMinimum(a.Currency, a.Amount) },
		"SetCurrencies": func(_ context.Context, s *Server, a arguments) error { return s.SetCurrencies(a.Currencies...) },
		"SetTokenLifetime": func(_ context.Context, s *Server, a arguments) error {
			return s.SetTokenLifetime(a.Duration)
		},
		"Withdraw": func(_ context.Context, s *Server, a arguments) error { return second(s.Withdraw(value(a.Withdrawal))) },
		"SetWithdrawalStatus": func(_ context.Context, s *Server, a arguments) error {
			return second(s.SetWithdrawalStatus(a.ID, jovepay.WithdrawalStatus(a.Status)))
		},
		"Recur": func(_ context.Context, s *Server, a arguments) error { return second(s.Recur(value(a.Recurring))) },
		"SetRecurringStatus": func(_ context.Context, s *Server, a arguments) error {
			return second(s.SetRecurringStatus(a.ID, jovepay.WithdrawalStatus(a.Status)))
		},
		"MoveClock":     func(_ context.Context, s *Server, a arguments) error { return second(s.MoveClock(a.Duration)) },
		"Inject":        func(_ context.Context, s *Server, a arguments) error { return s.Inject(a.Faults...) },
		"ClearFaults":   func(_ context.Context, s *Server, _ arguments) error { s.ClearFaults(); return nil },
		"SetIPN":        func(_ context.Context, s *Server, a arguments) error { return s.SetIPN(value(a.IPN)) },
		"SendIPN":       func(ctx context.Context, s *Server, a arguments) error { return s.SendIPN(ctx, a.URL, []byte(a.Body)) },
		actionRedeliver: func(ctx context.Context, s *Server, a arguments) error { return s.Redeliver(ctx, a.Number) },
		actionWait:      func(ctx context.Context, s *Server, _ arguments) error { return s.WaitDeliveries(ctx) },
	}
}

func second[T any](_ T, err error) error { return err }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// journalJSON is how the journal writes and reads what has no form of its own:
// strictly, without what is zero, and the same in every run. Text that is not
// UTF-8 is an object: {"base64":"..."}. The function changes every text before it
// is written and after it is read; it reaches what base64 hides.
func journalJSON(change func(string) string) json.Options {
	return json.JoinOptions(
		json.Deterministic(true),
		json.OmitZeroStructFields(true),
		json.RejectUnknownMembers(true),
		jsontext.AllowInvalidUTF8(true), // the names of a fault's headers
		json.WithMarshalers(json.JoinMarshalers(
			json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
				return enc.WriteToken(jsontext.String(d.String()))
			}),
			writeText[string](change), writeText[jovepay.ID](change),
			writeText[jovepay.IPNForm](change), writeText[jovepay.PaymentStatus](change),
		)),
		json.WithUnmarshalers(json.JoinUnmarshalers(
			json.UnmarshalFromFunc(func(dec *jsontext.Decoder, d *time.Duration) error {
				token, err := dec.ReadToken()
				if err == nil {
					*d, err = time.ParseDuration(token.String())
				}
				return err
			}),
			readText[string](change), readText[jovepay.ID](change),
			readText[jovepay.IPNForm](change), readText[jovepay.PaymentStatus](change),
		)),
	)
}

// asItIs changes nothing.
func asItIs(text string) string { return text }

type encoded struct {
	Base64 []byte `json:"base64"`
}

func writeText[T ~string](change func(string) string) *json.Marshalers {
	return json.MarshalToFunc(func(enc *jsontext.Encoder, t T) error {
		text := change(string(t))
		if kind, written := enc.StackIndex(enc.StackDepth()); utf8.ValidString(text) || kind == '{' && written%2 == 0 {
			return enc.WriteToken(jsontext.String(text)) // a name cannot be an object
		}
		return json.MarshalEncode(enc, encoded{[]byte(text)})
	})
}

func readText[T ~string](change func(string) string) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, t *T) error {
		switch dec.PeekKind() {
		case '"':
			token, err := dec.ReadToken()
			*t = T(change(token.String()))
			return err
		case '{':
			var e encoded
			err := json.UnmarshalDecode(dec, &e)
			*t = T(change(string(e.Base64)))
			return err
		default:
			return errors.ErrUnsupported // it is read as if there were no such function
		}
	})
}
