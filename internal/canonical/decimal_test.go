package canonical

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exact returns the middle between two doubles, with all digits.
func exact(f, g float64) string {
	sum := new(big.Float).SetPrec(2200).SetFloat64(f)
	sum.Add(sum, new(big.Float).SetFloat64(g))
	sum.Quo(sum, big.NewFloat(2))
	return sum.Text('f', 1100)
}

// nearest returns the double nearest to a decimal number. strconv.ParseFloat
// is wrong by powers of ten about some whole numbers of more than 800 digits
// with an exponent: it drops digits there without counting them.
func nearest(s string) float64 {
	const strconvDigits, bits = 800, 8000
	if len(s) > strconvDigits {
		if f, _, err := big.ParseFloat(s, 10, bits, big.ToNearestEven); err == nil {
			double, _ := f.Float64()
			return double
		}
	}
	double, _ := strconv.ParseFloat(s, 64)
	return double
}

// requireFloat wants of a decimal number the nearest double, both from the way
// that suits it and from exact arithmetic.
func requireFloat(t *testing.T, s string) {
	t.Helper()
	want := nearest(s)
	x := parseDecimal([]byte(s))
	require.Equal(t, math.Float64bits(want), math.Float64bits(x.float()), "%.100s", s)
	if magnitude := x.count + x.exp; x.count > 0 && magnitude >= -323 && magnitude <= 309 {
		require.Equal(t, math.Float64bits(want), math.Float64bits(x.longFloat()), "%.100s in exact arithmetic", s)
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"0", "0.0", "00", "1", "10", "1.", ".5", "0.5", "00.50", "1e5", "1.e5", ".5E-5", "0e999", "1e+0",
		"18446744073709551615", "18446744073709551616", "9999999999999999999", "10000000000000000000e-19",
		"9007199254740993", "9007199254740992.99999999999999999999", "1e19", "1e20", "1e-19", "1e-20", "9999999999999999999e19", "9999999999999999999e20",
		"5e-324", "2.4703282292062327208e-324", "2.4703282292062327209e-324", "1e-323", "9e-324", "1e-324", "1e-400",
		"2.2250738585072011e-308", "2.2250738585072012e-308", "2.2250738585072014e-308", "2.225073858507201e-308",
		"1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e310", "1e999999999999999999999",
		strings.Repeat("9", 308), strings.Repeat("9", 309), "0." + strings.Repeat("0", 322) + "3",
		"1" + strings.Repeat("0", 400) + "e-400", "0." + strings.Repeat("0", 400) + "1e401",
		strings.Repeat("7", 799) + "e-500", strings.Repeat("7", 800) + "e-500", strings.Repeat("7", 801) + "e-500", strings.Repeat("7", 5000) + "e-4900",
	} {
		requireFloat(t, s)
	}
}

// TestDecimalMiddle tries the hardest numbers: exactly in the middle between
// two doubles, and as little as possible beside it.
func TestDecimalMiddle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		f := math.Float64frombits(r.Uint64() % math.Float64bits(math.MaxFloat64))
		s := exact(f, math.Nextafter(f, math.Inf(1)))
		require.Contains(t, s, ".")
		requireFloat(t, s)
		requireFloat(t, s+"1")
		requireFloat(t, s+strings.Repeat("0", 500)+"1")
		digits := strings.TrimRight(strings.TrimLeft(strings.Replace(s, ".", "", 1), "0"), "0")
		requireFloat(t, strings.TrimRight(s, "0")+"e0")
		requireFloat(t, "0."+digits[:min(len(digits), 20)]+"e"+strconv.Itoa(r.IntN(600)-320))
	}
}

// TestDecimalRandom tries numbers of every length and size.
func TestDecimalRandom(t *testing.T) {
	t.Parallel()
	g := newGenerator(3)
	for range 50_000 {
		requireFloat(t, strings.TrimPrefix(g.number(), "-"))
		requireFloat(t, strconv.FormatUint(g.Uint64()>>g.IntN(64), 10)+"e"+strconv.Itoa(g.IntN(680)-350))
	}
}

// TestShortest wants shortest to be right whenever it says so, and to say so of
// nearly everything that a language writes with the shortest digits.
func TestShortest(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 5))
	asked, told := 0, 0
	try := func(s string) {
		point := strings.IndexByte(s, '.')
		decimals := len(s) - point - 1
		if point < 0 || decimals > headDigits || len(s)-1 > headDigits || s[len(s)-1] == '0' {
			return
		}
		f, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		best := strconv.FormatFloat(f, 'f', -1, 64) == s
		says := shortest([]byte(s), decimals)
		assert.False(t, says && !best, s)
		if best {
			asked++
			if says {
				told++
			}
		}
	}
	for range 200_000 {
		f := r.Float64() * math.Pow(10, float64(r.IntN(8)-3))
		s := strconv.FormatFloat(f, 'f', -1, 64)
		try(s)
		try(s[:len(s)-1] + string('1'+rune(r.IntN(9))))
		try(s + string('1'+rune(r.IntN(9))))
		try(strconv.FormatFloat(math.Ldexp(1, r.IntN(60)-20), 'f', -1, 64))
	}
	assert.Greater(t, float64(told), 0.98*float64(asked))
}

// FuzzDecimal compares every decimal number with the nearest double.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "0.1e-5", "123456789012345678901234567890e-200", "2.4703282292062328e-324", "9007199254740993"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := scanNumeric([]byte(s)); ok {
			requireFloat(t, s)
		}
	})
}
