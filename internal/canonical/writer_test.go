package canonical

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

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

// TestVerbatim marks members that all forms write as they stand in buf, however the
// body spells them.
func TestVerbatim(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]bool{
		`"a":"b"`: true, `"a":"b\/c"`: true, `"a":"\u0041"`: true, `"a":0.1000000000000000055`: true, `"a":1.50`: true,
		`"a": 1`: false, `"\u0061":1`: false, `"a":"\""`: false, `"a":"\u00e9"`: false, `"a":1e2`: false,
	} {
		d := parse(t, "{"+member+"}")
		assert.Equal(t, want, d.nodes[1].flags&verbatim != 0, member)
	}
}
