package jovepaytest

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/jovepay/jovepay-go"
)

// argumentJSON is how [Action.Do] reads arguments.
func argumentJSON() json.Options {
	return json.JoinOptions(json.RejectUnknownMembers(true), json.WithUnmarshalers(readDuration()))
}

// journalJSON is how the journal writes and reads: strictly, without what is
// zero, and the same in every run. Text that is not UTF-8 is an object:
// {"base64":"..."}. The function changes every text before it is written and
// after it is read; it reaches what base64 hides.
func journalJSON(change func(string) string) json.Options {
	return json.JoinOptions(
		json.Deterministic(true),
		json.OmitZeroStructFields(true),
		json.RejectUnknownMembers(true),
		jsontext.AllowInvalidUTF8(true), // the names of a fault's headers
		json.WithMarshalers(json.JoinMarshalers(
			writeDuration(),
			writeText[string](change), writeText[jovepay.ID](change), writeText[jovepay.IPNForm](change),
			writeText[jovepay.PaymentStatus](change), writeText[jovepay.WithdrawalStatus](change),
		)),
		json.WithUnmarshalers(json.JoinUnmarshalers(
			readDuration(),
			readText[string](change), readText[jovepay.ID](change), readText[jovepay.IPNForm](change),
			readText[jovepay.PaymentStatus](change), readText[jovepay.WithdrawalStatus](change),
		)),
	)
}

// identity returns the text.
func identity(text string) string { return text }

// A duration is written as Go writes it: "1h30m0s".
func writeDuration() *json.Marshalers {
	return json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
		return enc.WriteToken(jsontext.String(d.String()))
	})
}

func readDuration() *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, d *time.Duration) error {
		if dec.PeekKind() != '"' {
			return errors.New("want a duration such as \"1h30m\"")
		}
		token, err := dec.ReadToken()
		if err == nil {
			*d, err = time.ParseDuration(token.String())
		}
		return err
	})
}

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
