package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// sabotage is a change of the service that takes away one of the things its promises
// rest on. The service is built with it, and then the proof must fail. Nothing of
// this is in the packages themselves.
type sabotage struct {
	name   string
	edits  []edit
	stores []string // on which it matters; nil for all
	tune   func(*settings)
}

// edit replaces a text that a source file has exactly once.
type edit struct {
	file     string // from the root of the repository
	from, to string
}

// sabotages returns all.
func sabotages() []sabotage {
	return slices.Concat(creating(), finding(), storing(), judging())
}

// creating is about the sending of creates.
func creating() []sabotage {
	return []sabotage{
		{
			name: "no-intent", // a create is sent without a word to the other processes
			edits: []edit{{
				"orders/pay.go",
				"			d.intents[c.coin] = next.send\n",
				"			return errUnchanged\n",
			}},
			tune: calm,
		},
		{
			name: "intent-not-durable", // the intent is committed after the create was sent
			edits: []edit{
				{"orders/pay.go", "			d.intents[c.coin] = next.send\n", "			return errUnchanged\n"},
				{
					"orders/pay.go",
					"	sending, cancel := context.WithDeadline(",
					`	go func() {
		_ = sleep(ctx, 20*time.Millisecond)
		_ = c.record(ctx, c.orderID, func(d *draft) error {
			if d.intents[c.coin] != nil {
				return errUnchanged
			}
			d.intents[c.coin] = i
			return nil
		})
	}()
	sending, cancel := context.WithDeadline(`,
				},
			},
			tune: calm,
		},
		{
			name: "no-deadline", // a process that was frozen sends what others have given up
			edits: []edit{
				{"orders/pay.go", "context.WithDeadline(jovepay.SendBefore(ctx, deadline), deadline)", "context.WithCancel(ctx)"},
				{"orders/pay.go", "	deadline := began.Add(c.sendTime)\n", "	_ = began\n"},
			},
			stores: []string{postgres, mariadb},
			tune: func(s *settings) {
				calm(s)
				s.customers = 16 // so that creates begin all the time
				s.mix, s.send, s.crash, s.longFreezes = mix{freezeIntent}, 6*time.Second, time.Second, true
			},
		},
	}
}

// finding is about creates whose outcome is unknown.
func finding() []sabotage {
	return []sabotage{
		{
			name: "early-look", // a list that can be incomplete is taken for a proof
			edits: []edit{{
				"orders/settle.go",
				"isProof := err == nil && !now.Before(doubts[i].settles)",
				"isProof := err == nil && !now.IsZero()",
			}},
			tune: func(s *settings) {
				calm(s)
				s.faultEvery, s.failures = 4, []jovepaytest.Fault{create(jovepaytest.Fault{Cut: true, EffectAfter: 2 * soon})}
			},
		},
		{
			name: "no-adoption", // a payment that is found does not become that of its create
			edits: []edit{
				{"orders/intent.go", "		i.open(id)\n", "		_ = i\n"},
				{"orders/settle.go", "			own.open(f.Payment.ID)\n			draft.learn(fact, f.Payment.PayAddress != \"\")\n", "			_, _ = fact, draft\n			own.free()\n"},
				{"orders/pay.go", "e.Settle(&v.Payment).Decision == jovepay.DecisionWait {\n			return id\n", "e.Settle(&v.Payment).Decision == jovepay.DecisionWait {\n			continue\n"},
			},
			tune: func(s *settings) {
				calm(s)
				s.mix = mix{killAtCreate}
			},
		},
	}
}

// storing is about transactions.
func storing() []sabotage {
	return []sabotage{
		{
			name: "no-lock", // two transactions change the same order at the same time
			edits: []edit{
				{"pgxstore/statements.go", "lockOrder   = selectOrder + ` FOR UPDATE`", "lockOrder   = selectOrder"},
				{"sqlstore/load.go", "WHERE account = ? AND id = ? FOR UPDATE`", "WHERE account = ? AND id = ?`"},
				{"sqlstore/load.go", "if d == MySQL && locked {", "if d == \"\" && locked {"},
			},
			stores: []string{postgres, mariadb},
			tune:   calm,
		},
		{
			name: "separate-fulfill", // the shipment is committed by itself
			edits: []edit{{
				"orders/book.go",
				"func() error { return b.hooks.Fulfill(ctx, tx, d.order(pic)) }",
				`func() error {
			return b.store.Update(ctx, Scope{}, func(ctx context.Context, tx Tx, _ *Record) (*Change, error) {
				return nil, b.hooks.Fulfill(ctx, tx, d.order(pic))
			})
		}`,
			}},
			stores: []string{postgres, mariadb},
			tune: func(s *settings) {
				calm(s)
				s.mix, s.spread = mix{killStalled, cutConnections, terminateConnections}, 10*time.Second
			},
		},
	}
}

// judging is about what JovePay reports.
func judging() []sabotage {
	return []sabotage{
		{
			name: "no-order", // what was heard last counts, whatever it is
			edits: []edit{{
				"orders/facts.go",
				"at, found := slices.BinarySearchFunc(fs, f, func(a, b fact) int { return strings.Compare(a.Position, b.Position) })",
				"at, found := slices.IndexFunc(fs, func(a fact) bool { return a.Position == f.Position }), true\n	if at < 0 {\n		at, found = len(fs), false\n	}",
			}},
			tune: calm,
		},
		{
			name: "erased", // news without an amount say that nothing came
			edits: []edit{{
				"orders/facts.go",
				"	if f.amount(\"paid\", i, &f.ActuallyPaid, p.ActuallyPaid) {\n",
				"	f.ActuallyPaid = p.ActuallyPaid\n	if f.take(\"paid\", i, true) {\n",
			}},
			tune: calm,
		},
		{
			name: "double-topup", // a further deposit counts twice
			edits: []edit{{
				"orders/derive.go",
				"			g.sum = g.sum.Add(p.open)\n",
				"			g.sum = g.sum.Add(p.open)\n			if p.id != id {\n				g.sum = g.sum.Add(p.open)\n			}\n",
			}},
			tune: func(s *settings) {
				calm(s)
				s.topUps = true
			},
		},
	}
}

// calm has nothing break by itself: what then is wrong is due to the sabotage.
func calm(s *settings) {
	s.mix, s.faultEvery, s.spread, s.complete = nil, 0, time.Second, 20*time.Second
}

func sabotageNames() []string {
	var names []string
	for _, s := range sabotages() {
		names = append(names, s.name)
	}
	return names
}

// breakBy changes the settings to those of a sabotage.
func (s *settings) breakBy(name string) error {
	for _, sab := range sabotages() {
		if sab.name != name {
			continue
		}
		if sab.stores != nil && !slices.Contains(sab.stores, s.store) {
			return fmt.Errorf("sabotage %s is for %s", name, strings.Join(sab.stores, " and "))
		}
		s.sabotage = &sab
		sab.tune(s)
		return nil
	}
	return fmt.Errorf("sabotage %q is not known: use one of %s", name, strings.Join(sabotageNames(), ", "))
}

// overlay writes the changed files to dir, and returns the file for go build that
// says which ones they replace. A text that is not there exactly once is an error, so
// that the table stays true.
func (s *sabotage) overlay(dir string) (file string, err error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	changed := map[string]string{} // by name
	for _, e := range s.edits {
		name := filepath.Join(root, filepath.FromSlash(e.file))
		text, ok := changed[name]
		if !ok {
			original, err := os.ReadFile(name) //nolint:gosec // a file of this repository
			if err != nil {
				return "", err
			}
			text = string(original)
		}
		if n := strings.Count(text, e.from); n != 1 {
			return "", fmt.Errorf("sabotage %s: %s has %d times: %s", s.name, e.file, n, e.from)
		}
		changed[name] = strings.Replace(text, e.from, e.to, 1)
	}
	replace := map[string]string{}
	for name, text := range changed {
		by := filepath.Join(dir, "sabotaged-"+strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(by, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[name] = by
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}
