package canonical

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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

// TestDecimalMiddleOfWholeNumbers does the same with whole numbers of many
// words, of which only the first and the last have a bit that counts.
func TestDecimalMiddleOfWholeNumbers(t *testing.T) {
	t.Parallel()
	for shift := range uint(900) {
		middle := new(big.Int).Lsh(big.NewInt(1<<53+1), shift)
		requireFloat(t, middle.String())
		requireFloat(t, middle.Add(middle, big.NewInt(1)).String())
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
