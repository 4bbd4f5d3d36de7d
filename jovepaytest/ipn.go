package jovepaytest

import (
	"context"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/internal/emulator/ipn"
)

// IPNBehavior is how notifications are sent. The zero value is how JovePay
// means to: each event once, at once, in order, in the js form. The other
// values are what happens to shops all the same.
type IPNBehavior struct {
	// Forms are the forms to sign in. Of several, every attempt has one that
	// is drawn by the seed; of none it is [jovepay.FormJS].
	Forms []jovepay.IPNForm
	// CamelCase names the members as JovePay's shop plugins read them, instead
	// of as the guide shows them. The plugins' form is [jovepay.FormRaw].
	CamelCase bool

	// Copies is how often each event is delivered, 1000 times at most; 0 and 1
	// are once.
	Copies int
	// Shuffle delivers the events of a payment, with those of further deposits to
	// its address, in another order, drawn by the seed: so many of them, copies
	// included, are collected and shuffled. They wait for each other for a
	// second at most, or until [Server.WaitDeliveries]. 0 and 1 keep the order.
	Shuffle int
	// AtOnce delivers these events at the same time. Otherwise each one waits
	// until the one before was delivered or given up.
	AtOnce bool
	// Delay passes before the first attempt, in real time.
	Delay time.Duration

	// Retries is how often an event is sent again that was not answered with a
	// 2xx status, and Interval how long after the answer or timeout, in real
	// time; nil is what [WithIPNRetries] says. Both count when an attempt fails.
	Retries  *int
	Interval *time.Duration
	// Timeout is how long a shop may take to answer from the next attempt on, in
	// real time; 0 is what [WithIPNTimeout] says.
	Timeout time.Duration

	// Lose keeps events, or copies, from ever arriving. JovePay does not
	// notice, and does not send them again.
	Lose Hits
	// Corrupt changes one byte after signing, a digit where there is one, in
	// single attempts: what is sent again may be whole.
	Corrupt Hits
	// Forge signs single attempts with a secret that is not the account's.
	Forge Hits
}

// Hits says which ones are hit: the next few, and after those some percent,
// drawn by the seed. The zero value is none.
type Hits struct {
	Next    int
	Percent int
}

// SetIPN changes how notifications are sent, those included that have been
// under way since before; only CamelCase, Copies, Shuffle, AtOnce and Delay
// are of the moment at which the event happened. A behavior that makes no
// sense is an error and changes nothing.
func (s *Server) SetIPN(b IPNBehavior) error {
	forms := make([]string, len(b.Forms))
	for i, form := range b.Forms {
		forms[i] = string(form)
	}
	return s.set("SetIPN", arguments{IPN: &b}, func() error {
		return invalid(s.ipns.SetBehavior(ipn.Behavior{
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
		}))
	})
}

// WaitDeliveries returns when every notification of what has happened so far
// was delivered or given up, or with an error when the context or the server
// ends. What is due by the server's clock happens first.
func (s *Server) WaitDeliveries(ctx context.Context) error {
	return s.set(actionWait, arguments{}, func() error { return wrap(s.ipns.Wait(ctx)) })
}

// SendIPN signs a body of the test's own making and delivers it like any other
// notification: see [IPNBehavior]. It returns when every copy was answered
// with a 2xx status, or why one was not. When the context ends it returns, and
// the delivery goes on. [IPNBody] makes bodies of every kind.
func (s *Server) SendIPN(ctx context.Context, url string, body []byte) error {
	return s.set("SendIPN", arguments{URL: url, Body: string(body)}, func() error {
		return wrap(s.ipns.Send(ctx, ipn.Notification{
			URL: url, At: s.engine.Now(),
			Body: func(bool) ([]byte, error) { return body, nil },
		}))
	})
}

// Redeliver sends a notification of [Server.Deliveries] once more: byte for
// byte as it was at its last attempt, with the same signature, lost ones
// included. It returns when the shop has answered with a 2xx status, or why it
// has not; like any other it is sent again if it fails. It is told as a
// notification of its own, with RepeatOf. Of an [IPNBehavior] only Retries,
// Interval and Timeout count for it. Where the number has nothing that was signed
// it is an error.
func (s *Server) Redeliver(ctx context.Context, number int) error {
	return s.set(actionRedeliver, arguments{Number: number}, func() error {
		return wrap(s.ipns.Again(ctx, number, s.engine.Now()))
	})
}

// Sign returns the signature that the server sends with the body in the given
// form. [jovepay.FormRaw] takes any body; for the other forms one that is
// malformed is an error.
func (s *Server) Sign(body []byte, form jovepay.IPNForm) (string, error) {
	signature, err := ipn.Sign(s.IPNSecret, body, string(form))
	return signature, wrap(err)
}
