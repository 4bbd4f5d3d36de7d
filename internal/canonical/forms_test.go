package canonical

import (
	"math"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parse returns the document that body is.
func parse(t *testing.T, body string) *Document {
	t.Helper()
	var d Document
	require.NoErrorf(t, d.Parse([]byte(body), DefaultDepth, math.MaxInt), "%q", body)
	return &d
}

// textOf returns what form f signs for body.
func textOf(t *testing.T, body string, f Form) string {
	t.Helper()
	return string(parse(t, body).Append(nil, f))
}

func TestFormString(t *testing.T) {
	t.Parallel()
	names := map[Form]string{
		JS: "js", JSArrays: "js-arrays", PHP: "php", Python: "python", 4: "unknown",
	}
	for f, name := range names {
		assert.Equal(t, name, f.String())
	}
}

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

	// What Retained takes for the sizes.
	assert.EqualValues(t, 24, unsafe.Sizeof(node{}))
	assert.EqualValues(t, 16, unsafe.Sizeof(member{}))
	assert.EqualValues(t, 32, unsafe.Sizeof(number{}))
	assert.EqualValues(t, 16, unsafe.Sizeof(frame{}))
	assert.EqualValues(t, 24, unsafe.Sizeof(phpName{}))
}
