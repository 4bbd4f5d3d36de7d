package jovepay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"log/slog"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-querystring/query"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

func TestParseAmountKeepsDigits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "-0", "0.0", "1", "-1", "49.90", "0.000000000000000001", "1e-18", "1E+2", "1.50e2", "-1.5E-7",
		"123456789012345678901234567890.123456789", "1e400", "1e-400", "1e0000400",
		strings.Repeat("9", 128),
	} {
		amount, err := jovepay.ParseAmount(text)
		require.NoError(t, err, text)
		assert.Equal(t, text, amount.String())
		assert.False(t, amount.IsNull())
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok, text)
		assert.Zero(t, want.Cmp(amount.Decimal().Rat()), "%s became %s", text, amount.Decimal())
	}
}

func TestParseAmountRejects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "null", "NaN", "Inf", "-", "+1", ".5", "5.", "01", "-01", "00", "1,5", "1_000", "0x10", "1 ", " 1",
		"1e", "1e+", "1e1.5", "1.e1", "--1", "1-", "1.2.3", "1\n", "١", "−1", "1\x00", "$1", "1e401", "1e-401", "1e99999999999999999999",
		strings.Repeat("9", 129), "1." + strings.Repeat("0", 127),
	} {
		_, err := jovepay.ParseAmount(text)
		require.Error(t, err, "%q", text)
		assert.NotContains(t, err.Error(), "\n")
		assert.Less(t, len(err.Error()), 120, "%q", text)
		assert.True(t, utf8.ValidString(err.Error()), "%q", err)
		assert.Panics(t, func() { jovepay.MustAmount(text) })
	}
}

func TestAmountNullIsNotZero(t *testing.T) {
	t.Parallel()
	var null jovepay.Amount
	zero := jovepay.MustAmount("0")
	assert.True(t, null.IsNull())
	assert.False(t, zero.IsNull())
	assert.False(t, null.Equal(zero))
	assert.True(t, null.Equal(jovepay.Amount{}))
	assert.Equal(t, -1, null.Cmp(zero))
	assert.Equal(t, +1, zero.Cmp(null))
	assert.Equal(t, -1, null.Cmp(jovepay.MustAmount("-1")), "null is less than every number")
	assert.Zero(t, null.Sign())
	assert.Empty(t, null.String())
	assert.True(t, null.Decimal().IsZero())
}

func TestAmountCompares(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"1.5", "1.50", 0},
		{"1e2", "100", 0},
		{"-0", "0", 0},
		{"0e400", "0", 0},
		{"0.1", "0.10000000000000000000000000000000000001", -1},
		{"1e-400", "0", +1},
		{"-1e400", "-1e399", -1},
		{"9007199254740993", "9007199254740992", +1}, // the same float64
	} {
		a, b := jovepay.MustAmount(tt.a), jovepay.MustAmount(tt.b)
		assert.Equal(t, tt.want, a.Cmp(b), "%s, %s", a, b)
		assert.Equal(t, -tt.want, b.Cmp(a), "%s, %s", b, a)
		assert.Equal(t, tt.want == 0, a.Equal(b))
	}
	assert.Equal(t, -1, jovepay.MustAmount("-0.01").Sign())
	assert.Equal(t, +1, jovepay.MustAmount("1e-400").Sign())
}

// Any package of a program can set shopspring/decimal's variables; what the
// SDK sends and compares must not change with them.
func TestAmountIgnoresDecimalsVariables(t *testing.T) { //nolint:paralleltest // changes variables of another package
	exponent, trim := decimal.MaxDecodeExponent, decimal.TrimTrailingZeros
	t.Cleanup(func() { decimal.MaxDecodeExponent, decimal.TrimTrailingZeros = exponent, trim })
	decimal.MaxDecodeExponent, decimal.TrimTrailingZeros = 2, false
	assert.True(t, jovepay.MustAmount("1e-18").Equal(jovepay.MustAmount("0.000000000000000001")))
	assert.Equal(t, 1, jovepay.MustAmount("0.001").Sign())
	assert.Equal(t, "1.50", jovepay.MustAmount("1.50").String())
}

func TestNewAmount(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "49.9", jovepay.NewAmount(decimal.RequireFromString("49.9")).String())
	assert.False(t, jovepay.NewAmount(decimal.Decimal{}).IsNull(), "the zero decimal is zero, not null")
}

func TestAmountJSON(t *testing.T) {
	t.Parallel()
	type order struct {
		Price jovepay.Amount `json:"price"`
		Tax   jovepay.Amount `json:"tax,omitzero"`
	}
	codecs := map[string]struct {
		marshal   func(any) ([]byte, error)
		unmarshal func([]byte, any) error
	}{
		"encoding/json": {json.Marshal, json.Unmarshal},
		"v2":            {func(v any) ([]byte, error) { return jsonv2.Marshal(v) }, func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) }},
	}
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct{ in, out string }{
				{`{"price":49.90}`, `{"price":49.90}`},
				{`{"price":"49.90"}`, `{"price":49.90}`},
				{`{"price": 1.50E-7 , "tax":0}`, `{"price":1.50E-7,"tax":0}`},
				{`{"price":null}`, `{"price":null}`},
				{`{"price":""}`, `{"price":null}`},
				{`{"price":"null"}`, `{"price":null}`},
				{`{"price":"\u0031.5"}`, `{"price":1.5}`},
				{`{}`, `{"price":null}`},
				{`{"price":123456789012345678901234567890.000000000000000001}`, `{"price":123456789012345678901234567890.000000000000000001}`},
			} {
				var v order
				require.NoError(t, codec.unmarshal([]byte(tt.in), &v), tt.in)
				out, err := codec.marshal(v)
				require.NoError(t, err)
				assert.Equal(t, tt.out, string(out), tt.in)
			}
			for _, in := range []string{
				`{"price":true}`, `{"price":{}}`, `{"price":[1]}`, `{"price":"1 "}`, `{"price":"x"}`, `{"price":1e401}`,
				`{"price":"` + strings.Repeat("9", 129) + `"}`, `{"price":` + strings.Repeat("9", 129) + `}`,
			} {
				assert.Error(t, codec.unmarshal([]byte(in), new(order)), in)
			}
			kept := order{Price: jovepay.MustAmount("1")}
			require.NoError(t, codec.unmarshal([]byte(`{"price":null}`), &kept))
			assert.True(t, kept.Price.IsNull(), "null replaces an earlier amount")
		})
	}
}

// Only a JSON library should call UnmarshalJSON, but a call by anyone else must not
// panic.
func TestUnmarshalJSONOfNonsense(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", `"`, `""`, `"1`, `1"`, `\`, `"\`, `"\"`, "-", "{", "nul", "\xff", `"` + "\xff" + `"`} {
		assert.NotPanics(t, func() {
			_ = new(jovepay.Amount).UnmarshalJSON([]byte(in))
			_ = new(jovepay.Time).UnmarshalJSON([]byte(in))
			id := new(jovepay.ID)
			_ = id.UnmarshalJSON([]byte(in))
			_ = new(jovepay.Currency).UnmarshalJSON([]byte(in))
		}, in)
	}
}

func TestAmountText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "49.90", "1e-18"} {
		var a jovepay.Amount
		require.NoError(t, a.UnmarshalText([]byte(text)))
		got, err := a.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
		assert.Equal(t, text == "", a.IsNull())
	}
	assert.Error(t, new(jovepay.Amount).UnmarshalText([]byte("null")))
}

func TestAmountSQL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		column any
		want   any
	}{
		{nil, nil},
		{"49.90", "49.90"},
		{[]byte("0.000000000000000001"), "0.000000000000000001"},
		{int64(-9223372036854775808), "-9223372036854775808"},
		{"", nil},
	} {
		a := jovepay.MustAmount("1")
		require.NoError(t, a.Scan(tt.column), "%v", tt.column)
		got, err := a.Value()
		require.NoError(t, err)
		assert.Equal(t, tt.want, got)
	}
	for _, column := range []any{49.9, true, "x", []byte("1,5"), struct{}{}} {
		a := jovepay.MustAmount("1")
		require.Error(t, a.Scan(column), "%v", column)
		assert.Equal(t, "1", a.String(), "a rejected column changes nothing")
	}
	assert.ErrorContains(t, new(jovepay.Amount).Scan(49.9), "float64")
}

func TestAmountQuery(t *testing.T) {
	t.Parallel()
	values, err := query.Values(struct {
		A jovepay.Amount `url:"a"`
		B jovepay.Amount `url:"b"`
		C jovepay.Amount `url:"c"`
	}{A: jovepay.MustAmount("1.50"), C: jovepay.MustAmount("0")})
	require.NoError(t, err)
	assert.Equal(t, "a=1.50&c=0", values.Encode())
}

func TestAmountIsLogged(t *testing.T) {
	t.Parallel()
	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("paid", "amount", jovepay.MustAmount("49.90"))
	slog.New(slog.NewJSONHandler(&object, nil)).Info("paid", "amount", jovepay.MustAmount("49.90"), "fee", jovepay.Amount{})
	assert.Contains(t, text.String(), "amount=49.90")
	assert.Contains(t, object.String(), `"amount":49.90,"fee":null`)
	assert.Equal(t, "49.90 49.90", fmt.Sprintf("%v %s", jovepay.MustAmount("49.90"), jovepay.MustAmount("49.90")))
}

// FuzzAmount holds an Amount against encoding/json's idea of a number and
// math/big's idea of its value.
func FuzzAmount(f *testing.F) {
	for _, text := range []string{"0", "-0", "49.90", "1e-18", "1E+400", "1e401", "01", "+1", ".5", "5.", "", "null", "1e", "١", "0.1e-400"} {
		f.Add(text, "1.50")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		a, err := jovepay.ParseAmount(text)
		isNumber := text != "" && strings.ContainsRune("-0123456789", rune(text[0])) && text == strings.TrimSpace(text) && json.Valid([]byte(text))
		if got, want := err == nil, isNumber && withinLimits(text); got != want {
			t.Fatalf("ParseAmount(%q): %v, want success: %t", text, err, want)
		}
		if err != nil {
			return
		}
		written, err := json.Marshal(a)
		if err != nil || string(written) != text {
			t.Fatalf("%q is written as %s, %v", text, written, err)
		}
		var b jovepay.Amount
		if err := json.Unmarshal(written, &b); err != nil || b.String() != text {
			t.Fatalf("%q is read back as %q, %v", text, b, err)
		}
		c, err := jovepay.ParseAmount(other)
		if err != nil {
			return
		}
		ra, _ := new(big.Rat).SetString(text)
		rc, _ := new(big.Rat).SetString(other)
		if a.Cmp(c) != ra.Cmp(rc) || a.Sign() != ra.Sign() || a.Decimal().Rat().Cmp(ra) != 0 {
			t.Fatalf("%s and %s compare as %d, want %d", a, c, a.Cmp(c), ra.Cmp(rc))
		}
	})
}

// withinLimits reads the limits from the doc comment of ParseAmount.
func withinLimits(number string) bool {
	_, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	if exponent == "" {
		return len(number) <= 128
	}
	e, ok := new(big.Int).SetString(exponent, 10)
	return ok && len(number) <= 128 && e.CmpAbs(big.NewInt(400)) <= 0
}

// TestNoFloats: no package that has to do with money knows a float.
func TestNoFloats(t *testing.T) {
	t.Parallel()
	var read int
	for _, dir := range []string{".", "inbox", "jovepaytest", "internal/emulator", "internal/emulator/engine"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			read++
			set := gotoken.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			require.NoError(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					assert.NotContains(t, []string{"float32", "float64"}, id.Name, set.Position(id.Pos()))
				}
				return true
			})
		}
	}
	assert.Greater(t, read, 30)
}
