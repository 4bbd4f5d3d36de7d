package canonical

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
)

// TestDiffer holds Differ to false where the verifier relies on it to be, and
// to the right pairs elsewhere.
func TestDiffer(t *testing.T) {
	t.Parallel()
	// The letters stand for the forms: j, a, h for PHP, y for Python.
	tests := []struct{ body, differ string }{
		{`{"b":1,"a":"x","f":{"d":0.09853637216235617,"c":0,"e":null,"g":true}}`, ""},
		{`{"n":[0.0001]}`, "ja jh jy"},
		{`{"n":0.0001,"m":123456789012345,"k":4945313512345678,"z":-0,"t":12.50}`, ""},
		{`{"n":1e-8}`, "jh jy ah ay hy"},
		{`{"n":1.5e-8}`, "jy ay hy"},
		{`{"n":1.5e-10}`, ""},
		{`{"n":0.00001}`, "jh jy ah ay hy"},
		{`{"n":1.0}`, "jy ay hy"},
		{`{"n":0.0}`, "jy ay hy"},
		{`{"n":-0.0}`, "jh jy ah ay hy"},
		{`{"n":1234567890123456789}`, "jh jy ah ay"},
		{`{"n":12345678901234567890}`, "jh jy ah ay hy"},
		{`{"s":"é"}`, "jh jy ah ay"},
		{`{"é":"s"}`, "jh jy ah ay"},
		{`{"s":"\u007f"}`, "jy ay hy"},
		{`{"s":"\n\/\u0041"}`, ""},
		{`{"s":{}}`, "jh ah hy"},
		{`{}`, "jh ah hy"},
		{`{"s":[]}`, "ja jh jy"},
		{`{"1":1}`, ""},
		{`{"0":1}`, "jh ah hy"},
		{`{"1":1,"x":2}`, "jh jy ah ay"},
		{`{"1.5":1,"2.5":2}`, "jh ah hy"},
	}
	letters := map[byte]Form{'j': JS, 'a': JSArrays, 'h': PHP, 'y': Python}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			d := parse(t, tt.body)
			for a, f := range letters {
				assert.False(t, d.Differ(f, f))
				for b, g := range letters {
					pair, reverse := string([]byte{a, b}), string([]byte{b, a})
					want := strings.Contains(tt.differ, pair) || strings.Contains(tt.differ, reverse)
					assert.Equal(t, want, d.Differ(f, g), pair)
				}
			}
		})
	}
}

// TestReuse reads bodies of different shapes into one document, back and forth,
// and wants of each what a fresh document gives.
func TestReuse(t *testing.T) {
	t.Parallel()
	bodies := []string{
		`{"b":1,"a":{"d":2,"c":[]},"10":1e-8,"9":"é"}`,
		`{"a":1,"b":{"c":2,"d":[]},"9":1e-8,"10":"\u00e9\n"}`,
		`{}`,
		`{"payment_b":1,"payment_a":2,"payment_c":3}`,
		`{"payment_a":1,"payment_c":2,"payment_b":3}`,
		`{"c":{"b":{"a":{}}}}`,
		membersOf(strings.Split("z y x w v u t s r q p o n m l k j i h g f e d c b a", " ")),
		membersOf(strings.Split("a b c d e f g h i j k l m n o p q r s t u v w x y z", " ")),
		`{"a":1,"a":2}`,
		`{"a":[`,
	}
	var used Document
	for i := range 3 * len(bodies) * len(bodies) {
		body := []byte(bodies[(i*i+i/7)%len(bodies)])
		var fresh Document
		want := fresh.Parse(body, DefaultDepth, math.MaxInt)
		require.Equal(t, want, used.Parse(body, DefaultDepth, math.MaxInt))
		for f := JS; f <= Python; f++ {
			require.Equal(t, string(fresh.Append(nil, f)), string(used.Append(nil, f)))
		}
	}
}

// TestParseCopies changes the body after Parse has returned.
func TestParseCopies(t *testing.T) {
	t.Parallel()
	body := []byte(`{"b":"text","a":[1.5,1e-8]}`)
	want := textOf(t, string(body), JSArrays)
	var d Document
	require.NoError(t, d.Parse(body, DefaultDepth, math.MaxInt))
	clear(body)
	assert.Equal(t, want, string(d.Append(nil, JSArrays)))
}

func TestAppend(t *testing.T) {
	t.Parallel()
	var d Document
	assert.Equal(t, "before", string(d.Append([]byte("before"), JS)), "an empty document")
	assert.False(t, d.Differ(JS, PHP))
	require.NoError(t, d.Parse([]byte(`{"a":1}`), DefaultDepth, math.MaxInt))
	assert.Equal(t, `before{"a":1}`, string(d.Append([]byte("before"), JS)))
	assert.Equal(t, "before", string(d.Append([]byte("before"), 4)), "no form")
	require.Error(t, d.Parse([]byte(`{"a":1`), DefaultDepth, math.MaxInt))
	assert.Equal(t, "before", string(d.Append([]byte("before"), JS)), "a rejected body")
}

// TestStream writes texts that escapes make long in pieces: together they are
// what Append appends, and what is kept at once is little.
func TestStream(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"short":      `{"a":"é","b":1}`,
		"plain":      `{"a":"` + strings.Repeat("x", 1<<18) + `"}`,
		"DEL":        `{"a":"` + strings.Repeat("\x7f", 1<<18) + `","b":["x"]}`,
		"wide":       `{"a":"` + strings.Repeat("é—😀", 1<<15) + `"}`,
		"wide names": `{"` + strings.Repeat("😀", 1<<16) + `":{"` + strings.Repeat("é", 1<<16) + `":[]},"a":1}`,
		"many":       `{"a":[` + strings.Repeat(`"`+strings.Repeat("—é", 200)+`",`, 200) + `""]}`,
	} {
		d := parse(t, body)
		for f := JS; f <= Python; f++ {
			var w pieces
			rest := d.Stream(&w, []byte("before"), f)
			assert.Equal(t, "before"+textOf(t, body, f), string(w.text)+string(rest), "%s as %v", name, f)
			assert.LessOrEqual(t, w.longest, 8*pieceSize, "%s as %v", name, f)
			assert.LessOrEqual(t, len(rest), len(body)+8*pieceSize, "%s as %v", name, f)
			assert.Equal(t, textOf(t, body, f), string(d.Append(nil, f)), "the sink is forgotten")
		}
	}
}

// pieces keeps what is written to it.
type pieces struct {
	text    []byte
	longest int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.text = append(p.text, b...)
	p.longest = max(p.longest, len(b))
	return len(b), nil
}

func TestRetained(t *testing.T) {
	t.Parallel()
	var d Document
	assert.Zero(t, d.Retained())
	require.NoError(t, d.Parse([]byte(`{"a":[`+strings.Repeat("1,", 1<<16)+`1]}`), DefaultDepth, math.MaxInt))
	retained := d.Retained()
	assert.Greater(t, retained, 1<<20)
	require.NoError(t, d.Parse([]byte(`{"a":1}`), DefaultDepth, math.MaxInt))
	assert.Equal(t, retained, d.Retained())

	// Every slice counts.
	_ = d.Parse([]byte(`{"9":-0.0,"10":1e-7,"b":{"2":{},"é":[1e300]}}`), DefaultDepth, math.MaxInt)
	for f := JS; f <= Python; f++ {
		d.Append(nil, f)
	}
	want := uintptr(0)
	count := func(n int, size uintptr) {
		assert.NotZero(t, n)
		want += uintptr(n) * size
	}
	count(cap(d.buf), 1)
	count(cap(d.nodes), unsafe.Sizeof(node{}))
	for _, members := range [][]member{d.order, d.js, d.php, d.names} {
		count(cap(members), unsafe.Sizeof(member{}))
	}
	count(cap(d.ranks), unsafe.Sizeof(d.ranks[0]))
	count(cap(d.numbers), unsafe.Sizeof(number{}))
	count(cap(d.frames), unsafe.Sizeof(frame{}))
	count(cap(d.phpNames), unsafe.Sizeof(phpName{}))
	assert.EqualValues(t, want, d.Retained())
}

// TestVectors wants the signature of every vector of a form that is to be
// accepted, and the rejection of every body that is to be rejected for itself.
func TestVectors(t *testing.T) {
	t.Parallel()
	forms := map[string]Form{"js": JS, "js-arrays": JSArrays, "php": PHP, "python": Python}
	rejected := map[string][]Reason{
		"n.const":    {NotObject},
		"n.control":  {ControlCharacter},
		"n.dup":      {DuplicateName},
		"n.empty":    {NotObject},
		"n.lone":     {LoneSurrogate},
		"n.nan":      {Syntax},
		"n.proto":    {ProtoName},
		"n.syntax":   {Syntax, InvalidEscape},
		"n.toplevel": {NotObject},
		"n.trailing": {TrailingData},
		"n.trunc":    {Truncated},
		"n.utf8":     {InvalidUTF8},
	}
	seen := map[string]bool{}
	var d Document
	for _, v := range canonicaltest.Vectors(t) {
		err := d.Parse(v.Body, DefaultDepth, math.MaxInt)
		if reasons, ok := rejected[v.Class]; ok {
			seen[v.Class] = true
			var e *Error
			if assert.ErrorAs(t, err, &e, "%s: %s", v.ID, v.Class) {
				assert.Contains(t, reasons, e.Reason, "%s: %s", v.ID, v.Class)
			}
			continue
		}
		if !assert.NoError(t, err, "%s: %s", v.ID, v.Class) || v.Expect != "accept" || v.Signer == "raw" {
			continue
		}
		form, ok := forms[v.Signer]
		require.True(t, ok, v.Signer)
		seen[v.Signer] = true
		mac := hmac.New(sha512.New, []byte(strings.TrimSpace(v.Secret)))
		mac.Write(d.Append(nil, form))
		want := strings.ToLower(strings.TrimSpace(v.Sig))
		assert.Equal(t, want, hex.EncodeToString(mac.Sum(nil)), "%s: %s", v.ID, v.Class)
	}
	assert.Len(t, seen, len(rejected)+len(forms), "a class or a signer is missing")
}

// TestNoAllocations holds every kind of body to no allocation at all once the
// document has read one of its kind.
func TestNoAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("needs inlining, which the mutation test turns off")
	}
	for _, h := range hostiles() {
		body := []byte(h.build(4<<10, 1))
		var d Document
		var text []byte
		use := func() {
			if d.Parse(body, DefaultDepth, math.MaxInt) != nil {
				t.Error(h.name)
			}
			for f := JS; f <= Python; f++ {
				text = d.Append(text[:0], f)
			}
			n := 0
			for v := range d.Root(PHP).Children() {
				text, _, _ := v.Text()
				n += len(v.Name()) + len(text) + v.Len()
			}
		}
		use()
		require.Zerof(t, testing.AllocsPerRun(10, use), "%s", h.name)
	}
}

// TestMemory holds every kind of body, of many sizes, to the memory that Parse
// promises: for what it rejects, for what it reads, and for all that is written.
// Everything that was ever allocated counts.
func TestMemory(t *testing.T) {
	for _, h := range memoryHogs() {
		for _, size := range []int{128 << 10, 1 << 20} {
			body := []byte(h.build(size, 1))
			var most uint64
			for f := JS; f <= Python; f++ {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				var d Document
				var w counter
				if err := d.Parse(body, DefaultDepth, DefaultValues); err == nil {
					w.n += len(d.Stream(&w, nil, f))
				}
				runtime.ReadMemStats(&after)
				most = max(most, after.TotalAlloc-before.TotalAlloc)
			}
			if limit := uint64(4*len(body) + 1<<20); most > limit {
				t.Errorf("%s of %d KiB: %d KiB, over %d KiB", h.name, size>>10, most>>10, limit>>10)
			}
			if testing.Verbose() {
				t.Logf("%s of %d KiB: %.2f bytes per byte", h.name, size>>10, float64(most)/float64(len(body)))
			}
		}
	}
}

// memoryHogs are bodies that are meant to take much memory.
func memoryHogs() []hostile {
	fill := func(before, item, after string) func(int, uint64) string {
		return func(size int, _ uint64) string {
			return before + strings.Repeat(item, max(0, size-len(before)-len(after))/len(item)) + after
		}
	}
	few := func(item func(i int) string) func(int, uint64) string {
		return func(size int, _ uint64) string {
			const n = DefaultValues - 1 // as many as there may be
			pad := strings.Repeat(" ", max(0, size-n*len(item(n))))
			items := make([]string, n)
			for i := range items {
				items[i] = item(i)
			}
			return "{" + pad + strings.Join(items, ",") + "}"
		}
	}
	hogs := []hostile{
		{"elements", fill(`{"a":[`, "0,", "0]}")},
		{"objects", fill(`{"a":[`, "{},", "0]}")},
		{"members", fill(`{"a":[{"":0}`, `,{"":0}`, "]}")},
		{"deep", fill(`{"a":`, "[", "")},
		{"white space", fill("{", " ", "}")},
		{"one string", fill(`{"a":"`, "x", `"}`)},
		{"one name", fill(`{"`, "x", `":1}`)},
		{"DEL", fill(`{"a":"`, "\x7f", `"}`)},
		{"DEL in a name", fill(`{"`, "\x7f", `":1}`)},
		{"wide", fill(`{"a":"`, "é", `"}`)},
		{"pairs", fill(`{"a":"`, "😀", `"}`)},
		{"escaped wide", fill(`{"a":"`, `\u00e9`, `"}`)},
		{"escaped ASCII", fill(`{"a":"`, `\u0041`, `"}`)},
		{"escaped controls", fill(`{"a":"`, `\u0001`, `"}`)},
		{"line ends", fill(`{"a":"`, `\n`, `"}`)},
		{"digits", fill(`{"a":0.`, "7", `}`)},
		{"integer digits", fill(`{"a":`, "7", `}`)},
		{"zeros", fill(`{"a":1.`, "0", `}`)},
		{"numbers and names", few(func(i int) string { return fmt.Sprintf(`"%d":1e2%d`, i*7919%1_000_003, i%10) })},
		{"indexes", few(func(i int) string { return fmt.Sprintf(`"%d":1e9`, i) })},
		{"decimal names", few(func(i int) string { return fmt.Sprintf(`"%d.5":9007199254740993`, i) })},
		{"wide names", few(func(i int) string { return fmt.Sprintf(`"\u00e9%d":1e-7`, i) })},
		{"long names", few(func(i int) string { return fmt.Sprintf(`"%s%d":0.00001`, strings.Repeat("x", 200), i*7919%1_000_003) })},
		{"strings", few(func(i int) string { return fmt.Sprintf(`"%d":"%s"`, i, strings.Repeat("\x7f", 200)) })},
	}
	return append(hogs, hostiles()...)
}

// counter counts what is written to it.
type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
