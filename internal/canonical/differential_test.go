package canonical

import (
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDifferential compares every text with what the verifiers of JovePay's
// guide sign, run by the real interpreters over random bodies. How many is
// told by JOVEPAY_DIFF_DOCS, and where they begin by JOVEPAY_DIFF_SEED.
func TestDifferential(t *testing.T) {
	t.Parallel()
	docs := setting(t, "JOVEPAY_DIFF_DOCS", 500)
	seed := setting(t, "JOVEPAY_DIFF_SEED", 1)
	for _, r := range references() {
		t.Run(r.script, func(t *testing.T) {
			t.Parallel()
			p := r.start(t)
			var d Document
			for _, body := range ruleBodies() {
				requireAlike(t, p, &d, []byte(body))
			}
			cyclic := 0
			for i := range docs {
				g := newGenerator(seed + i)
				requireAlike(t, p, &d, g.body())
				cyclic += g.cyclic
			}
			t.Logf("%d bodies alike; %d objects drawn again for a cyclic order", docs, cyclic)
		})
	}
}

// ruleBodies returns the bodies of the tables of rules.
func ruleBodies() []string {
	var bodies []string
	for _, tt := range numberTests() {
		bodies = append(bodies, `{"n":`+tt.literal+`}`)
	}
	for _, tt := range stringTests() {
		bodies = append(bodies, `{"`+tt.in+`":"`+tt.in+`"}`)
	}
	for _, tt := range orderTests() {
		bodies = append(bodies, membersOf(tt.in))
	}
	for _, tt := range containerTests() {
		bodies = append(bodies, tt.in)
	}
	return bodies
}

// requireAlike fails the test unless the interpreter and d write the same texts
// for body.
func requireAlike(t *testing.T, p *interpreter, d *Document, body []byte) {
	t.Helper()
	p.ask(t, body)
	require.NoErrorf(t, d.Parse(body, DefaultDepth, math.MaxInt), "%.2000q", body)
	requireDiffer(t, d)
	for k, want := range p.answer(t) {
		got := string(d.Append(nil, p.forms[k]))
		if got == want {
			continue
		}
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		from := max(0, at-20)
		t.Fatalf("%v of %.2000q, byte %d:\ngot  %.300q\nwant %.300q", p.forms[k], body, at, got[from:], want[from:])
	}
}

// requireDiffer fails the test if d tells that two forms have one text and they
// have not.
func requireDiffer(t *testing.T, d *Document) {
	t.Helper()
	var texts [Python + 1]string
	for f := range texts {
		texts[f] = string(d.Append(nil, Form(f)))
		for g := range f {
			if !d.Differ(Form(f), Form(g)) {
				require.Equal(t, texts[g], texts[f], "%v and %v", Form(f), Form(g))
			}
		}
	}
}

// setting returns the number in an environment variable.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 63)
	require.NoErrorf(t, err, "%s", name)
	return n
}
