package jovepay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jovepay/jovepay-go"
)

// An oracleObject is a JSON object as the oracle reads it.
type oracleObject map[string]any

// errOracle is why the oracle refuses a body.
var errOracle = errors.New("malformed")

// oracle returns what each form signs for a body, or errOracle. It is slow and
// simple, shares nothing with the package, and takes the rules one by one. It
// leaves PHP out where the order of names that are numbers comes in.
func oracle(body []byte) (signedTexts, error) {
	trimmed := bytes.Trim(body, " \t\r\n")
	if !utf8.Valid(body) || !json.Valid(body) || trimmed[0] != '{' || loneSurrogate(body) {
		return nil, errOracle
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	root, err := oracleValue(d, 0)
	if err != nil {
		return nil, err
	}
	texts := signedTexts{jovepay.FormRaw: string(body)}
	for _, form := range allForms()[:4] {
		if form != jovepay.FormPHP || !numericNames(root) {
			texts[form] = oracleText(root, form)
		}
	}
	return texts, nil
}

// loneSurrogate looks for a \ud800 to \udfff that is not half of a pair.
func loneSurrogate(body []byte) bool {
	escape := regexp.MustCompile(`\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)`)
	for _, found := range escape.FindAll(body, -1) {
		if len(found) == len(`\ud800`) {
			if unit, _ := strconv.ParseUint(string(found[2:]), 16, 16); utf16.IsSurrogate(rune(unit)) {
				return true
			}
		}
	}
	return false
}

func oracleValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Number:
		f, err := token.Float64()
		if err != nil || math.IsInf(f, 0) {
			return nil, errOracle
		}
		return token, nil
	case json.Delim:
		if depth++; depth > 512 {
			return nil, errOracle
		}
		if token == '[' {
			list := []any{}
			for d.More() {
				item, err := oracleValue(d, depth)
				if err != nil {
					return nil, err
				}
				list = append(list, item)
			}
			_, err := d.Token()
			return list, err
		}
		object := oracleObject{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			if _, twice := object[name.(string)]; twice || name == "__proto__" {
				return nil, errOracle
			}
			if object[name.(string)], err = oracleValue(d, depth); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errOracle
		}
		return object, err
	}
	return token, nil
}

// numericNames reports whether PHP might take a name for a number.
func numericNames(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, numericNames)
	case oracleObject:
		for name, item := range value {
			if regexp.MustCompile(`^[ \t-\r]*[-+]?\.?[0-9]`).MatchString(name) || numericNames(item) {
				return true
			}
		}
	}
	return false
}

func oracleText(value any, form jovepay.IPNForm) string {
	js := form == jovepay.FormJS || form == jovepay.FormJSArrays
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(value)
	case string:
		return oracleString(value, form)
	case json.Number:
		return oracleNumber(string(value), form)
	case []any:
		var items []string
		for i, item := range value {
			text := oracleText(item, form)
			if form == jovepay.FormJS {
				text = fmt.Sprintf(`"%d":%s`, i, text)
			}
			items = append(items, text)
		}
		if form == jovepay.FormJS {
			return "{" + strings.Join(items, ",") + "}"
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	object := value.(oracleObject)
	if len(object) == 0 && form == jovepay.FormPHP {
		return "[]"
	}
	var names, members []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	if js {
		slices.SortFunc(names, compareAsNode)
	}
	for _, name := range names {
		members = append(members, oracleString(name, form)+":"+oracleText(object[name], form))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// compareAsNode puts array indexes first, by number, and all else by UTF-16.
func compareAsNode(a, b string) int {
	index := func(s string) (uint64, bool) {
		i, err := strconv.ParseUint(s, 10, 32)
		return i, err == nil && i < math.MaxUint32 && strconv.FormatUint(i, 10) == s
	}
	i, aIsIndex := index(a)
	j, bIsIndex := index(b)
	switch {
	case aIsIndex && bIsIndex:
		return int(int64(i) - int64(j))
	case aIsIndex:
		return -1
	case bIsIndex:
		return 1
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func oracleString(s string, form jovepay.IPNForm) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	ascii := form == jovepay.FormPHP || form == jovepay.FormPython
	out := `"`
	for _, r := range s {
		switch escape, ok := short[r]; {
		case ok:
			out += escape
		case r < ' ', r > 0x7f && ascii, r == 0x7f && form == jovepay.FormPython:
			for _, unit := range utf16.Encode([]rune{r}) {
				out += fmt.Sprintf(`\u%04x`, unit)
			}
		default:
			out += string(r)
		}
	}
	return out + `"`
}

func oracleNumber(literal string, form jovepay.IPNForm) string {
	js, php, python := form == jovepay.FormJS || form == jovepay.FormJSArrays, form == jovepay.FormPHP, form == jovepay.FormPython
	if integer := !strings.ContainsAny(literal, ".eE"); integer && !js {
		if literal == "-0" {
			return "0"
		}
		if _, err := strconv.ParseInt(literal, 10, 64); err == nil || python {
			return literal
		}
	}
	f, _ := strconv.ParseFloat(literal, 64)
	if f == 0 && js {
		return "0"
	}
	size := math.Abs(f)
	switch {
	case f == 0,
		js && size >= 1e-6 && size < 1e21,
		php && size >= 1e-4 && size < 1e17,
		python && size >= 1e-4 && size < 1e16:
		plain := strconv.FormatFloat(f, 'f', -1, 64)
		if python && !strings.Contains(plain, ".") {
			plain += ".0"
		}
		return plain
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if php && !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if !python && exponent[1] == '0' { // Go has two digits, as Python
		exponent = exponent[:1] + exponent[2:]
	}
	return mantissa + "e" + exponent
}
