package canonical

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		reason     Reason
		offset     int
	}{
		{"empty", "", NotObject, 0},
		{"white space", " \r\n\t", NotObject, 4},
		{"null", "null", NotObject, 0},
		{"array", "[{}]", NotObject, 0},
		{"string", `"{}"`, NotObject, 0},
		{"number", " 5", NotObject, 1},
		{"byte order mark", "\ufeff{}", ByteOrderMark, 0},
		{"half a byte order mark", "\xef\xbb{}", NotObject, 0},
		{"UTF-16", "{\x00}\x00", Syntax, 1},
		{"vertical tab before", "\v{}", NotObject, 0},

		{"second object", `{}{}`, TrailingData, 2},
		{"bracket behind", `{"a":1} ]`, TrailingData, 8},
		{"comma behind", `{},`, TrailingData, 2},
		{"zero behind", "{}\x00", TrailingData, 2},
		{"comment behind", `{} // x`, TrailingData, 3},

		{"brace", `{`, Truncated, 1},
		{"name", `{"a`, Truncated, 3},
		{"name closed", `{"a"`, Truncated, 4},
		{"colon", `{"a":`, Truncated, 5},
		{"string open", `{"a":"x`, Truncated, 7},
		{"string ends in backslash", `{"a":"x\`, Truncated, 8},
		{"escape open", `{"a":"\u12`, Truncated, 10},
		{"second escape open", `{"a":"\ud83d\u1`, Truncated, 15},
		{"minus", `{"a":-`, Truncated, 6},
		{"point", `{"a":1.`, Truncated, 7},
		{"exponent", `{"a":1e`, Truncated, 7},
		{"exponent's sign", `{"a":1e-`, Truncated, 8},
		{"literal", `{"a":nul`, Truncated, 8},
		{"value", `{"a":1`, Truncated, 6},
		{"comma", `{"a":1,`, Truncated, 7},
		{"array open", `{"a":[1`, Truncated, 7},
		{"array closed", `{"a":[1]`, Truncated, 8},

		{"no name", `{1:2}`, Syntax, 1},
		{"apostrophes", `{'a':1}`, Syntax, 1},
		{"no colon", `{"a" 1}`, Syntax, 5},
		{"no value", `{"a":}`, Syntax, 5},
		{"comma at the end", `{"a":1,}`, Syntax, 7},
		{"comma at the beginning", `{,"a":1}`, Syntax, 1},
		{"two commas", `{"a":[1,,2]}`, Syntax, 8},
		{"comma at the end of an array", `{"a":[1,]}`, Syntax, 8},
		{"no comma", `{"a":1 "b":2}`, Syntax, 7},
		{"no comma in an array", `{"a":[1 2]}`, Syntax, 8},
		{"wrong bracket", `{"a":[1}`, Syntax, 7},
		{"wrong brace", `{"a":1]`, Syntax, 6},
		{"name in an array", `{"a":["b":1]}`, Syntax, 9},
		{"NaN", `{"a":NaN}`, Syntax, 5},
		{"Infinity", `{"a":Infinity}`, Syntax, 5},
		{"minus Infinity", `{"a":-Infinity}`, Syntax, 6},
		{"undefined", `{"a":undefined}`, Syntax, 5},
		{"upper case", `{"a":True}`, Syntax, 5},
		{"wrong false", `{"a":falze}`, Syntax, 8},
		{"wrong true", `{"a":trve}`, Syntax, 7},
		{"wrong null", `{"a":nil}`, Syntax, 6},
		{"long literal", `{"a":nulll}`, Syntax, 9},
		{"comment", `{/**/}`, Syntax, 1},
		{"no-break space", "{\u00a0}", Syntax, 1},
		{"form feed", "{\f}", Syntax, 1},
		{"zero", "{\x00}", Syntax, 1},

		{"leading zero", `{"a":01}`, Syntax, 6},
		{"leading zero, minus", `{"a":-01}`, Syntax, 7},
		{"leading zeros", `{"a":00.5}`, Syntax, 6},
		{"plus", `{"a":+1}`, Syntax, 5},
		{"leading point", `{"a":.5}`, Syntax, 5},
		{"trailing point", `{"a":1.}`, Syntax, 7},
		{"point before exponent", `{"a":1.e5}`, Syntax, 7},
		{"two points", `{"a":1.2.3}`, Syntax, 8},
		{"empty exponent", `{"a":1e}`, Syntax, 7},
		{"two signs", `{"a":--1}`, Syntax, 6},
		{"hexadecimal", `{"a":0x1A}`, Syntax, 6},
		{"separator", `{"a":1_000}`, Syntax, 6},
		{"letter in the exponent", `{"a":1e5f}`, Syntax, 8},

		{"overflow", `{"a":1e400}`, NumberOverflow, 5},
		{"overflow, minus", `{"a":[0,-1e309]}`, NumberOverflow, 8},
		{"overflow by rounding", `{"a":1.7976931348623159e308}`, NumberOverflow, 5},
		{"overflow of an integer", `{"a":` + strings.Repeat("9", 310) + `}`, NumberOverflow, 5},
		{"overflow of a long exponent", `{"a":1e99999999999999999999999}`, NumberOverflow, 5},

		{"line feed", "{\"a\":\"x\ny\"}", ControlCharacter, 7},
		{"tab in a name", "{\"a\tb\":1}", ControlCharacter, 3},
		{"zero in a string", "{\"a\":\"\x00\"}", ControlCharacter, 6},
		{"control behind an escape", "{\"a\":\"\\n\x1f\"}", ControlCharacter, 8},
		{"invalid byte", "{\"a\":\"x\xffy\"}", InvalidUTF8, 7},
		{"invalid byte in a name", "{\"\x80\":1}", InvalidUTF8, 2},
		{"invalid byte behind an escape", "{\"a\":\"\\n\xc3\"}", InvalidUTF8, 8},
		{"overlong", "{\"a\":\"\xc0\xaf\"}", InvalidUTF8, 6},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\xbd\xed\xb8\x80\"}", InvalidUTF8, 6},
		{"beyond Unicode", "{\"a\":\"\xf4\x90\x80\x80\"}", InvalidUTF8, 6},
		{"cut character", "{\"a\":\"\xe2\x82\"}", InvalidUTF8, 6},
		{"invalid byte outside", "{\xff}", Syntax, 1},

		{"unknown escape", `{"a":"\x41"}`, InvalidEscape, 7},
		{"escaped apostrophe", `{"a":"\'"}`, InvalidEscape, 7},
		{"long escape", `{"a":"\U00000041"}`, InvalidEscape, 7},
		{"letter among digits", `{"a":"\u00g0"}`, InvalidEscape, 10},
		{"short escape", `{"a":"\u41"}`, InvalidEscape, 10},
		{"high surrogate", `{"a":"\ud83d"}`, LoneSurrogate, 6},
		{"high surrogate before a letter", `{"a":"x\ud83dx"}`, LoneSurrogate, 7},
		{"high surrogate before an escape", `{"a":"\ud83d\n"}`, LoneSurrogate, 6},
		{"two high surrogates", `{"a":"\ud83d\ud83d"}`, LoneSurrogate, 6},
		{"low surrogate", `{"a":"\ude00"}`, LoneSurrogate, 6},
		{"surrogates the wrong way", `{"a":"\ude00\ud83d"}`, LoneSurrogate, 6},
		{"lone surrogate in a name", `{"\uD800":1}`, LoneSurrogate, 2},

		{"duplicate", `{"a":1,"a":1}`, DuplicateName, 7},
		{"duplicate within", `{"a":{"b":1,"c":2,"b":3}}`, DuplicateName, 18},
		{"duplicate in an array", `{"a":[{"b":1,"b":1}]}`, DuplicateName, 13},
		{"duplicate, the second escaped", `{"ab":1,"\u0061b":2}`, DuplicateName, 8},
		{"duplicate, the first escaped", `{"\u0061b":1,"ab":2}`, DuplicateName, 13},
		{"duplicate, both escaped", `{"\/":1,"\u002f":2}`, DuplicateName, 8},
		{"duplicate beyond ASCII", `{"é":1,"\u00e9":2}`, DuplicateName, 8},
		{"duplicate of nothing", `{"":1,"":2}`, DuplicateName, 6},
		{"duplicate of eight bytes", `{"payment_":1,"x":0,"payment_":2}`, DuplicateName, 20},
		{"duplicate of sixteen", `{"payment_payment_":1,"payment_payment_":2}`, DuplicateName, 22},
		{"duplicate of more", `{"payment_payment_id":1,"payment_payment_id":2}`, DuplicateName, 24},
		{"three of one name", `{"a":1,"a":2,"a":3}`, DuplicateName, 7},

		{"__proto__", `{"__proto__":{}}`, ProtoName, 1},
		{"__proto__ within", `{"a":[{"b":1,"__proto__":null}]}`, ProtoName, 13},
		{"__proto__ escaped", `{"\u005f_prot\u006f__":1}`, ProtoName, 1},
		{"duplicate before __proto__", `{"b":{"a":1,"a":2},"__proto__":1}`, DuplicateName, 12},

		{"too deep", nested(DefaultDepth + 1), TooDeep, 5 + DefaultDepth - 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d Document
			err := d.Parse([]byte(tt.body), DefaultDepth, math.MaxInt)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, tt.reason, refused.Reason, err)
			assert.Equal(t, tt.offset, refused.Offset, err)
			assert.Empty(t, d.Append(nil, JS))
			assert.Zero(t, d.Root(JS))
		})
	}
}

// nested returns an object that is so many levels deep.
func nested(levels int) string {
	return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
}

// TestAccepted holds the reader to what is near the refusals and right.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"{}", " \t\r\n{ } \t\r\n", `{"":""}`, `{"a":"\ud83d\ude00"}`, `{"a":"\uFFFF\u0000"}`,
		`{"a":"\ufeff"}`, "{\"a\":\"\ufeff\x7f\u2028\"}", `{"a":0,"b":-0,"c":0.5,"d":1E5,"e":1e+05,"f":1e-05}`,
		`{"proto":1,"__proto":2,"__proto__x":3,"__PROTO__":4,"x":"__proto__","_proto___":5}`,
		`{"constructor":1,"toString":2,"hasOwnProperty":3,"toJSON":4}`,
		"{\"a\":1,\"A\":1,\"\u00e1\":1,\"a\u0301\":1}", `{"a":{"a":{"a":1}}}`, `{"a":[{"b":1},{"b":1}]}`,
		`{"aaaaaaaa":1,"aaaaaaaa\u0000":1,"a":1,"a\u0000":1}`,
		`{"a":` + strings.Repeat("9", 308) + `}`, `{"a":-1.7976931348623158e308}`,
		nested(DefaultDepth),
	} {
		var d Document
		assert.NoErrorf(t, d.Parse([]byte(body), DefaultDepth, math.MaxInt), "%.100q", body)
	}
}

// TestManyMembers holds large objects, which are sorted in another way than
// small ones, to the same rules.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	for _, h := range hostiles() {
		if !strings.HasSuffix(h.name, "names") {
			continue
		}
		a, b := h.build(1<<16, 1), h.build(1<<16, 2)
		for f := JS; f <= Python; f++ {
			cyclic := f == PHP && h.name == "mixed-names"
			if !cyclic && textOf(t, a, f) != textOf(t, b, f) {
				t.Errorf("%s in %v", h.name, f)
			}
		}
		first := a[1 : strings.IndexByte(a, ':')+1]
		twice := a[:len(a)-1] + "," + first + "2}"
		var d Document
		var refused *Error
		require.ErrorAs(t, d.Parse([]byte(twice), DefaultDepth, math.MaxInt), &refused)
		assert.Equal(t, Error{Reason: DuplicateName, Offset: len(a)}, *refused, h.name)
	}
}

func TestMaxDepth(t *testing.T) {
	t.Parallel()
	var d Document
	require.NoError(t, d.Parse([]byte(nested(3)), 3, math.MaxInt))
	require.EqualError(t, d.Parse([]byte(nested(3)), 2, math.MaxInt), "nested too deep at byte 6")
	require.EqualError(t, d.Parse([]byte(`{}`), 0, math.MaxInt), "nested too deep at byte 0")
	require.EqualError(t, d.Parse([]byte(`{}`), -1, math.MaxInt), "nested too deep at byte 0")
	require.NoError(t, d.Parse([]byte(nested(100_000)), math.MaxInt, math.MaxInt))
	assert.Equal(t, nested(100_000), string(d.Append(nil, Python)))
}

// TestMaxValues counts members and elements at every depth.
func TestMaxValues(t *testing.T) {
	t.Parallel()
	for body, values := range map[string]int{
		`{}`: 1, `{"a":1}`: 2, `{"a":[1,{"b":[]}],"c":"x"}`: 6, `{"a":[[[]]]}`: 4, `{"a":1,"b":2,"c":3}`: 4,
	} {
		var used Document
		for range 2 { // also with room for more
			var d Document
			require.NoError(t, d.Parse([]byte(body), DefaultDepth, values))
			require.ErrorContains(t, d.Parse([]byte(body), DefaultDepth, values-1), "too many values at byte")
			require.ErrorContains(t, used.Parse([]byte(body), DefaultDepth, values-1), "too many values at byte")
			require.NoError(t, used.Parse([]byte(`{"a":[1,2,3,4,5,6,7,8,9,10]}`), DefaultDepth, math.MaxInt))
		}
	}
	var d Document
	require.EqualError(t, d.Parse([]byte(`{"a":[1, 2]}`), DefaultDepth, 3), "too many values at byte 9")
	require.EqualError(t, d.Parse([]byte(`{"a":1,"b":2}`), DefaultDepth, 2), "too many values at byte 7")
	require.EqualError(t, d.Parse([]byte(`{}`), DefaultDepth, 0), "too many values at byte 0")
}

func TestTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 512 MiB")
	}
	t.Parallel()
	var d Document
	require.EqualError(t, d.Parse(make([]byte, maxBody), DefaultDepth, math.MaxInt), "body too large at byte 0")
	assert.Zero(t, d.Retained())
}

// TestErrors wants every reason to read as one line of lower case.
func TestErrors(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := NotObject; r <= TooLarge; r++ {
		s := (&Error{Reason: r, Offset: 42}).Error()
		assert.Regexp(t, `^[a-z][^\n.]* at byte 42$`, s)
		assert.NotContains(t, s, "unknown")
		assert.False(t, seen[s], s)
		seen[s] = true
	}
	assert.Equal(t, "unknown reason", (TooLarge + 1).String())
}
