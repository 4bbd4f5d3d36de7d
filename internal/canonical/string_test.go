package canonical

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

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
