package canonical

import (
	"encoding/base64"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
)

// A reference is a verifier of JovePay's guide in its own language.
type reference struct {
	name        string
	interpreter canonicaltest.Interpreter
	forms       []Form // the texts that it writes for a body, in order
}

func references() []reference {
	return []reference{
		{"node", canonicaltest.Node("testdata/reference.js"), []Form{JS, JSArrays}},
		{"php", canonicaltest.PHPScript("testdata/reference.php"), []Form{PHP}},
		{"python", canonicaltest.PythonScript("testdata/reference.py"), []Form{Python}},
	}
}

// TestDifferential compares every text with what the verifiers of JovePay's
// guide sign, run by the real interpreters over random bodies.
// JOVEPAY_DIFF_DOCS sets the number of bodies, JOVEPAY_DIFF_SEED the first seed.
func TestDifferential(t *testing.T) {
	t.Parallel()
	docs := setting(t, "JOVEPAY_DIFF_DOCS", 500)
	seed := setting(t, "JOVEPAY_DIFF_SEED", 1)
	for _, r := range references() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			session := r.interpreter.Start(t)
			var d Document
			for _, body := range ruleBodies() {
				requireAlike(t, session, r.forms, &d, []byte(body))
			}
			cyclic := 0
			for i := range docs {
				g := newGenerator(seed + i)
				requireAlike(t, session, r.forms, &d, g.body())
				cyclic += g.cyclic
			}
			t.Logf("%d bodies alike; %d objects drawn again for a cyclic order", docs, cyclic)
		})
	}
}

// requireAlike fails the test unless the interpreter and d write the same texts
// for body.
func requireAlike(t *testing.T, session *canonicaltest.Session, forms []Form, d *Document, body []byte) {
	t.Helper()
	session.Write(t, base64.StdEncoding.AppendEncode(nil, body))
	require.NoErrorf(t, d.Parse(body, DefaultDepth, math.MaxInt), "%.2000q", body)
	requireDiffer(t, d)
	texts := strings.Fields(session.Read(t))
	require.Len(t, texts, len(forms))
	for k, f := range forms {
		text, err := base64.StdEncoding.DecodeString(texts[k])
		require.NoError(t, err)
		got, want := string(d.Append(nil, f)), string(text)
		if got == want {
			continue
		}
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		from := max(0, at-20)
		t.Fatalf("%v of %.2000q, byte %d:\ngot  %.300q\nwant %.300q", f, body, at, got[from:], want[from:])
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
