package jovepaytest

import (
	"context"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// IPNBehavior is how notifications are sent. The zero value is how JovePay
// intends to: each event once, immediately, in order, in the js form. The other
// values are what shops have to cope with.
type IPNBehavior struct {
	// Forms are the forms to sign in. Of several, every attempt has one that
	// is drawn by the seed; of none it is [jovepay.FormJS].
	Forms []jovepay.IPNForm `json:"forms,omitzero" usage:"sign in these forms: js, js-arrays, php, python, raw" placeholder:"forms" example:"php"`
	// CamelCase names the members as JovePay's shop plugins read them, instead
	// of as the guide shows them. The plugins' form is [jovepay.FormRaw].
	CamelCase bool `json:"camel_case,omitzero" usage:"name the members in camel case, as JovePay's shop plugins read them"`

	// Copies is how often each event is delivered, 1000 times at most; 0 and 1
	// are once.
	Copies int `json:"copies,omitzero" usage:"deliver each event n times" example:"2"`
	// Shuffle delivers the events of a payment, with those of further deposits to
	// its address, in another order, drawn by the seed: Shuffle events, copies
	// included, are collected and shuffled. They wait for each other for a
	// second at most, or until [Server.WaitDeliveries]. 0 and 1 keep the order.
	Shuffle int `json:"shuffle,omitzero" usage:"collect n events of a payment and deliver them in another order"`
	// AtOnce delivers these events at the same time. Otherwise each one waits
	// until the one before was delivered or given up.
	AtOnce bool `json:"at_once,omitzero" usage:"deliver the events of a payment at the same time"`
	// Delay passes before the first attempt, in real time.
	Delay time.Duration `json:"delay,omitzero" usage:"delay the first attempt"`

	// Retries is how often an event is retried that got no response with a 2xx
	// status, and Interval the pause after the response or timeout, in real
	// time; nil is what [WithIPNRetries] says. Both count when an attempt fails.
	Retries  *int           `json:"retries,omitzero" usage:"retry an undelivered notification up to n times"`
	Interval *time.Duration `json:"interval,omitzero" usage:"pause between two attempts"`
	// Timeout is how long a shop may take to respond from the next attempt on, in
	// real time; 0 is what [WithIPNTimeout] says.
	Timeout time.Duration `json:"timeout,omitzero" usage:"time that a shop may take to respond"`

	// Lose keeps events, or copies, from ever arriving. JovePay does not
	// notice, and does not retry them.
	Lose Hits `json:"lose,omitzero" usage:"lose notifications, as in {\"next\":1,\"percent\":10}"`
	// Corrupt changes one byte after signing, a digit where there is one, in
	// single attempts: a retry may be whole.
	Corrupt Hits `json:"corrupt,omitzero" usage:"change a byte after signing, as in {\"next\":1}"`
	// Forge signs single attempts with a secret that is not the account's.
	Forge Hits `json:"forge,omitzero" usage:"sign with another secret, as in {\"percent\":10}"`
}

// Hits says which ones are hit: the next few, and after those some percent,
// drawn by the seed. The zero value is none.
type Hits struct {
	Next    int `json:"next,omitzero"`
	Percent int `json:"percent,omitzero"`
}

// behavior is the same in the sender's terms.
func (b IPNBehavior) behavior() ipn.Behavior {
	forms := make([]string, len(b.Forms))
	for i, form := range b.Forms {
		forms[i] = string(form)
	}
	return ipn.Behavior{
		Forms:     forms,
		CamelCase: b.CamelCase,
		Copies:    b.Copies,
		Shuffle:   b.Shuffle,
		AtOnce:    b.AtOnce,
		Delay:     b.Delay,
		Retries:   b.Retries,
		Interval:  b.Interval,
		Timeout:   b.Timeout,
		Lose:      ipn.Hits(b.Lose),
		Corrupt:   ipn.Hits(b.Corrupt),
		Forge:     ipn.Hits(b.Forge),
	}
}

// SetIPN changes how notifications are sent, including those in progress; only
// CamelCase, Copies, Shuffle, AtOnce and Delay are of the moment at which the
// event happened. A behavior that makes no sense is an error and changes
// nothing.
func (s *Server) SetIPN(b IPNBehavior) error { return second(perform(s, setIPN(), b)) }

// WaitDeliveries returns when every notification of what has happened so far
// was delivered or given up, or with an error when the context or the server
// ends. What is due by the server's clock happens first.
func (s *Server) WaitDeliveries(ctx context.Context) error {
	return second(performWaiting(ctx, s, waitDeliveries(), none{}))
}

// SendIPN signs a body of the test's own making and delivers it like any other
// notification: see [IPNBehavior]. It returns when the shop has responded to
// every copy with a 2xx status; otherwise the error is [ErrNotDelivered] and
// says why. When the context ends it returns, and the delivery continues.
// [IPNBody] makes bodies of every kind.
func (s *Server) SendIPN(ctx context.Context, url string, body []byte) error {
	return second(performWaiting(ctx, s, sendIPN(), message{URL: url, Text: string(body)}))
}

// Redeliver sends a notification of [Server.Deliveries] once more: byte for
// byte as it was at its last attempt, with the same signature, lost ones
// included. It returns when the shop has responded with a 2xx status; otherwise
// the error is [ErrNotDelivered] and says why. Like any other it is retried if
// it fails. It is a separate notification in the journal, with RepeatOf. Of
// an [IPNBehavior] only Retries, Interval and Timeout count for it. If nothing
// with this number was signed the error is [jovepay.ErrNotFound].
func (s *Server) Redeliver(ctx context.Context, number int) error {
	return second(performWaiting(ctx, s, redeliver(), notificationNumber{number}))
}

// Sign returns the signature that the server sends with the body in the given
// form. [jovepay.FormRaw] takes any body; for the other forms one that is
// malformed is an error.
func (s *Server) Sign(body []byte, form jovepay.IPNForm) (string, error) {
	signature, err := ipn.Sign(s.IPNSecret, body, string(form))
	return signature, wrap(err)
}
