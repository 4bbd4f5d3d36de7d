package jovepaytest

import (
	"context"
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
	IPN        *IPNBehaviour      `json:"ipn,omitzero"`
	URL        string             `json:"url,omitzero"`
	Body       anyText            `json:"body,omitzero"`
	Number     int                `json:"number,omitzero"`
	Withdrawal *WithdrawalRequest `json:"withdrawal,omitzero"`
	Recurring  *RecurringRequest  `json:"recurring,omitzero"`
}

// act does what changes the server: with an entry in the journal, and saved
// when it returns.
func act[R any](s *Server, name string, a arguments, do func() (R, error)) (R, error) {
	text, err := json.Marshal(a, journalJSON())
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
		"Pay":     func(_ context.Context, s *Server, a arguments) error { return second(s.Pay(a.ID, a.Amount)) },
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
		"Withdraw":      func(_ context.Context, s *Server, a arguments) error { return second(s.Withdraw(value(a.Withdrawal))) },
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
// strictly, without what is zero, and the same in every run.
func journalJSON() json.Options {
	return json.JoinOptions(
		json.Deterministic(true),
		json.OmitZeroStructFields(true),
		json.RejectUnknownMembers(true),
		jsontext.AllowInvalidUTF8(true),
		json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
			return enc.WriteToken(jsontext.String(d.String()))
		})),
		json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, d *time.Duration) error {
			token, err := dec.ReadToken()
			if err == nil {
				*d, err = time.ParseDuration(token.String())
			}
			return err
		})),
	)
}

// anyText is text that need not be UTF-8, in which case it is written as an
// object: {"base64":"..."}.
type anyText string

type encoded struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSONTo writes the text.
func (t anyText) MarshalJSONTo(enc *jsontext.Encoder) error {
	if utf8.ValidString(string(t)) {
		return enc.WriteToken(jsontext.String(string(t)))
	}
	return json.MarshalEncode(enc, encoded{[]byte(t)})
}

// UnmarshalJSONFrom reads the text.
func (t *anyText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return json.UnmarshalDecode(dec, (*string)(t))
	}
	var e encoded
	err := json.UnmarshalDecode(dec, &e)
	*t = anyText(e.Base64)
	return err
}
