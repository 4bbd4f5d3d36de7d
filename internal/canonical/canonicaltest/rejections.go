package canonicaltest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The names of the forms.
const (
	JS       = "js"
	JSArrays = "js-arrays"
	PHP      = "php"
	Python   = "python"
)

// Texts are what the interpreters sign for a body, by form. A form is missing if
// its interpreter fails on the body.
type Texts map[string]string

// Everywhere is for bodies that all interpreters sign alike.
func Everywhere(text string) Texts {
	return Texts{JS: text, JSArrays: text, PHP: text, Python: text}
}

// node is for bodies that only Node reads.
func node(text string) Texts { return Texts{JS: text, JSArrays: text} }

// With returns the texts with one changed or added.
func (t Texts) With(form, text string) Texts {
	t = maps.Clone(t)
	t[form] = text
	return t
}

// A Rejection is a body that is rejected whoever signed it.
type Rejection struct {
	Name  string
	Body  string
	Error string // the text of the canonical reader's error: the reason and the offset
	Texts Texts  // none if no interpreter reads the body
	Why   string // for the message of a test that fails
}

// A row is a rejection in a table.
type row struct {
	name, body, err string
	texts           Texts
}

// because returns the rejections that share an explanation.
func because(why string, rows []row) []Rejection {
	rejections := make([]Rejection, len(rows))
	for i, r := range rows {
		rejections[i] = Rejection{r.name, r.body, r.err, r.texts, why}
	}
	return rejections
}

// Rejections returns all of them. What the interpreters sign is held against the
// interpreters by the verifier's tests.
//
//nolint:funlen // a table
func Rejections() []Rejection {
	deep := func(levels int) string {
		return strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
	}
	deepList := `{"a":` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + "}"
	deepIndexes := `{"a":` + strings.Repeat(`{"0":`, 511) + "{}" + strings.Repeat("}", 511) + "}"
	long := "1" + strings.Repeat("0", 309)
	many := `{"a":[` + strings.Repeat("0,", 4094) + "0]}"
	indexes := make([]string, 4095)
	for i := range indexes {
		indexes[i] = fmt.Sprintf(`"%d":0`, i)
	}
	manyIndexes := `{"a":{` + strings.Join(indexes, ",") + "}}"
	return slices.Concat(
		because("Each language takes something else than an object for a body, or fails.", []row{
			{"list", `[{"a":1}]`, "not a JSON object at byte 0", Everywhere(`[{"a":1}]`).With(JS, `{"0":{"a":1}}`)},
			{"empty list", `[]`, "not a JSON object at byte 0", Everywhere(`[]`).With(JS, `{}`)},
			{"string", ` "a"`, "not a JSON object at byte 1", Texts{JS: `{"0":"a"}`, JSArrays: `{"0":"a"}`, Python: `"a"`}},
			{"number", `1`, "not a JSON object at byte 0", node(`{}`).With(Python, `1`)},
			{"true", `true`, "not a JSON object at byte 0", node(`{}`).With(Python, `true`)},
			{"null", `null`, "not a JSON object at byte 0", Texts{Python: `null`}},
			{"empty", ``, "not a JSON object at byte 0", nil},
			{"white space", " \n", "not a JSON object at byte 2", nil},
			{"no-break space", "\u00a0{\"a\":1}", "not a JSON object at byte 0", nil},
			{"white space, 2", " \r\n\t", "not a JSON object at byte 4", nil},
			{"array", "[{}]", "not a JSON object at byte 0", Texts{JS: `{"0":{}}`, JSArrays: `[{}]`, PHP: `[[]]`, Python: `[{}]`}},
			{"string, 2", `"{}"`, "not a JSON object at byte 0", node(`{"0":"{","1":"}"}`).With(Python, `"{}"`)},
			{"number, 2", " 5", "not a JSON object at byte 1", node(`{}`).With(Python, `5`)},
			{"half a byte order mark", "\xef\xbb{}", "not a JSON object at byte 0", nil},
			{"vertical tab before", "\v{}", "not a JSON object at byte 0", nil},
		}),
		because("Python decodes a body with a byte order mark; Node and PHP fail.", []row{
			{"byte order mark", "\ufeff" + `{"a":1}`, "byte order mark at byte 0", Texts{Python: `{"a":1}`}},
			{"byte order mark, 2", "\ufeff{}", "byte order mark at byte 0", Texts{Python: `{}`}},
		}),
		because("What follows the object would be signed by nobody.", []row{
			{"trailing data", `{"a":1}x`, "data after the object at byte 7", nil},
			{"second object", `{"a":1} {"a":1}`, "data after the object at byte 8", nil},
			{"trailing NUL", "{\"a\":1}\x00", "data after the object at byte 7", nil},
			{"trailing form feed", "{\"a\":1}\n\f", "data after the object at byte 8", nil},
			{"second object, 2", `{}{}`, "data after the object at byte 2", nil},
			{"bracket behind", `{"a":1} ]`, "data after the object at byte 8", nil},
			{"comma behind", `{},`, "data after the object at byte 2", nil},
			{"zero behind", "{}\x00", "data after the object at byte 2", nil},
			{"comment behind", `{} // x`, "data after the object at byte 3", nil},
		}),
		because("An incomplete body is not JSON.", []row{
			{"cut off", `{"a":1`, "unexpected end at byte 6", nil},
			{"cut off in a string", `{"a":"1`, "unexpected end at byte 7", nil},
			{"brace", `{`, "unexpected end at byte 1", nil},
			{"name", `{"a`, "unexpected end at byte 3", nil},
			{"name closed", `{"a"`, "unexpected end at byte 4", nil},
			{"string open", `{"a":"x`, "unexpected end at byte 7", nil},
			{"string ends in backslash", `{"a":"x\`, "unexpected end at byte 8", nil},
			{"escape open", `{"a":"\u12`, "unexpected end at byte 10", nil},
			{"second escape open", `{"a":"\ud83d\u1`, "unexpected end at byte 15", nil},
			{"minus", `{"a":-`, "unexpected end at byte 6", nil},
			{"point", `{"a":1.`, "unexpected end at byte 7", nil},
			{"exponent", `{"a":1e`, "unexpected end at byte 7", nil},
			{"exponent's sign", `{"a":1e-`, "unexpected end at byte 8", nil},
			{"literal", `{"a":nul`, "unexpected end at byte 8", nil},
			{"comma", `{"a":1,`, "unexpected end at byte 7", nil},
			{"array open", `{"a":[1`, "unexpected end at byte 7", nil},
			{"array closed", `{"a":[1]`, "unexpected end at byte 8", nil},
		}),
		because("The languages differ in what they accept besides JSON: Python reads NaN, Infinity and UTF-16.", []row{
			{"UTF-16", "{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", "invalid JSON at byte 1", Texts{Python: `{"a":1}`}},
			{"NaN", `{"a":NaN}`, "invalid JSON at byte 5", Texts{Python: `{"a":NaN}`}},
			{"Infinity", `{"a":Infinity}`, "invalid JSON at byte 5", Texts{Python: `{"a":Infinity}`}},
			{"-Infinity", `{"a":-Infinity}`, "invalid JSON at byte 6", Texts{Python: `{"a":-Infinity}`}},
			{"comma at the end", `{"a":1,}`, "invalid JSON at byte 7", nil},
			{"comma in a list", `{"a":[1,]}`, "invalid JSON at byte 8", nil},
			{"no colon", `{"a" 1}`, "invalid JSON at byte 5", nil},
			{"wrong bracket", `{"a":[1}}`, "invalid JSON at byte 7", nil},
			{"comment", `{"a":1/**/}`, "invalid JSON at byte 6", nil},
			{"single quotes", `{'a':1}`, "invalid JSON at byte 1", nil},
			{"leading zero", `{"a":01}`, "invalid JSON at byte 6", nil},
			{"plus sign", `{"a":+1}`, "invalid JSON at byte 5", nil},
			{"point without digits", `{"a":1.}`, "invalid JSON at byte 7", nil},
			{"exponent without digits", `{"a":1e+}`, "invalid JSON at byte 8", nil},
			{"hexadecimal", `{"a":0x1}`, "invalid JSON at byte 6", nil},
			{"literal of another case", `{"a":True}`, "invalid JSON at byte 5", nil},
			{"UTF-16, 2", "{\x00}\x00", "invalid JSON at byte 1", Texts{Python: `{}`}},
			{"no name", `{1:2}`, "invalid JSON at byte 1", nil},
			{"no value", `{"a":}`, "invalid JSON at byte 5", nil},
			{"comma at the beginning", `{,"a":1}`, "invalid JSON at byte 1", nil},
			{"two commas", `{"a":[1,,2]}`, "invalid JSON at byte 8", nil},
			{"no comma", `{"a":1 "b":2}`, "invalid JSON at byte 7", nil},
			{"no comma in an array", `{"a":[1 2]}`, "invalid JSON at byte 8", nil},
			{"wrong bracket, 2", `{"a":[1}`, "invalid JSON at byte 7", nil},
			{"wrong brace", `{"a":1]`, "invalid JSON at byte 6", nil},
			{"name in an array", `{"a":["b":1]}`, "invalid JSON at byte 9", nil},
			{"undefined", `{"a":undefined}`, "invalid JSON at byte 5", nil},
			{"wrong false", `{"a":falze}`, "invalid JSON at byte 8", nil},
			{"wrong true", `{"a":trve}`, "invalid JSON at byte 7", nil},
			{"wrong null", `{"a":nil}`, "invalid JSON at byte 6", nil},
			{"long literal", `{"a":nulll}`, "invalid JSON at byte 9", nil},
			{"comment, 2", `{/**/}`, "invalid JSON at byte 1", nil},
			{"no-break space, 2", "{\u00a0}", "invalid JSON at byte 1", nil},
			{"form feed", "{\f}", "invalid JSON at byte 1", nil},
			{"zero", "{\x00}", "invalid JSON at byte 1", nil},
			{"leading zero, minus", `{"a":-01}`, "invalid JSON at byte 7", nil},
			{"leading zeros", `{"a":00.5}`, "invalid JSON at byte 6", nil},
			{"leading point", `{"a":.5}`, "invalid JSON at byte 5", nil},
			{"point before exponent", `{"a":1.e5}`, "invalid JSON at byte 7", nil},
			{"two points", `{"a":1.2.3}`, "invalid JSON at byte 8", nil},
			{"empty exponent", `{"a":1e}`, "invalid JSON at byte 7", nil},
			{"two signs", `{"a":--1}`, "invalid JSON at byte 6", nil},
			{"hexadecimal, 2", `{"a":0x1A}`, "invalid JSON at byte 6", nil},
			{"separator", `{"a":1_000}`, "invalid JSON at byte 6", nil},
			{"letter in the exponent", `{"a":1e5f}`, "invalid JSON at byte 8", nil},
			{"invalid byte outside", "{\xff}", "invalid JSON at byte 1", nil},
		}),
		because("JSON has no raw control characters in strings.", []row{
			{"raw control", "{\"a\":\"\x1f\"}", "control character in a string at byte 6", nil},
			{"raw line end", "{\"a\":\"x\ny\"}", "control character in a string at byte 7", nil},
			{"raw NUL", "{\"a\":\"\x00\"}", "control character in a string at byte 6", nil},
			{"raw tab in a name", "{\"\t\":1}", "control character in a string at byte 2", nil},
			{"tab in a name", "{\"a\tb\":1}", "control character in a string at byte 3", nil},
			{"control behind an escape", "{\"a\":\"\\n\x1f\"}", "control character in a string at byte 8", nil},
		}),
		because("Node replaces bytes that are not UTF-8, PHP fails, Python reads some of them as surrogates.", []row{
			{"no UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6", node(`{"a":"` + "\ufffd" + `"}`)},
			{"UTF-8 of a surrogate", "{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8 at byte 6", node(`{"a":"`+"\ufffd\ufffd\ufffd"+`"}`).With(Python, `{"a":"\ud800"}`)},
			{"UTF-8 too long", "{\"a\":\"/\xc0\xaf\"}", "invalid UTF-8 at byte 7", node(`{"a":"/` + "\ufffd\ufffd" + `"}`)},
			{"UTF-8 cut off", "{\"a\":\"\xc3\"}", "invalid UTF-8 at byte 6", node(`{"a":"` + "\ufffd" + `"}`)},
			{"UTF-8 beyond Unicode", "{\"a\":\"\xf4\x90\x80\x80\"}", "invalid UTF-8 at byte 6", node(`{"a":"` + "\ufffd\ufffd\ufffd\ufffd" + `"}`)},
			{"invalid byte", "{\"a\":\"x\xffy\"}", "invalid UTF-8 at byte 7", node("{\"a\":\"x\ufffdy\"}")},
			{"invalid byte in a name", "{\"\x80\":1}", "invalid UTF-8 at byte 2", node("{\"\ufffd\":1}")},
			{"invalid byte behind an escape", "{\"a\":\"\\n\xc3\"}", "invalid UTF-8 at byte 8", node("{\"a\":\"\\n\ufffd\"}")},
			{"overlong", "{\"a\":\"\xc0\xaf\"}", "invalid UTF-8 at byte 6", node("{\"a\":\"\ufffd\ufffd\"}")},
			{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\xbd\xed\xb8\x80\"}", "invalid UTF-8 at byte 6", node("{\"a\":\"\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\"}").With(Python, `{"a":"\ud83d\ude00"}`)},
			{"cut character", "{\"a\":\"\xe2\x82\"}", "invalid UTF-8 at byte 6", node("{\"a\":\"\ufffd\"}")},
		}),
		because("JSON has no such escape.", []row{
			{"escape that JSON does not have", `{"a":"\x41"}`, "invalid escape at byte 7", nil},
			{"escape cut short", `{"a":"\u12"}`, "invalid escape at byte 10", nil},
			{"escaped apostrophe", `{"a":"\'"}`, "invalid escape at byte 7", nil},
			{"long escape", `{"a":"\U00000041"}`, "invalid escape at byte 7", nil},
			{"letter among digits", `{"a":"\u00g0"}`, "invalid escape at byte 10", nil},
			{"colon among digits", `{"a":"\u00:0"}`, "invalid escape at byte 10", nil},
			{"slash among digits", `{"a":"\u00/0"}`, "invalid escape at byte 10", nil},
			{"accent among digits", "{\"a\":\"\\u00`0\"}", "invalid escape at byte 10", nil},
			{"short escape", `{"a":"\u41"}`, "invalid escape at byte 10", nil},
		}),
		because("Node and Python keep half a surrogate pair, PHP fails, and UTF-8 cannot hold it.", []row{
			{"lone high surrogate", `{"a":"\ud83d"}`, "lone surrogate at byte 6", node(`{"a":"\ud83d"}`).With(Python, `{"a":"\ud83d"}`)},
			{"lone low surrogate", `{"a":"x\ude00"}`, "lone surrogate at byte 7", node(`{"a":"x\ude00"}`).With(Python, `{"a":"x\ude00"}`)},
			{"lone surrogate before an escape", `{"a":"\ud83d\n"}`, "lone surrogate at byte 6", node(`{"a":"\ud83d\n"}`).With(Python, `{"a":"\ud83d\n"}`)},
			{"surrogates swapped", `{"a":"\ude00\ud83d"}`, "lone surrogate at byte 6", node(`{"a":"\ude00\ud83d"}`).With(Python, `{"a":"\ude00\ud83d"}`)},
			{"lone surrogate in a name", `{"\uD83D":1}`, "lone surrogate at byte 2", node(`{"\ud83d":1}`).With(Python, `{"\ud83d":1}`)},
			{"high surrogate before a letter", `{"a":"x\ud83dx"}`, "lone surrogate at byte 7", node(`{"a":"x\ud83dx"}`).With(Python, `{"a":"x\ud83dx"}`)},
			{"two high surrogates", `{"a":"\ud83d\ud83d"}`, "lone surrogate at byte 6", node(`{"a":"\ud83d\ud83d"}`).With(Python, `{"a":"\ud83d\ud83d"}`)},
			{"low surrogate", `{"a":"\ude00"}`, "lone surrogate at byte 6", node(`{"a":"\ude00"}`).With(Python, `{"a":"\ude00"}`)},
			{"lone surrogate in a name, 2", `{"\uD800":1}`, "lone surrogate at byte 2", node(`{"\ud800":1}`).With(Python, `{"\ud800":1}`)},
		}),
		because("Of two members with one name the languages keep the last, others read the first.", []row{
			{"duplicate", `{"payment_id":1,"payment_id":2}`, "duplicate name at byte 16", Everywhere(`{"payment_id":2}`)},
			{"duplicate, same value", `{"a":1,"a":1}`, "duplicate name at byte 7", Everywhere(`{"a":1}`)},
			{"duplicate, not neighbors", `{"fee":{"a":1,"b":2,"a":3}}`, "duplicate name at byte 20", Everywhere(`{"fee":{"a":3,"b":2}}`)},
			{
				"duplicate in a list", `{"list":[{"a":1,"a":2}]}`, "duplicate name at byte 16",
				Everywhere(`{"list":[{"a":2}]}`).With(JS, `{"list":{"0":{"a":2}}}`),
			},
			{
				"duplicate by an escape", `{"payment_status":"failed","payment\u005fstatus":"finished"}`, "duplicate name at byte 27",
				Everywhere(`{"payment_status":"finished"}`),
			},
			{
				"duplicate by a surrogate pair", `{"😀":1,"\ud83d\ude00":2}`, "duplicate name at byte 10",
				Texts{JS: `{"😀":2}`, JSArrays: `{"😀":2}`, PHP: `{"\ud83d\ude00":2}`, Python: `{"\ud83d\ude00":2}`},
			},
			{"duplicate of the empty name", `{"":1,"":2}`, "duplicate name at byte 6", Everywhere(`{"":2}`)},
			{"duplicate of an index", `{"0":1,"0":2}`, "duplicate name at byte 7", Everywhere(`{"0":2}`).With(PHP, `[2]`)},
			{"duplicate within", `{"a":{"b":1,"c":2,"b":3}}`, "duplicate name at byte 18", Everywhere(`{"a":{"b":3,"c":2}}`)},
			{"duplicate in an array", `{"a":[{"b":1,"b":1}]}`, "duplicate name at byte 13", Texts{JS: `{"a":{"0":{"b":1}}}`, JSArrays: `{"a":[{"b":1}]}`, PHP: `{"a":[{"b":1}]}`, Python: `{"a":[{"b":1}]}`}},
			{"duplicate, the second escaped", `{"ab":1,"\u0061b":2}`, "duplicate name at byte 8", Everywhere(`{"ab":2}`)},
			{"duplicate, the first escaped", `{"\u0061b":1,"ab":2}`, "duplicate name at byte 13", Everywhere(`{"ab":2}`)},
			{"duplicate, both escaped", `{"\/":1,"\u002f":2}`, "duplicate name at byte 8", Everywhere(`{"/":2}`)},
			{"duplicate beyond ASCII", `{"é":1,"\u00e9":2}`, "duplicate name at byte 8", node(`{"é":2}`).With(PHP, `{"\u00e9":2}`).With(Python, `{"\u00e9":2}`)},
			{"duplicate of eight bytes", `{"payment_":1,"x":0,"payment_":2}`, "duplicate name at byte 20", Everywhere(`{"payment_":2,"x":0}`)},
			{"duplicate of sixteen", `{"payment_payment_":1,"payment_payment_":2}`, "duplicate name at byte 22", Everywhere(`{"payment_payment_":2}`)},
			{"duplicate of more", `{"payment_payment_id":1,"payment_payment_id":2}`, "duplicate name at byte 24", Everywhere(`{"payment_payment_id":2}`)},
			{"three of one name", `{"a":1,"a":2,"a":3}`, "duplicate name at byte 7", Everywhere(`{"a":3}`)},
			{"duplicate before __proto__", `{"b":{"a":1,"a":2},"__proto__":1}`, "duplicate name at byte 12", node(`{"b":{"a":2}}`).With(PHP, `{"__proto__":1,"b":{"a":2}}`).With(Python, `{"__proto__":1,"b":{"a":2}}`)},
		}),
		because("Node does not store a member named __proto__ and leaves it unsigned.", []row{
			{
				"__proto__", `{"__proto__":{"x":1},"a":1}`, "member named __proto__ at byte 1",
				Everywhere(`{"__proto__":{"x":1},"a":1}`).With(JS, `{"a":1}`).With(JSArrays, `{"a":1}`),
			},
			{
				"__proto__ of no object", `{"a":1,"__proto__":1}`, "member named __proto__ at byte 7",
				Everywhere(`{"__proto__":1,"a":1}`).With(JS, `{"a":1}`).With(JSArrays, `{"a":1}`),
			},
			{
				"__proto__ by an escape", `{"a":1,"\u005f_proto__":{"x":1}}`, "member named __proto__ at byte 7",
				Everywhere(`{"__proto__":{"x":1},"a":1}`).With(JS, `{"a":1}`).With(JSArrays, `{"a":1}`),
			},
			{
				"__proto__ within", `{"a":{"__proto__":{"x":1},"b":1}}`, "member named __proto__ at byte 6",
				Everywhere(`{"a":{"__proto__":{"x":1},"b":1}}`).With(JS, `{"a":{"b":1}}`).With(JSArrays, `{"a":{"b":1}}`),
			},
			{
				"__proto__ in a list", `{"a":[{"__proto__":{"x":1}}]}`, "member named __proto__ at byte 7",
				Everywhere(`{"a":[{"__proto__":{"x":1}}]}`).With(JS, `{"a":{"0":{}}}`).With(JSArrays, `{"a":[{}]}`),
			},
			{"__proto__, 2", `{"__proto__":{}}`, "member named __proto__ at byte 1", node(`{}`).With(PHP, `{"__proto__":[]}`).With(Python, `{"__proto__":{}}`)},
			{"__proto__ within, 2", `{"a":[{"b":1,"__proto__":null}]}`, "member named __proto__ at byte 13", Texts{JS: `{"a":{"0":{"b":1}}}`, JSArrays: `{"a":[{"b":1}]}`, PHP: `{"a":[{"__proto__":null,"b":1}]}`, Python: `{"a":[{"__proto__":null,"b":1}]}`}},
			{"__proto__ escaped", `{"\u005f_prot\u006f__":1}`, "member named __proto__ at byte 1", node(`{}`).With(PHP, `{"__proto__":1}`).With(Python, `{"__proto__":1}`)},
		}),
		because("Beyond the range of a double Node writes null, PHP nothing, and Python Infinity or all digits.", []row{
			{"overflow", `{"a":1e400}`, "number out of range at byte 5", node(`{"a":null}`).With(PHP, "").With(Python, `{"a":Infinity}`)},
			{"negative overflow", `{"a":[1,-1e400]}`, "number out of range at byte 8", Texts{
				JS: `{"a":{"0":1,"1":null}}`, JSArrays: `{"a":[1,null]}`, PHP: "", Python: `{"a":[1,-Infinity]}`,
			}},
			{"overflow by digits", `{"a":` + long + `.0}`, "number out of range at byte 5", node(`{"a":null}`).With(PHP, "").With(Python, `{"a":Infinity}`)},
			{"overflow of an integer", `{"a":` + long + `}`, "number out of range at byte 5", node(`{"a":null}`).With(PHP, "").With(Python, `{"a":`+long+`}`)},
			{"overflow, minus", `{"a":[0,-1e309]}`, "number out of range at byte 8", Texts{JS: `{"a":{"0":0,"1":null}}`, JSArrays: `{"a":[0,null]}`, PHP: ``, Python: `{"a":[0,-Infinity]}`}},
			{"overflow by rounding", `{"a":1.7976931348623159e308}`, "number out of range at byte 5", node(`{"a":null}`).With(PHP, ``).With(Python, `{"a":Infinity}`)},
			{"overflow of an integer, 2", `{"a":` + strings.Repeat("9", 310) + `}`, "number out of range at byte 5", node(`{"a":null}`).With(PHP, ``).With(Python, `{"a":`+strings.Repeat("9", 310)+`}`)},
			{"overflow of a long exponent", `{"a":1e99999999999999999999999}`, "number out of range at byte 5", node(`{"a":null}`).With(PHP, ``).With(Python, `{"a":Infinity}`)},
		}),
		because("The languages differ in how deep they read, and memory is bounded.", []row{
			{"513 levels", deep(513), "nested too deep at byte 2560", node(deep(513)).With(Python, deep(513))},
			{"513 levels of lists", deepList, "nested too deep at byte 516", Texts{JS: deepIndexes, JSArrays: deepList, Python: deepList}},
		}),
		because("Memory is bounded.", []row{
			{"4097 values", many, "too many values at byte 8194", Everywhere(many).With(JS, manyIndexes)},
		}),
	)
}
