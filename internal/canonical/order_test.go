package canonical

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

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
			"indexes that begin with 9", []string{"900", "91", "9"},
			[]string{"9", "91", "900"}, []string{"9", "91", "900"}, []string{"9", "900", "91"},
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
