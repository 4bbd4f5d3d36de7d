package histories_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/test/histories"
)

// The model is an order with a price of which nothing is concurrent. It knows what
// the customers of these tests do: a payment is paid exactly, or half of it and then
// more, or it expires. It shares no code with the book.

// news is what happened to a payment.
type news int

const (
	created  news = 0
	expired  news = 1 << (iota - 1)
	finished      // exactly what was asked for came
	partial       // half of it
	child         // more came to the same address
)

// coins are the news of coins.
const coins = finished | partial | child

// payment is a payment in the model. Its further deposit is a part of it.
type payment struct {
	id       jovepay.ID
	coin     string
	news     news
	decided  news // by a person
	accepted bool // as payment of the order

	// The case about it. Its version is 0 if there never was one.
	version  int
	isOpen   bool
	question string
	kind     orders.CaseKind
}

func (p *payment) isLive() bool { return p.news&(expired|finished) == 0 }

// open are the coins that nobody has decided about.
func (p *payment) open() news { return p.news & coins &^ p.decided }

// most is how many payments an order of these tests can have.
const most = 10

// state is an order in the model. States are compared with ==.
type state struct {
	payments            [most]payment // sorted by id
	n                   int
	fulfilled, canceled bool
}

func (s *state) all() []payment { return s.payments[:s.n] }

func (s *state) find(id jovepay.ID) *payment {
	for i := range s.all() {
		if s.payments[i].id == id {
			return &s.payments[i]
		}
	}
	return nil
}

// live returns the id of the live payment in a coin, or "".
func (s *state) live(coin string) jovepay.ID {
	for _, p := range s.all() {
		if p.coin == coin && p.isLive() {
			return p.id
		}
	}
	return ""
}

// add adds a payment. It reports whether the order may have it: there must be no
// other live one in the same coin.
func (s *state) add(id jovepay.ID, coin string) bool {
	if s.n == most || s.live(coin) != "" {
		return false
	}
	s.payments[s.n] = payment{id: id, coin: coin}
	s.n++
	slices.SortFunc(s.all(), func(a, b payment) int { return compareIDs(a.id, b.id) })
	return true
}

func compareIDs(a, b jovepay.ID) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

func (s *state) isClosed() bool { return s.fulfilled || s.canceled }

// winner is the payment that pays for the order by itself, or nil.
func (s *state) winner() *payment {
	if s.isAccepted() || s.canceled && !s.fulfilled {
		return nil
	}
	for i := range s.all() {
		if s.payments[i].open()&finished != 0 {
			return &s.payments[i]
		}
	}
	return nil
}

func (s *state) isAccepted() bool {
	return slices.ContainsFunc(s.all(), func(p payment) bool { return p.accepted })
}

// follow does what follows from a change.
func (s *state) follow() {
	winner := s.winner()
	s.fulfilled = s.fulfilled || winner != nil || s.isAccepted()
	for i := range s.all() {
		p := &s.payments[i]
		kind := orders.CaseUnderpaid
		switch {
		case s.fulfilled:
			kind = orders.CaseFurther
		case s.canceled:
			kind = orders.CaseCanceled
		case p.open()&child != 0:
			kind = orders.CaseTopUp
		}
		if p.open() == 0 || p == winner {
			p.isOpen = false
			continue
		}
		question := fmt.Sprint(kind, p.open())
		if !p.isOpen || question != p.question {
			p.version++
		}
		p.isOpen, p.question, p.kind = true, question, kind
	}
}

// pay is whether a call of Pay can have ended like this.
func (s *state) pay(coin string, outcome histories.Outcome, id jovepay.ID) bool {
	live := s.live(coin)
	coinsSeen := slices.ContainsFunc(s.all(), func(p payment) bool { return p.news&coins != 0 })
	switch outcome {
	case histories.OK:
		return !s.isClosed() && id == live && live != ""
	case histories.Closed:
		return s.isClosed()
	case histories.CoinsSeen:
		return !s.isClosed() && live == "" && coinsSeen
	default:
		return false
	}
}

// handle applies news of a payment.
func (s *state) handle(id jovepay.ID, coin string, what news) bool {
	if s.find(id) == nil && !s.add(id, coin) {
		return false
	}
	s.find(id).news |= what
	s.follow()
	return true
}

func (s *state) cancel() histories.Outcome {
	switch {
	case s.canceled:
		return histories.OK
	case s.fulfilled:
		return histories.Closed
	}
	s.canceled = true
	s.follow()
	return histories.OK
}

// resolve decides the case about a payment.
func (s *state) resolve(id jovepay.ID, version int, decision orders.Decision) histories.Outcome {
	p := s.find(id)
	switch {
	case p == nil || p.version == 0:
		return histories.Unknown
	case !p.isOpen:
		return histories.Resolved
	case p.version != version:
		return histories.CaseChanged
	}
	p.accepted = p.accepted || decision == orders.DecisionAccept && p.kind != orders.CaseFurther
	p.decided |= p.open()
	s.follow()
	return histories.OK
}

// String is what a view of this order shows.
func (s *state) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fulfilled=%t canceled=%t", s.fulfilled, s.canceled)
	for _, p := range s.all() {
		fmt.Fprintf(&b, " %s:%s:%d", p.id, p.coin, p.news)
		if p.version > 0 {
			fmt.Fprintf(&b, ":%s/%d/%t", p.kind, p.version, p.isOpen)
		}
	}
	return b.String()
}

// describe is what a view shows, in the words of the model.
func describe(v *histories.View) string {
	s := state{fulfilled: v.Fulfilled, canceled: v.Canceled}
	parents := map[jovepay.ID]jovepay.ID{}
	for _, p := range v.Payments {
		if p.Parent != "" {
			parents[p.ID] = p.Parent
			continue
		}
		s.payments[s.n] = payment{id: p.ID, coin: p.Coin, news: newsOf(p.Status)}
		s.n++
	}
	slices.SortFunc(s.all(), func(a, b payment) int { return compareIDs(a.id, b.id) })
	for _, parent := range parents {
		if p := s.find(parent); p != nil {
			p.news |= child
		}
	}
	for _, c := range v.Cases {
		if p := s.find(aboutOf(c, parents)); p != nil {
			p.version, p.isOpen, p.kind = c.Version, c.Open, c.Kind
		}
	}
	return s.String()
}

// aboutOf returns the first payment to the address that a case is about.
func aboutOf(c histories.Case, parents map[jovepay.ID]jovepay.ID) jovepay.ID {
	if len(c.Payments) == 0 {
		return ""
	}
	return cmp.Or(parents[c.Payments[0]], c.Payments[0])
}

func newsOf(status jovepay.PaymentStatus) news {
	switch status {
	case jovepay.PaymentExpired:
		return expired
	case jovepay.PaymentFinished:
		return finished
	case jovepay.PaymentPartiallyPaid:
		return partial
	}
	return created
}

// verb is what an operation does.
type verb string

const (
	doCreate  verb = "create" // a part of a call of Pay: it may make a payment known
	doPay     verb = "pay"    // what it returns
	doHandle  verb = "handle"
	doCancel  verb = "cancel"
	doResolve verb = "resolve"
	doGet     verb = "get"
)

// input is what was called.
type input struct {
	verb     verb
	coin     string
	id       jovepay.ID
	news     news
	version  int
	decision orders.Decision
}

// output is how it ended. Unknown may have had its effect, or not.
type output struct {
	outcome histories.Outcome
	id      jovepay.ID
	view    string
}

// model returns the model of an order, for which JovePay has made these payments.
func model(made []*jovepay.Payment) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{}} },
		Step: func(before, in, out any) (after []any) {
			for _, s := range step(before.(state), in.(input), out.(output), made) {
				after = append(after, s)
			}
			return after
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
		DescribeState: func(one any) string {
			s := one.(state)
			return s.String()
		},
	}
	return m.ToModel()
}

// step returns the states that an operation can lead to.
func step(s state, in input, out output, made []*jovepay.Payment) []state {
	changed := s
	isPossible := true
	switch in.verb {
	case doCreate:
		all := []state{s}
		for _, p := range made {
			with := s
			if p.PayCurrency == in.coin && s.find(p.ID) == nil && with.add(p.ID, in.coin) {
				all = append(all, with)
			}
		}
		return all
	case doPay:
		isPossible = s.pay(in.coin, out.outcome, out.id)
	case doHandle:
		isPossible = changed.handle(in.id, in.coin, in.news)
	case doCancel:
		isPossible = changed.cancel() == out.outcome
	case doResolve:
		isPossible = changed.resolve(in.id, in.version, in.decision) == out.outcome
	case doGet:
		isPossible = out.outcome != histories.OK || s.String() == out.view
	}
	switch {
	case out.outcome == histories.Unknown && in.verb == doCancel:
		changed.cancel()
		return []state{s, changed}
	case out.outcome == histories.Unknown:
		return []state{s, changed}
	case !isPossible:
		return nil
	}
	return []state{changed}
}
