package jovepay_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// signedTexts is what the interpreters sign for a body, by form. A form is left
// out if its interpreter fails at the body.
type signedTexts map[jovepay.IPNForm]string

// A refusedBody is a body that is refused whoever signed it.
type refusedBody struct {
	name  string
	body  string
	why   string // the end of the error: the reason and the offset
	texts signedTexts
}

// everywhere is for bodies that all interpreters sign alike.
func everywhere(text string) signedTexts {
	return signedTexts{jovepay.FormJS: text, jovepay.FormJSArrays: text, jovepay.FormPHP: text, jovepay.FormPython: text}
}

// node is for bodies that only Node reads.
func node(text string) signedTexts {
	return signedTexts{jovepay.FormJS: text, jovepay.FormJSArrays: text}
}

// with returns the texts with one changed or added.
func (s signedTexts) with(form jovepay.IPNForm, text string) signedTexts {
	s = maps.Clone(s)
	s[form] = text
	return s
}

// refusedBodies have a name that says which rule refuses them. What the
// interpreters sign is checked by TestInterpretersSignRefused.
func refusedBodies() []refusedBody {
	const js, jsArrays, php, python = jovepay.FormJS, jovepay.FormJSArrays, jovepay.FormPHP, jovepay.FormPython
	deep := func(levels int) string {
		return strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
	}
	deepList := `{"a":` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + "}"
	deepIndexes := `{"a":` + strings.Repeat(`{"0":`, 511) + "{}" + strings.Repeat("}", 511) + "}"
	long := "1" + strings.Repeat("0", 309)
	many := `{"a":[` + strings.Repeat("0,", 4094) + "0]}"
	manyIndexes := `{"a":{"0":0`
	for i := range 4094 {
		manyIndexes += fmt.Sprintf(`,"%d":0`, i+1)
	}
	manyIndexes += "}}"
	return []refusedBody{
		{"duplicate", `{"payment_id":1,"payment_id":2}`, "duplicate name at byte 16", everywhere(`{"payment_id":2}`)},
		{"duplicate, same value", `{"a":1,"a":1}`, "duplicate name at byte 7", everywhere(`{"a":1}`)},
		{"duplicate, not neighbours", `{"fee":{"a":1,"b":2,"a":3}}`, "duplicate name at byte 20", everywhere(`{"fee":{"a":3,"b":2}}`)},
		{
			"duplicate in a list", `{"list":[{"a":1,"a":2}]}`, "duplicate name at byte 16",
			everywhere(`{"list":[{"a":2}]}`).with(js, `{"list":{"0":{"a":2}}}`),
		},
		{
			"duplicate by an escape", `{"payment_status":"failed","payment\u005fstatus":"finished"}`, "duplicate name at byte 27",
			everywhere(`{"payment_status":"finished"}`),
		},
		{
			"duplicate by a surrogate pair", `{"😀":1,"\ud83d\ude00":2}`, "duplicate name at byte 10",
			signedTexts{js: `{"😀":2}`, jsArrays: `{"😀":2}`, php: `{"\ud83d\ude00":2}`, python: `{"\ud83d\ude00":2}`},
		},
		{"duplicate of the empty name", `{"":1,"":2}`, "duplicate name at byte 6", everywhere(`{"":2}`)},
		{"duplicate of an index", `{"0":1,"0":2}`, "duplicate name at byte 7", everywhere(`{"0":2}`).with(php, `[2]`)},

		{
			"__proto__", `{"__proto__":{"x":1},"a":1}`, "member named __proto__ at byte 1",
			everywhere(`{"__proto__":{"x":1},"a":1}`).with(js, `{"a":1}`).with(jsArrays, `{"a":1}`),
		},
		{
			"__proto__ of no object", `{"a":1,"__proto__":1}`, "member named __proto__ at byte 7",
			everywhere(`{"__proto__":1,"a":1}`).with(js, `{"a":1}`).with(jsArrays, `{"a":1}`),
		},
		{
			"__proto__ by an escape", `{"a":1,"\u005f_proto__":{"x":1}}`, "member named __proto__ at byte 7",
			everywhere(`{"__proto__":{"x":1},"a":1}`).with(js, `{"a":1}`).with(jsArrays, `{"a":1}`),
		},
		{
			"__proto__ within", `{"a":{"__proto__":{"x":1},"b":1}}`, "member named __proto__ at byte 6",
			everywhere(`{"a":{"__proto__":{"x":1},"b":1}}`).with(js, `{"a":{"b":1}}`).with(jsArrays, `{"a":{"b":1}}`),
		},
		{
			"__proto__ in a list", `{"a":[{"__proto__":{"x":1}}]}`, "member named __proto__ at byte 7",
			everywhere(`{"a":[{"__proto__":{"x":1}}]}`).with(js, `{"a":{"0":{}}}`).with(jsArrays, `{"a":[{}]}`),
		},

		{"lone high surrogate", `{"a":"\ud83d"}`, "lone surrogate at byte 6", node(`{"a":"\ud83d"}`).with(python, `{"a":"\ud83d"}`)},
		{"lone low surrogate", `{"a":"x\ude00"}`, "lone surrogate at byte 7", node(`{"a":"x\ude00"}`).with(python, `{"a":"x\ude00"}`)},
		{"lone surrogate before an escape", `{"a":"\ud83d\n"}`, "lone surrogate at byte 6", node(`{"a":"\ud83d\n"}`).with(python, `{"a":"\ud83d\n"}`)},
		{"surrogates swapped", `{"a":"\ude00\ud83d"}`, "lone surrogate at byte 6", node(`{"a":"\ude00\ud83d"}`).with(python, `{"a":"\ude00\ud83d"}`)},
		{"lone surrogate in a name", `{"\uD83D":1}`, "lone surrogate at byte 2", node(`{"\ud83d":1}`).with(python, `{"\ud83d":1}`)},

		{"byte order mark", "\ufeff" + `{"a":1}`, "byte order mark at byte 0", signedTexts{python: `{"a":1}`}},
		{"UTF-16", "{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", "invalid JSON at byte 1", signedTexts{python: `{"a":1}`}},
		{"no UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6", node(`{"a":"` + "\ufffd" + `"}`)},
		{"UTF-8 of a surrogate", "{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8 at byte 6", node(`{"a":"`+"\ufffd\ufffd\ufffd"+`"}`).with(python, `{"a":"\ud800"}`)},
		{"UTF-8 too long", "{\"a\":\"/\xc0\xaf\"}", "invalid UTF-8 at byte 7", node(`{"a":"/` + "\ufffd\ufffd" + `"}`)},
		{"UTF-8 cut off", "{\"a\":\"\xc3\"}", "invalid UTF-8 at byte 6", node(`{"a":"` + "\ufffd" + `"}`)},
		{"UTF-8 beyond Unicode", "{\"a\":\"\xf4\x90\x80\x80\"}", "invalid UTF-8 at byte 6", node(`{"a":"` + "\ufffd\ufffd\ufffd\ufffd" + `"}`)},

		{"raw control", "{\"a\":\"\x1f\"}", "control character in a string at byte 6", nil},
		{"raw line end", "{\"a\":\"x\ny\"}", "control character in a string at byte 7", nil},
		{"raw NUL", "{\"a\":\"\x00\"}", "control character in a string at byte 6", nil},
		{"raw tab in a name", "{\"\t\":1}", "control character in a string at byte 2", nil},

		{"NaN", `{"a":NaN}`, "invalid JSON at byte 5", signedTexts{python: `{"a":NaN}`}},
		{"Infinity", `{"a":Infinity}`, "invalid JSON at byte 5", signedTexts{python: `{"a":Infinity}`}},
		{"-Infinity", `{"a":-Infinity}`, "invalid JSON at byte 6", signedTexts{python: `{"a":-Infinity}`}},
		{"overflow", `{"a":1e400}`, "number out of range at byte 5", node(`{"a":null}`).with(php, "").with(python, `{"a":Infinity}`)},
		{"negative overflow", `{"a":[1,-1e400]}`, "number out of range at byte 8", signedTexts{
			js: `{"a":{"0":1,"1":null}}`, jsArrays: `{"a":[1,null]}`, php: "", python: `{"a":[1,-Infinity]}`,
		}},
		{"overflow by digits", `{"a":` + long + `.0}`, "number out of range at byte 5", node(`{"a":null}`).with(php, "").with(python, `{"a":Infinity}`)},
		{"overflow of an integer", `{"a":` + long + `}`, "number out of range at byte 5", node(`{"a":null}`).with(php, "").with(python, `{"a":`+long+`}`)},

		{"list", `[{"a":1}]`, "not a JSON object at byte 0", everywhere(`[{"a":1}]`).with(js, `{"0":{"a":1}}`)},
		{"empty list", `[]`, "not a JSON object at byte 0", everywhere(`[]`).with(js, `{}`)},
		{"string", ` "a"`, "not a JSON object at byte 1", signedTexts{js: `{"0":"a"}`, jsArrays: `{"0":"a"}`, python: `"a"`}},
		{"number", `1`, "not a JSON object at byte 0", node(`{}`).with(python, `1`)},
		{"true", `true`, "not a JSON object at byte 0", node(`{}`).with(python, `true`)},
		{"null", `null`, "not a JSON object at byte 0", signedTexts{python: `null`}},
		{"empty", ``, "not a JSON object at byte 0", nil},
		{"white space", " \n", "not a JSON object at byte 2", nil},

		{"trailing data", `{"a":1}x`, "data after the object at byte 7", nil},
		{"second object", `{"a":1} {"a":1}`, "data after the object at byte 8", nil},
		{"trailing NUL", "{\"a\":1}\x00", "data after the object at byte 7", nil},
		{"trailing form feed", "{\"a\":1}\n\f", "data after the object at byte 8", nil},
		{"no-break space", "\u00a0{\"a\":1}", "not a JSON object at byte 0", nil},

		{"cut off", `{"a":1`, "unexpected end at byte 6", nil},
		{"cut off in a string", `{"a":"1`, "unexpected end at byte 7", nil},
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
		{"escape that JSON has not", `{"a":"\x41"}`, "invalid escape at byte 7", nil},
		{"escape cut short", `{"a":"\u12"}`, "invalid escape at byte 10", nil},

		{"4097 values", many, "too many values at byte 8194", everywhere(many).with(js, manyIndexes)},
		{"513 levels", deep(513), "nested too deep at byte 2560", node(deep(513)).with(python, deep(513))},
		{"513 levels of lists", deepList, "nested too deep at byte 516", signedTexts{js: deepIndexes, jsArrays: deepList, python: deepList}},
	}
}

// TestIPNRefusals signs each body as every signer that can would, as a text
// taken as it is, and raw. None helps.
func TestIPNRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range refusedBodies() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			signatures := map[string]string{
				"raw":         mac256(ipnSecret, test.body),
				"as it is":    mac512(ipnSecret, test.body),
				"of nothing":  mac512(ipnSecret, ""),
				"of an empty": mac512(ipnSecret, "{}"),
			}
			for form, text := range test.texts {
				signatures[string(form)] = mac512(ipnSecret, text)
			}
			for signer, signature := range signatures {
				for _, v := range []*jovepay.IPNVerifier{newVerifier(t, ipnSecret), newVerifier(t, "another", jovepay.WithFurtherSecret(ipnSecret))} {
					event, err := v.Parse([]byte(test.body), signature)
					require.ErrorIs(t, err, jovepay.ErrMalformedIPN, "signed by %s", signer)
					assert.NotErrorIs(t, err, jovepay.ErrSignatureMismatch)
					require.EqualError(t, err, "jovepay: IPN is malformed: "+test.why)
					assert.Nil(t, event)
					assert.ErrorIs(t, v.Verify([]byte(test.body), signature), jovepay.ErrMalformedIPN)
					_, err = v.ParseRequest(post(t, test.body, signature))
					assert.ErrorIs(t, err, jovepay.ErrMalformedIPN)
				}
			}
			assert.Empty(t, newVerifier(t, ipnSecret).Sign([]byte(test.body)), "it cannot be signed")
			assert.ErrorIs(t, newVerifier(t, ipnSecret).Verify([]byte(test.body), ""), jovepay.ErrSignatureMissing)
		})
	}
}

// TestIPNNearRefusals are as near to a refusal as a body can be.
func TestIPNNearRefusals(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 511) + "{}" + strings.Repeat("}", 511)
	for name, body := range map[string]string{
		"512 levels":                deep,
		"512 levels of lists":       `{"a":` + strings.Repeat("[", 511) + strings.Repeat("]", 511) + "}",
		"many levels side by side":  `{"a":[` + strings.Repeat("[[]],", 2000) + `[]]}`,
		"one name at two levels":    `{"a":{"a":{"a":1}}}`,
		"names that differ in case": `{"a":1,"A":2}`,
		"names of one look":         "{\"\u00e9\":1,\"e\u0301\":2}",
		"names of one number":       `{"1":1,"01":2,"1.0":3,"1e0":4}`,
		"__proto__ as a value":      `{"a":"__proto__"}`,
		"nearly __proto__":          `{"__proto":1,"__proto___":2,"__PROTO__":3,"\u0000__proto__":4}`,
		"constructor":               `{"constructor":{"prototype":1},"prototype":2,"toString":3}`,
		"greatest double":           `{"a":1.7976931348623157e308,"b":1.7976931348623158e308}`,
		"least double":              `{"a":5e-324,"b":1e-400,"c":0e999}`,
		"surrogate pair":            `{"a":"\ud83d\ude00"}`,
		"noncharacter":              "{\"a\":\"\uffff\U0010ffff\"}",
		"mark in a string":          "{\"a\":\"\ufeff\"}",
		"escaped controls":          `{"a":"\u0000\u001f\n"}`,
		"DEL":                       "{\"a\":\"\x7f\"}",
		"white space":               " \t\r\n{ \"a\" : [ 1 , { } ] , \"b\" : { } } \n",
		"empty object":              `{}`,
		"4096 values":               `{"a":[` + strings.Repeat("0,", 4093) + "0]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, form := range allForms() {
				assert.NoError(t, newVerifier(t, ipnSecret).Verify([]byte(body), signAs(t, form, body)), form)
			}
		})
	}
}

// TestIPNSizeLimit asks for the last byte that is taken and the first that is
// not.
func TestIPNSizeLimit(t *testing.T) {
	t.Parallel()
	sized := func(n int) string { return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}` }
	for name, test := range map[string]struct {
		limit int
		opts  []jovepay.IPNOption
	}{
		"default": {64 << 10, nil},
		"small":   {64, []jovepay.IPNOption{jovepay.WithIPNMaxBytes(64)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, ipnSecret, test.opts...)
			for _, form := range allForms() {
				for size, wants := range map[int][]error{
					test.limit - 1: {nil},
					test.limit:     {nil},
					test.limit + 1: {jovepay.ErrMalformedIPN, jovepay.ErrIPNTooLarge},
				} {
					body := sized(size)
					signer := newVerifier(t, ipnSecret, jovepay.WithIPNForms(form), jovepay.WithIPNMaxBytes(2<<20))
					signature := signer.Sign([]byte(body))
					require.NotEmpty(t, signature)
					_, parsed := v.Parse([]byte(body), signature)
					_, received := v.ParseRequest(post(t, body, signature))
					for _, want := range wants {
						assert.ErrorIs(t, v.Verify([]byte(body), signature), want, "%d bytes", size)
						assert.ErrorIs(t, parsed, want, "%d bytes", size)
						assert.ErrorIs(t, received, want, "%d bytes", size)
					}
				}
			}
		})
	}
	assert.Empty(t, newVerifier(t, ipnSecret).Sign([]byte(sized(64<<10+1))))
}
