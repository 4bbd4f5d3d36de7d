package canonical

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A numberTest is a literal and what the forms write for it.
type numberTest struct{ literal, js, php, python string }

func numberTests() []numberTest {
	return []numberTest{
		// The table of the specification.
		{"1e-8", "1e-8", "1.0e-8", "1e-08"},
		{"0.00001234", "0.00001234", "1.234e-5", "1.234e-05"},
		{"1.0", "1", "1", "1.0"},
		{"1e17", "100000000000000000", "1.0e+17", "1e+17"},
		{"9007199254740993", "9007199254740992", "9007199254740993", "9007199254740993"},
		{"9223372036854775808", "9223372036854776000", "9.223372036854776e+18", "9223372036854775808"},

		// Zeros.
		{"0", "0", "0", "0"},
		{"-0", "0", "0", "0"},
		{"0.0", "0", "0", "0.0"},
		{"-0.0", "0", "-0", "-0.0"},
		{"0e9", "0", "0", "0.0"},
		{"-0E-9", "0", "-0", "-0.0"},
		{"0.00000000000000000000000000000", "0", "0", "0.0"},
		{"0e99999999999999999999", "0", "0", "0.0"},

		// Spellings of one number.
		{"1.50", "1.5", "1.5", "1.5"},
		{"15e-1", "1.5", "1.5", "1.5"},
		{"0.15E+1", "1.5", "1.5", "1.5"},
		{"0.00150e3", "1.5", "1.5", "1.5"},
		{"100", "100", "100", "100"},
		{"1e2", "100", "100", "100.0"},
		{"100.0", "100", "100", "100.0"},
		{"-12.340", "-12.34", "-12.34", "-12.34"},

		// Where an exponent begins, small.
		{"0.001", "0.001", "0.001", "0.001"},
		{"0.0001", "0.0001", "0.0001", "0.0001"},
		{"0.00012", "0.00012", "0.00012", "0.00012"},
		{"0.00001", "0.00001", "1.0e-5", "1e-05"},
		{"0.000001", "0.000001", "1.0e-6", "1e-06"},
		{"0.0000012", "0.0000012", "1.2e-6", "1.2e-06"},
		{"0.0000001", "1e-7", "1.0e-7", "1e-07"},
		{"0.00000012", "1.2e-7", "1.2e-7", "1.2e-07"},
		{"1.5e-10", "1.5e-10", "1.5e-10", "1.5e-10"},
		{"0.000000000000000001", "1e-18", "1.0e-18", "1e-18"},

		// Where an exponent begins, large.
		{"1e15", "1000000000000000", "1000000000000000", "1000000000000000.0"},
		{"1e16", "10000000000000000", "10000000000000000", "1e+16"},
		{"1.5e16", "15000000000000000", "15000000000000000", "1.5e+16"},
		{"1e20", "100000000000000000000", "1.0e+20", "1e+20"},
		{"1e21", "1e+21", "1.0e+21", "1e+21"},
		{"1.5e21", "1.5e+21", "1.5e+21", "1.5e+21"},
		{"100000000000000000000", "100000000000000000000", "1.0e+20", "100000000000000000000"},
		{"1000000000000000000000", "1e+21", "1.0e+21", "1000000000000000000000"},

		// Integers of 64 bits and beyond.
		{"4503599627370497", "4503599627370497", "4503599627370497", "4503599627370497"},
		{"9007199254740992", "9007199254740992", "9007199254740992", "9007199254740992"},
		{"9223372036854775807", "9223372036854776000", "9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854776000", "-9223372036854775808", "-9223372036854775808"},
		{"-9223372036854775809", "-9223372036854776000", "-9.223372036854776e+18", "-9223372036854775809"},
		{"123456789012345678901234567890", "1.2345678901234568e+29", "1.2345678901234568e+29", "123456789012345678901234567890"},

		// Sixteen and seventeen digits, shortest and not.
		{"0.09853637216235617", "0.09853637216235617", "0.09853637216235617", "0.09853637216235617"},
		{"0.30000000000000004", "0.30000000000000004", "0.30000000000000004", "0.30000000000000004"},
		{"0.30000000000000001", "0.3", "0.3", "0.3"},
		{"0.1000000000000000055511151231257827", "0.1", "0.1", "0.1"},
		{"4503599627370495.5", "4503599627370495.5", "4503599627370495.5", "4503599627370495.5"},
		{"9007199254740993.0", "9007199254740992", "9007199254740992", "9007199254740992.0"},
		{"17.000000000000004", "17.000000000000004", "17.000000000000004", "17.000000000000004"},
		{"12345678901234567.8", "12345678901234568", "12345678901234568", "1.2345678901234568e+16"},

		// The ends of the range.
		{"5e-324", "5e-324", "5.0e-324", "5e-324"},
		{"2.4703282292062328e-324", "5e-324", "5.0e-324", "5e-324"},
		{"2.4703282292062327e-324", "0", "0", "0.0"},
		{"-1e-400", "0", "-0", "-0.0"},
		{"1e-99999999999999999999", "0", "0", "0.0"},
		{"2.2250738585072014e-308", "2.2250738585072014e-308", "2.2250738585072014e-308", "2.2250738585072014e-308"},
		{"1.7976931348623157e308", "1.7976931348623157e+308", "1.7976931348623157e+308", "1.7976931348623157e+308"},
		{"1.79769313486231580793e308", "1.7976931348623157e+308", "1.7976931348623157e+308", "1.7976931348623157e+308"},
		{"0." + strings.Repeat("0", 400) + "1e400", "0.1", "0.1", "0.1"},
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range numberTests() {
		t.Run(tt.literal, func(t *testing.T) {
			t.Parallel()
			body := `{"n":` + tt.literal + `}`
			assert.Equal(t, `{"n":`+tt.js+`}`, textOf(t, body, JS))
			assert.Equal(t, `{"n":`+tt.js+`}`, textOf(t, body, JSArrays))
			assert.Equal(t, `{"n":`+tt.php+`}`, textOf(t, body, PHP))
			assert.Equal(t, `{"n":`+tt.python+`}`, textOf(t, body, Python))
		})
	}
}

// A stringTest is the inside of a string and what the forms write for it.
type stringTest struct{ name, in, js, php, python string }

func stringTests() []stringTest {
	return []stringTest{
		{"plain", `usd`, `usd`, `usd`, `usd`},
		{"empty", ``, ``, ``, ``},
		{"escaped", `\"\\\/\b\f\n\r\t`, `\"\\/\b\f\n\r\t`, `\"\\/\b\f\n\r\t`, `\"\\/\b\f\n\r\t`},
		{"needless escapes", `\u0041\u002f\u005C\u0022`, `A/\\\"`, `A/\\\"`, `A/\\\"`},
		{"slash", `https:\/\/shop.example/ipn`, `https://shop.example/ipn`, `https://shop.example/ipn`, `https://shop.example/ipn`},
		{"controls", `\u0000\u0008\u001F`, `\u0000\b\u001f`, `\u0000\b\u001f`, `\u0000\b\u001f`},
		{"delete", "\x7f\\u007F", "\x7f\x7f", "\x7f\x7f", `\u007f\u007f`},
		{"html", `<&'>`, `<&'>`, `<&'>`, `<&'>`},
		{"latin", `é\u00E9`, `éé`, `\u00e9\u00e9`, `\u00e9\u00e9`},
		{"line separators", "\u2028\\u2029", "\u2028\u2029", `\u2028\u2029`, `\u2028\u2029`},
		{"beyond the BMP", `😀\uD83D\uDE00`, `😀😀`, `\ud83d\ude00\ud83d\ude00`, `\ud83d\ude00\ud83d\ude00`},
		{"last characters", `\uffff\udbff\udfff`, "\uffff\U0010ffff", `\uffff\udbff\udfff`, `\uffff\udbff\udfff`},
		{"replacement character", `\ufffd`, "\ufffd", `\ufffd`, `\ufffd`},
		{"byte order mark inside", "a\ufeff", "a\ufeff", `a\ufeff`, `a\ufeff`},
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for _, tt := range stringTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// As a value and as a name, alone and among what is ordinary, at
			// every place in a word of eight bytes.
			for pad := range 9 {
				x := strings.Repeat("x", pad)
				for f, want := range map[Form]string{
					JS: tt.js, JSArrays: tt.js, PHP: tt.php, Python: tt.python,
				} {
					assert.Equal(t, `{"s":"`+x+want+x+`"}`, textOf(t, `{"s":"`+x+tt.in+x+`"}`, f))
					assert.Equal(t, `{"s`+x+want+`":1}`, textOf(t, `{ "s`+x+tt.in+`" : 1 }`, f))
				}
			}
		})
	}
}

// An orderTest is the names of an object and how the forms order them.
type orderTest struct {
	name            string
	in              []string
	js, php, python []string
}

func orderTests() []orderTest {
	return []orderTest{
		{
			"ordinary", []string{"b", "a", "A", "_", "aa", ""},
			[]string{"", "A", "_", "a", "aa", "b"}, []string{"", "A", "_", "a", "aa", "b"}, []string{"", "A", "_", "a", "aa", "b"},
		},
		{
			"long shared beginning", []string{"payment_status", "payment_id", "payment_", "payment", "payment_statusx", "payment_extra_ids"},
			[]string{"payment", "payment_", "payment_extra_ids", "payment_id", "payment_status", "payment_statusx"},
			[]string{"payment", "payment_", "payment_extra_ids", "payment_id", "payment_status", "payment_statusx"},
			[]string{"payment", "payment_", "payment_extra_ids", "payment_id", "payment_status", "payment_statusx"},
		},
		{
			"zero characters", []string{`a\u0000`, "a", `a\u0000b`, `aaaaaaaa\u0000`, "aaaaaaaa"},
			[]string{"a", `a\u0000`, `a\u0000b`, "aaaaaaaa", `aaaaaaaa\u0000`},
			[]string{"a", `a\u0000`, `a\u0000b`, "aaaaaaaa", `aaaaaaaa\u0000`},
			[]string{"a", `a\u0000`, `a\u0000b`, "aaaaaaaa", `aaaaaaaa\u0000`},
		},
		{
			"array indexes", []string{"b", "10", "9", "!", "4294967295", "4294967294"},
			[]string{"9", "10", "4294967294", "!", "4294967295", "b"},
			[]string{"!", "9", "10", "4294967294", "4294967295", "b"},
			[]string{"!", "10", "4294967294", "4294967295", "9", "b"},
		},
		{
			"surrogates before private use", []string{`\ue000`, `\ud83d\ude00`, `\uffff`, `\ud7ff`},
			[]string{"\ud7ff", "😀", "\ue000", "\uffff"},
			[]string{`\ud7ff`, `\ue000`, `\uffff`, `\ud83d\ude00`},
			[]string{`\ud7ff`, `\ue000`, `\uffff`, `\ud83d\ude00`},
		},
		{
			"numbers to PHP", []string{"1e1", "9.5", " 9", "-1", "+5", ".5", "0x1A"},
			[]string{" 9", "+5", "-1", ".5", "0x1A", "1e1", "9.5"},
			[]string{"-1", ".5", "+5", " 9", "0x1A", "9.5", "1e1"},
			[]string{" 9", "+5", "-1", ".5", "0x1A", "1e1", "9.5"},
		},
		{
			"equal to PHP, in the order of the body", []string{"1.0", "01", "1", "1 ", "0"},
			[]string{"0", "1", "01", "1 ", "1.0"}, []string{"0", "1.0", "01", "1", "1 "}, []string{"0", "01", "1", "1 ", "1.0"},
		},
		{
			"beyond 64 bits", []string{"1e99", "9223372036854775808", "9223372036854775807", "100000000000000000000e-30"},
			[]string{"100000000000000000000e-30", "1e99", "9223372036854775807", "9223372036854775808"},
			[]string{"100000000000000000000e-30", "9223372036854775808", "9223372036854775807", "1e99"},
			[]string{"100000000000000000000e-30", "1e99", "9223372036854775807", "9223372036854775808"},
		},
		{
			"too many digits, to PHP", []string{"100000000000000000000e-30", "07", "-07", "-100000000000000000000e-30"},
			[]string{"-07", "-100000000000000000000e-30", "07", "100000000000000000000e-30"},
			[]string{"-100000000000000000000e-30", "-07", "07", "100000000000000000000e-30"},
			[]string{"-07", "-100000000000000000000e-30", "07", "100000000000000000000e-30"},
		},
		{
			"the least integer before white space, to PHP", []string{"-9223372036854775809", "-9223372036854775808 "},
			[]string{"-9223372036854775808 ", "-9223372036854775809"},
			[]string{"-9223372036854775808 ", "-9223372036854775809"},
			[]string{"-9223372036854775808 ", "-9223372036854775809"},
		},
		{
			"the least integer behind white space, to PHP", []string{" -9223372036854775808", " -9223372036854775809"},
			[]string{" -9223372036854775808", " -9223372036854775809"},
			[]string{" -9223372036854775809", " -9223372036854775808"},
			[]string{" -9223372036854775808", " -9223372036854775809"},
		},
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range orderTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := membersOf(tt.in)
			assert.Equal(t, membersOf(tt.js), textOf(t, body, JS))
			assert.Equal(t, membersOf(tt.js), textOf(t, body, JSArrays))
			assert.Equal(t, membersOf(tt.php), textOf(t, body, PHP))
			assert.Equal(t, membersOf(tt.python), textOf(t, body, Python))
		})
	}
}

// membersOf returns an object with these names.
func membersOf(names []string) string {
	return `{"` + strings.Join(names, `":true,"`) + `":true}`
}

// A containerTest is a body and what the forms write for it.
type containerTest struct{ in, js, arrays, php, python string }

func containerTests() []containerTest {
	return []containerTest{
		{`{}`, `{}`, `{}`, `[]`, `{}`},
		{`{"a":[7,8]}`, `{"a":{"0":7,"1":8}}`, `{"a":[7,8]}`, `{"a":[7,8]}`, `{"a":[7,8]}`},
		{`{"a":[]}`, `{"a":{}}`, `{"a":[]}`, `{"a":[]}`, `{"a":[]}`},
		{`{"a":{}}`, `{"a":{}}`, `{"a":{}}`, `{"a":[]}`, `{"a":{}}`},
		{`{"a":{"0":7}}`, `{"a":{"0":7}}`, `{"a":{"0":7}}`, `{"a":[7]}`, `{"a":{"0":7}}`},
		{`{"1":8,"0":7}`, `{"0":7,"1":8}`, `{"0":7,"1":8}`, `[7,8]`, `{"0":7,"1":8}`},
		{`{"1":8}`, `{"1":8}`, `{"1":8}`, `{"1":8}`, `{"1":8}`},
		{`{"00":8}`, `{"00":8}`, `{"00":8}`, `{"00":8}`, `{"00":8}`},
		{`{"0":7,"x":8}`, `{"0":7,"x":8}`, `{"0":7,"x":8}`, `{"0":7,"x":8}`, `{"0":7,"x":8}`},
		{`{"-0":7}`, `{"-0":7}`, `{"-0":7}`, `{"-0":7}`, `{"-0":7}`},
		{
			`{"a":[[],{},[{"b":1,"a":[2]}],null,true,false,"x"]}`,
			`{"a":{"0":{},"1":{},"2":{"0":{"a":{"0":2},"b":1}},"3":null,"4":true,"5":false,"6":"x"}}`,
			`{"a":[[],{},[{"a":[2],"b":1}],null,true,false,"x"]}`,
			`{"a":[[],[],[{"a":[2],"b":1}],null,true,false,"x"]}`,
			`{"a":[[],{},[{"a":[2],"b":1}],null,true,false,"x"]}`,
		},
		{
			`{"0":{"1":2,"0":1},"1":{"0":{}}}`,
			`{"0":{"0":1,"1":2},"1":{"0":{}}}`,
			`{"0":{"0":1,"1":2},"1":{"0":{}}}`,
			`[[1,2],[[]]]`,
			`{"0":{"0":1,"1":2},"1":{"0":{}}}`,
		},
		{
			`{"a":[1,1,1,1,1,1,1,1,1,1,1]}`,
			`{"a":{"0":1,"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1}}`,
			`{"a":[1,1,1,1,1,1,1,1,1,1,1]}`, `{"a":[1,1,1,1,1,1,1,1,1,1,1]}`, `{"a":[1,1,1,1,1,1,1,1,1,1,1]}`,
		},
	}
}

func TestContainers(t *testing.T) {
	t.Parallel()
	for _, tt := range containerTests() {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.js, textOf(t, tt.in, JS))
			assert.Equal(t, tt.arrays, textOf(t, tt.in, JSArrays))
			assert.Equal(t, tt.php, textOf(t, tt.in, PHP))
			assert.Equal(t, tt.python, textOf(t, tt.in, Python))
		})
	}
}
