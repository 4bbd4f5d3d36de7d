package canonical

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// outline returns the tree that v is, as its methods report it.
func outline(v Value) any {
	switch v.Kind() {
	case Object:
		var members []any
		for m := range v.Children() {
			members = append(members, string(m.Name()), outline(m))
		}
		return members
	case Array:
		elements := []string{}
		for e := range v.Children() {
			elements = append(elements, string(e.Name())+string(e.Append(nil)))
		}
		return elements
	case String:
		text, _, _ := v.Text()
		return string(text)
	default:
		return v.Kind()
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	d := parse(t, `{"s":"\u00e9\"","n":1.50,"t":true,"o":{"b":{},"a":""},"l":[[],"x",{"1":2,"0":1}],"10":false,"9":null}`)
	list := []string{`[]`, `"x"`, `{"0":1,"1":2}`}
	within := []any{"a", "", "b", []any(nil)}
	arrays := []any{"9", Null, "10", False, "l", list, "n", Number, "o", within, "s", `é"`, "t", True}
	assert.Equal(t, arrays, outline(d.Root(JSArrays)))

	python := slices.Concat([]any{"10", False, "9", Null}, arrays[4:])
	assert.Equal(t, python, outline(d.Root(Python)))

	listPHP := []string{`[]`, `"x"`, `[1,2]`}
	withinPHP := []any{"a", "", "b", []string{}}
	php := []any{"9", Null, "10", False, "l", listPHP, "n", Number, "o", withinPHP, "s", `é"`, "t", True}
	assert.Equal(t, php, outline(d.Root(PHP)))
	assert.Equal(t, php, outline(d.Root(JS)), "Node's text does not tell them apart")
	assert.Equal(t, php, outline(d.Meaning()))
}

// TestValueOfOneText has documents that Node signs alike: each is the same Value,
// and one that is written again as that Value has the same text.
func TestValueOfOneText(t *testing.T) {
	t.Parallel()
	for want, bodies := range map[string][]string{
		`{"a":[]}`:                 {`{"a":[]}`, `{"a":{}}`},
		`{"a":[[],[[]]]}`:          {`{"a":[[],[[]]]}`, `{"a":{"1":[{}],"0":[]}}`, `{"a":[{},{"0":[]}]}`, `{"a":{"0":{},"1":{"0":{}}}}`},
		`{"a":[1.5,{"00":"x"}]}`:   {`{"a":[1.50,{"00":"x"}]}`, `{"a":{"1":{"00":"\u0078"},"0":15e-1}}`},
		`{"a":{"1":1}}`:            {`{"a":{"1":1.0}}`},
		`{"a":{"-0":1}}`:           {`{"a":{"-0":1}}`},
		`{"a":{"0":1,"2":1}}`:      {`{"a":{"2":1,"0":1}}`},
		`{"0":[9007199254740992]}`: {`{"0":[9007199254740992]}`, `{"0":{"0":9007199254740993}}`, `{"0":[9007199254740992.0]}`},
		`{}`:                       {`{}`, ` { } `},
		`{"0":0,"1":[0]}`:          {`{"1":[-0],"0":-0.0}`, `{"0":0,"1":{"0":0e9}}`},
		`{"a":["10 elements",1,2,3,4,5,6,7,8,9,10]}`: {
			`{"a":["10 elements",1,2,3,4,5,6,7,8,9,10]}`,
			`{"a":{"10":10,"9":9,"8":8,"7":7,"6":6,"5":5,"4":4,"3":3,"2":2,"1":1,"0":"10 elements"}}`,
		},
	} {
		text := textOf(t, bodies[0], JS)
		for _, body := range bodies {
			d := parse(t, body)
			assert.Equal(t, text, string(d.Append(nil, JS)), body)
			assert.Equal(t, want, string(d.Root(JS).Append(nil)), body)
			assert.Equal(t, text, textOf(t, want, JS))
			if !d.Lists() {
				assert.Equal(t, want, text, "%s: it has no lists", body)
			}
		}
	}
}

// TestMeaning is one for all that any form signs alike, and has all digits of
// integers.
func TestMeaning(t *testing.T) {
	t.Parallel()
	for want, bodies := range map[string][]string{
		`{"a":[]}`:                           {`{"a":[]}`, `{"a":{}}`},
		`{"a":[1.5,"é"]}`:                    {`{"a":{"1":"\u00e9","0":1.50}}`, `{"a":[15e-1,"é"]}`},
		`{"a":9007199254740993}`:             {`{"a":9007199254740993}`},
		`{"a":-123456789012345678901234567}`: {`{"a":-123456789012345678901234567}`},
		`{"a":0}`:                            {`{"a":-0}`, `{"a":-0.0}`, `{"a":0e5}`, `{"a":1e-400}`},
		`{"a":1e-7}`:                         {`{"a":0.0000001}`, `{"a":1.0e-7}`, `{"a":1e-07}`},
		`{"a":100000}`:                       {`{"a":1e5}`, `{"a":100000}`, `{"a":100000.0}`},
	} {
		for _, body := range bodies {
			assert.Equal(t, want, string(parse(t, body).Meaning().Append(nil)), body)
		}
	}
}

// TestValuePHPList reads as lists what PHP signs as lists.
func TestValuePHPList(t *testing.T) {
	t.Parallel()
	d := parse(t, `{"2":"c","0":"a","1":{"0":"b"}}`)
	root := d.Root(PHP)
	assert.Equal(t, Array, root.Kind())
	assert.Equal(t, []string{`"a"`, `["b"]`, `"c"`}, outline(root))
	assert.Zero(t, root.Member("0"), "an element has no name")
	for e := range root.Children() {
		assert.Nil(t, e.Name())
	}
	assert.Equal(t, Object, d.Root(Python).Kind())
	assert.Equal(t, `"a"`, string(d.Root(Python).Member("0").Append(nil)))

	members, elements := make([]string, 100), make([]string, 100)
	for i := range members {
		members[i], elements[i] = fmt.Sprintf(`"%d":%d`, 99-i, 99-i), strconv.Itoa(i)
	}
	d = parse(t, "{"+strings.Join(members, ",")+"}")
	assert.Equal(t, "["+strings.Join(elements, ",")+"]", string(d.Append(nil, PHP)))
}

// TestValueAppend writes the parts of a document as the whole has them.
func TestValueAppend(t *testing.T) {
	t.Parallel()
	d := parse(t, `{"n":9007199254740993,"a":[1e-8,[]],"o":{"é":0.0}}`)
	tests := map[Form][3]string{
		JS:       {`9007199254740992`, `[1e-8,[]]`, `{"é":0}`},
		JSArrays: {`9007199254740992`, `[1e-8,[]]`, `{"é":0}`},
		PHP:      {`9007199254740993`, `[1.0e-8,[]]`, `{"\u00e9":0}`},
		Python:   {`9007199254740993`, `[1e-08,[]]`, `{"\u00e9":0.0}`},
	}
	for f, want := range tests {
		root := d.Root(f)
		for i, name := range []string{"n", "a", "o"} {
			assert.Equal(t, "before"+want[i], string(root.Member(name).Append([]byte("before"))), "%v %s", f, name)
		}
		if f != JS {
			assert.Equal(t, string(d.Append(nil, f)), string(root.Append(nil)))
		}
	}
	assert.Equal(t, d.Append(nil, JSArrays), d.Root(JS).Append(nil), "arrays stay arrays")
}

// TestValueText returns the text of strings and numbers as a form has them, and
// where the body has it.
func TestValueText(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]struct {
		text string
		asIs bool
	}{
		`"text"`: {"text", true}, `""`: {"", true}, `"é"`: {"é", true}, `"a\/b"`: {"a/b", false}, `"\u00e9\"x"`: {`é"x`, false},
		`7`: {"7", true}, `1.50`: {"1.5", true}, `-0`: {"0", false}, `12e-1`: {"1.2", false}, `1e-7`: {"1e-07", false},
		`-5`: {"-5", true}, `-12`: {"-12", true}, `10`: {"10", true}, `123456789012345`: {"123456789012345", true}, `-123456789012345`: {"-123456789012345", true},
		`0.000123456789012345`: {"0.000123456789012345", true}, `123456789012.345`: {"123456789012.345", true}, `0.09853637216235617`: {"0.09853637216235617", true},
		`-0.5`: {"-0.5", true}, `1234567890123456.5`: {"1234567890123456.5", true}, `9.007199254740993`: {"9.007199254740993", true}, `0.0002687284882248024`: {"0.0002687284882248024", true}, `0.1000000000000000055`: {"0.1", false}, `1844674407370955.1621`: {"1844674407370955.2", false}, // its digits are 2^64 + 5
		`9007199254740993`: {"9007199254740993", false}, `100.0`: {"100.0", false},
		`null`: {}, `true`: {}, `[1]`: {}, `{"b":1}`: {},
	} {
		body := `{ "a" : ` + literal + `}`
		text, at, asIs := parse(t, body).Root(Python).Member("a").Text()
		assert.Equal(t, want.text, string(text), literal)
		assert.Equal(t, want.asIs, asIs, literal)
		switch literal[0] {
		case '"':
			assert.Equal(t, len(`{ "a" : "`), at, literal)
		case 'n', 't', '[', '{':
			assert.Nil(t, text)
			assert.Zero(t, at, literal)
		default:
			assert.Equal(t, len(`{ "a" : `), at, literal)
		}
	}
	text, _, _ := parse(t, `{"a":9007199254740993}`).Root(JS).Member("a").Text()
	assert.Equal(t, "9007199254740992", string(text))
}

// TestValueElements reads a list in every form, also where the form has an
// object with the indexes as names.
func TestValueElements(t *testing.T) {
	t.Parallel()
	for f := JS; f <= Python; f++ {
		for body, want := range map[string][]string{
			`{"a":[7,"x"]}`: {"7", `"x"`}, `{"a":{"1":"x","0":7}}`: {"7", `"x"`}, `{"a":[]}`: {}, `{"a":{}}`: {},
			`{"a":{"0":1,"1":2,"2":3,"3":4,"4":5,"5":6,"6":7,"7":8,"8":9,"9":10,"10":11}}`: {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"},
			`{"a":{"1":1}}`: nil, `{"a":{"b":1}}`: nil, `{"a":1}`: nil, `{"a":"x"}`: nil, `{"b":1}`: nil,
		} {
			elements, ok := parse(t, body).Root(f).Member("a").Elements()
			assert.Equal(t, want != nil, ok, "%s as %s", body, f)
			if ok {
				got := []string{}
				for e := range elements {
					assert.Nil(t, e.Name())
					got = append(got, string(e.Append(nil)))
				}
				assert.Equal(t, want, got, "%s as %s", body, f)
			}
		}
	}
	elements, _ := parse(t, `{"a":{"0":9007199254740993}}`).Root(Python).Member("a").Elements()
	for e := range elements {
		assert.Equal(t, "9007199254740993", string(e.Append(nil)), "numbers stay those of the form")
		break
	}
}

func TestValueMember(t *testing.T) {
	t.Parallel()
	d := parse(t, `{"payment_id":1,"payment_status":2,"":3,"é":4,"10":5,"9":6,"payment_":7,"\u0061b":8,"ab\u0000":9}`)
	for f := JS; f <= Python; f++ {
		root := d.Root(f)
		for i, name := range []string{"payment_id", "payment_status", "", "é", "10", "9", "payment_", "ab", "ab\x00"} {
			m := root.Member(name)
			assert.Equal(t, name, string(m.Name()))
			assert.Equal(t, string('1'+rune(i)), string(m.Append(nil)))
		}
		for _, name := range []string{"payment", "payment_i", "payment_idx", "e", "\xff", "1", "zz", "a", "ab\x00\x00"} {
			assert.Zero(t, root.Member(name), name)
		}
		assert.Zero(t, root.Member("9").Member(""), "a number has no members")
	}
}

// TestNoValue uses every method on what is no value or has no such part.
func TestNoValue(t *testing.T) {
	t.Parallel()
	var empty Document
	rejected := Document{}
	_ = rejected.Parse([]byte(`{"a":1,"a":2}`), DefaultDepth, math.MaxInt)
	for _, v := range []Value{{}, empty.Root(JS), empty.Meaning(), rejected.Root(PHP), rejected.Meaning(), parse(t, `{}`).Root(4)} {
		assert.Zero(t, v.Kind())
		assert.Nil(t, v.Name())
		text, at, _ := v.Text()
		assert.Nil(t, text)
		assert.Zero(t, at)
		assert.Zero(t, v.Len())
		assert.Empty(t, slices.Collect(v.Children()))
		assert.Zero(t, v.Member("a"))
		assert.Equal(t, "before", string(v.Append([]byte("before"))))
	}
	root := parse(t, `{"a":["x"],"o":{"b":1,"c":2}}`).Root(JS)
	assert.Nil(t, root.Name())
	text, _, _ := root.Text()
	assert.Nil(t, text)
	assert.Equal(t, 2, root.Len())
	a := root.Member("a")
	assert.Equal(t, 1, a.Len())
	assert.Zero(t, a.Member("x"))
	for e := range a.Children() {
		assert.Nil(t, e.Name())
		assert.Zero(t, e.Len())
		text, _, _ := e.Text()
		assert.Equal(t, "x", string(text))
	}
	for range root.Member("o").Children() {
		break // an iterator can be left
	}
	for range root.Member("a").Children() {
		break
	}
}
