package canonical

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// parse returns the document that body is.
func parse(t *testing.T, body string) *Document {
	t.Helper()
	var d Document
	require.NoErrorf(t, d.Parse([]byte(body), DefaultDepth, math.MaxInt), "%q", body)
	return &d
}

// textOf returns what form f signs for body.
func textOf(t *testing.T, body string, f Form) string {
	t.Helper()
	return string(parse(t, body).Append(nil, f))
}

// membersOf returns an object with these names.
func membersOf(names []string) string {
	return `{"` + strings.Join(names, `":true,"`) + `":true}`
}

// guidePayment is the payment of JovePay's guide, in the guide's order, without
// white space: 501 bytes.
const guidePayment = `{"payment_id":123456789,"parent_payment_id":987654321,"invoice_id":null,` +
	`"payment_status":"finished","pay_address":"address","payin_extra_id":null,"price_amount":1,` +
	`"price_currency":"usd","pay_amount":15,"actually_paid":15,"actually_paid_at_fiat":0,` +
	`"pay_currency":"trx","order_id":null,"order_description":null,"purchase_id":"123456789",` +
	`"outcome_amount":14.8106,"outcome_currency":"trx","payment_extra_ids":null,"fee":{"currency":"btc",` +
	`"depositFee":0.09853637216235617,"withdrawalFee":0,"serviceFee":0}}`

// ruleBodies returns the bodies of the tables of rules.
func ruleBodies() []string {
	var bodies []string
	for _, tt := range numberTests() {
		bodies = append(bodies, `{"n":`+tt.literal+`}`)
	}
	for _, tt := range stringTests() {
		bodies = append(bodies, `{"`+tt.in+`":"`+tt.in+`"}`)
	}
	for _, tt := range orderTests() {
		bodies = append(bodies, membersOf(tt.in))
	}
	for _, tt := range containerTests() {
		bodies = append(bodies, tt.in)
	}
	return bodies
}

// requireDiffer fails the test if d reports that two forms have the same text, and
// they don't.
func requireDiffer(t *testing.T, d *Document) {
	t.Helper()
	var texts [Python + 1]string
	for f := range texts {
		texts[f] = string(d.Append(nil, Form(f)))
		for g := range f {
			if !d.Differ(Form(f), Form(g)) {
				require.Equal(t, texts[g], texts[f], "%v and %v", Form(f), Form(g))
			}
		}
	}
}

// A hostile is a kind of body that is meant to make the work slow.
type hostile struct {
	name string
	// build returns a body of about size bytes. Bodies of different variants
	// have the same members in different orders, so that nothing found for one
	// serves the other.
	build func(size int, variant uint64) string
}

// hostiles returns ordinary bodies, to compare, and hostile ones.
func hostiles() []hostile {
	repeat := func(before, item, after string) func(int, uint64) string {
		return func(size int, _ uint64) string {
			n := max(1, (size-len(before)-len(after))/(len(item)+1))
			return before + strings.Repeat(item+",", n-1) + item + after
		}
	}
	members := func(name func(i int) string) func(int, uint64) string {
		return func(size int, variant uint64) string {
			n := max(1, size/(len(name(1<<16))+5))
			items := make([]string, n)
			for i := range items {
				items[i] = `"` + name(i) + `":1`
			}
			r := rand.New(rand.NewPCG(variant, 1))
			r.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
			return "{" + strings.Join(items, ",") + "}"
		}
	}
	long := strings.Repeat("payment_", 128)
	hardest := middle(1.2345678901234567e-300)[:330]
	return []hostile{
		{"ordinary", repeat(`{"payments":[`, guidePayment, "]}")},
		{"names", members(func(i int) string { return fmt.Sprintf("n%05x", i) })},
		{"mixed-names", members(func(i int) string { return fmt.Sprintf("%05x", i) })}, // cyclic in PHP
		{"prefixed-names", members(func(i int) string { return fmt.Sprintf("%s%05x", long, i) })},
		{"index-names", members(strconv.Itoa)},
		{"float-names", members(func(i int) string { return fmt.Sprintf("%d.5e-7", i) })},
		{"wide-names", members(func(i int) string { return string([]rune{0x10000 + rune(i), 0xe000 + rune(i%4096)}) })},
		{"nested", repeat(`{"d":[`, strings.Repeat(`{"a":[`, 254)+strings.Repeat(`]}`, 254), "]}")},
		{"empty-objects", repeat(`{"d":[`, "{}", "]}")},
		{"escapes", repeat(`{"d":"`, `\u00e9\ud83d\ude00\n\/\u0041`, `"}`)},
		{"wide-text", repeat(`{"d":"`, "é—😀", `"}`)},
		{"short-numbers", repeat(`{"d":[`, "1e-8", "]}")},
		{"subnormal-numbers", repeat(`{"d":[`, "1e-310", "]}")},
		{"middle-numbers", repeat(`{"d":[`, hardest, "]}")},
		{"one-number", func(size int, _ uint64) string { return `{"d":0.` + strings.Repeat("7", size) + "}" }},
	}
}

// A generator writes random bodies that no signer rejects.
type generator struct {
	*rand.Rand
	out bytes.Buffer
	// cyclic counts the objects that were drawn again because PHP's order of
	// their names was cyclic.
	cyclic int
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 0x6a6f7665))}
}

// body returns the next body.
func (g *generator) body() []byte {
	g.out.Reset()
	g.space()
	switch g.IntN(100) {
	case 0:
		g.deep(g.IntN(480))
	case 1:
		g.object(0, 200+g.IntN(1500))
	case 2:
		g.array(0, 200+g.IntN(1500), `{"wide":`, "}")
	default:
		g.object(1+g.IntN(4), g.IntN(12))
	}
	g.space()
	return bytes.Clone(g.out.Bytes())
}

// space writes white space, mostly none.
func (g *generator) space() {
	for g.IntN(8) == 0 {
		g.out.WriteByte(" \t\r\n"[g.IntN(4)])
	}
}

// deep writes objects and arrays within each other.
func (g *generator) deep(levels int) {
	var closing []byte
	g.out.WriteString(`{"d":`)
	closing = append(closing, '}')
	for range levels {
		if g.IntN(2) == 0 {
			g.out.WriteString("[1,")
			closing = append(closing, ']')
		} else {
			g.out.WriteString(`{"z":[],"10":0,"9":`)
			closing = append(closing, '}')
		}
	}
	g.scalar()
	slices.Reverse(closing)
	g.out.Write(closing)
}

// value writes any value, nested up to depth levels.
func (g *generator) value(depth int) {
	switch {
	case depth > 0 && g.IntN(6) == 0:
		g.object(depth-1, g.IntN(6))
	case depth > 0 && g.IntN(6) == 0:
		g.array(depth-1, g.IntN(14), "", "")
	default:
		g.scalar()
	}
}

func (g *generator) scalar() {
	switch g.IntN(8) {
	case 0:
		g.out.WriteString([]string{"true", "false", "null"}[g.IntN(3)])
	case 1, 2, 3:
		g.quote(g.text(g.IntN(20)))
	default:
		g.out.WriteString(g.number())
	}
}

func (g *generator) array(depth, n int, before, after string) {
	g.out.WriteString(before + "[")
	for i := range n {
		if i > 0 {
			g.out.WriteByte(',')
		}
		g.space()
		g.value(depth)
		g.space()
	}
	g.out.WriteString("]" + after)
}

func (g *generator) object(depth, n int) {
	names := g.names(n)
	g.out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			g.out.WriteByte(',')
		}
		g.space()
		g.quote(name)
		g.space()
		g.out.WriteByte(':')
		g.space()
		g.value(depth)
		g.space()
	}
	g.space()
	g.out.WriteByte('}')
}

// names returns n different names or fewer, whose order in PHP is an order.
func (g *generator) names(n int) []string {
	draw := []func() string{g.ordinaryName, g.ordinaryName, g.numericName, g.prefixedName, g.indexName, func() string { return g.text(g.IntN(6)) }}
	// An object has names of all kinds or of one.
	if one := g.IntN(2 * len(draw)); one < len(draw) {
		draw = draw[one : one+1]
	}
	for {
		var names []string
		seen := map[string]bool{proto: true}
		for range n {
			if name := draw[g.IntN(len(draw))](); !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
		if !phpCyclic(names) {
			return names
		}
		g.cyclic++
		n = n * 3 / 4
	}
}

// phpCyclic reports whether PHP's comparison does not put the names, in the
// order of the body, into one order: whether in every order one name comes
// before another that is less.
func phpCyclic(names []string) bool {
	type entry struct {
		phpName
		name []byte
	}
	entries := make([]entry, len(names))
	numeric := 0
	for i, name := range names {
		entries[i] = entry{parsePHPName([]byte(name)), []byte(name)}
		entries[i].node = uint32(i)
		if entries[i].kind != phpText {
			numeric++
		}
	}
	if numeric < 2 {
		return false // all are compared as bytes
	}
	compare := func(a, b entry) int {
		return cmp.Or(comparePHP(&a.phpName, &b.phpName, a.name, b.name), cmp.Compare(a.node, b.node))
	}
	slices.SortFunc(entries, compare)
	for i := range entries {
		for j := range i {
			if compare(entries[j], entries[i]) > 0 {
				return true
			}
		}
	}
	return false
}

func (g *generator) ordinaryName() string {
	words := []string{"payment", "status", "pay", "amount", "price", "fee", "id", "order", "currency", "at", "paid", "Extra", "A", "a", "_"}
	name := words[g.IntN(len(words))]
	for g.IntN(2) == 0 {
		name += []string{"_", "", "-", "."}[g.IntN(4)] + words[g.IntN(len(words))]
	}
	return name
}

// prefixedName returns a name that shares its beginning with others.
func (g *generator) prefixedName() string {
	return strings.Repeat("payment_", g.IntN(4)) + "payment_"[:g.IntN(9)] + []string{"", "\x00", "a", "é", "\uffee", "😀"}[g.IntN(6)]
}

func (g *generator) indexName() string {
	return strconv.Itoa(g.IntN(14))
}

// numericName returns a name that Node or PHP may take for a number, or nearly.
func (g *generator) numericName() string {
	edges := []string{
		"4294967294", "4294967295", "4294967296", "2147483648", "9007199254740993", "9007199254740992",
		"9223372036854775806", "9223372036854775807", "9223372036854775808", "9223372036854775809",
		"18446744073709551616", "100000000000000000000", "100000000000000000001", "00000000000000000000001",
	}
	var name string
	switch g.IntN(6) {
	case 0:
		name = edges[g.IntN(len(edges))]
	case 1, 2:
		name = strconv.Itoa(g.IntN(1000))
	case 3:
		name = strconv.FormatUint(g.Uint64()>>g.IntN(64), 10) + strconv.FormatUint(g.Uint64()>>g.IntN(64), 10)
	case 4:
		name = g.spelling()
	case 5:
		name = []string{"", "0", "00", ".", "5.", ".5", "e", "1e", "1e+", "1e999", "1E-999", "0x1A", "1_0", "inf", "nan", "9" + strings.Repeat("0", 400)}[g.IntN(16)]
	}
	switch g.IntN(8) {
	case 0:
		name = "-" + name
	case 1:
		name = "+" + name
	case 2:
		name = "0" + name
	case 3:
		name += []string{".0", ".5", "e0", "E1", "e-2", ".", "e5", "\x00"}[g.IntN(8)]
	}
	for g.IntN(5) == 0 {
		name = " \t\n\r\v\f\u00a0"[g.IntN(6):][:1] + name
	}
	for g.IntN(5) == 0 {
		name += " \t\n\r\v\f"[g.IntN(6):][:1]
	}
	return name
}

// number returns a literal that a double can hold.
func (g *generator) number() string {
	edges := []string{
		"0", "-0", "0.0", "-0.0", "0e5", "-0E-5", "1.0", "10", "100", "1e2", "1e-400", "-1e-400", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
		"2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e+308", "4.35", "0.1", "0.30000000000000004",
		"9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "9007199254740993.0", "4503599627370495.5", "4503599627370496.5",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
		"1e15", "1e16", "1e17", "1e18", "1e20", "1e21", "1e22", "123456789012345680000", "1234567890123456800000", "999999999999999900000", "0.001", "0.0001", "0.00001", "0.000001", "0.0000001",
	}
	for {
		var s string
		switch g.IntN(8) {
		case 0:
			s = edges[g.IntN(len(edges))]
		case 1: // any double
			f := math.Abs(math.Float64frombits(g.Uint64()))
			if math.IsInf(f, 0) || math.IsNaN(f) {
				continue
			}
			s = strconv.FormatFloat(f, "eg"[g.IntN(2)], g.IntN(25)-1, 64)
			if s[0] == 'N' || !strings.ContainsAny(s[:1], "0123456789") {
				continue
			}
		case 2: // any integer
			s = strconv.FormatUint(g.Uint64()>>g.IntN(64), 10)
		case 3: // a long one
			s = strconv.Itoa(1 + g.IntN(9))
			for n := g.IntN(400); n > 0; n-- {
				s += strconv.Itoa(g.IntN(10))
			}
			if g.IntN(2) == 0 {
				cut := 1 + g.IntN(len(s))
				s = s[:cut] + "." + s[cut:] + "0"
			}
		case 4: // the middle between two doubles, or beside it
			f := math.Ldexp(1+g.Float64(), g.IntN(120)-60)
			s = middle(f)
			if g.IntN(2) == 0 {
				s += strconv.Itoa(g.IntN(10))
			}
		default:
			s = g.spelling()
		}
		if g.IntN(6) == 0 && s[0] != '-' {
			s = "-" + s
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) {
			return s
		}
	}
}

// spelling returns an amount from 1e-18 to 1e21 in one of its spellings.
func (g *generator) spelling() string {
	digits := strconv.FormatUint(1+g.Uint64()>>g.IntN(64), 10)
	digits = digits[:1+g.IntN(len(digits))]
	exp := g.IntN(40) - 18 - len(digits) // the number is digits × 10^exp
	zeros := strings.Repeat("0", g.IntN(3)*g.IntN(3))
	switch g.IntN(3) {
	case 0: // plain
		switch {
		case exp >= 0:
			s := digits + strings.Repeat("0", exp)
			if zeros != "" {
				s += "." + zeros
			}
			return s
		case -exp < len(digits):
			return digits[:len(digits)+exp] + "." + digits[len(digits)+exp:] + zeros
		}
		return "0." + strings.Repeat("0", -exp-len(digits)) + digits + zeros
	case 1: // scientific
		s := digits[:1]
		if rest := digits[1:] + zeros; rest != "" {
			s += "." + rest
		}
		return s + g.exponent(exp+len(digits)-1)
	}
	// anything: the point anywhere, the exponent to fit
	cut := 1 + g.IntN(len(digits))
	s := digits[:cut]
	if rest := digits[cut:] + zeros; rest != "" {
		s += "." + rest
	}
	return s + g.exponent(exp+len(digits)-cut)
}

func (g *generator) exponent(e int) string {
	s := "eE"[g.IntN(2):][:1]
	if e < 0 {
		s, e = s+"-", -e
	} else if g.IntN(2) == 0 {
		s += "+"
	}
	return s + strings.Repeat("0", g.IntN(2)*g.IntN(3)) + strconv.Itoa(e)
}

// middle returns the exact middle between f and the next double.
func middle(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(exact(f, math.Nextafter(f, math.Inf(1))), "0"), ".")
}

// exact returns the middle between two doubles, with all digits.
func exact(f, g float64) string {
	sum := new(big.Float).SetPrec(2200).SetFloat64(f)
	sum.Add(sum, new(big.Float).SetFloat64(g))
	sum.Quo(sum, big.NewFloat(2))
	return sum.Text('f', 1100)
}

// text returns a string of n characters.
func (g *generator) text(n int) string {
	var s []rune
	for range n {
		s = append(s, g.rune())
	}
	return string(s)
}

// rune returns any character, with those that some form treats in its own way
// much more often.
func (g *generator) rune() rune {
	within := func(first, last rune) rune { return first + g.Int32N(last-first+1) }
	switch g.IntN(14) {
	case 0:
		return within(0, 0x1f)
	case 1:
		return []rune{'"', '\\', '/', 0x7f, '<', '&', '\'', 0x2028, 0x2029, 0xfeff, 0xfffd, 0xffff, 0x10ffff}[g.IntN(13)]
	case 2:
		return within(0x80, 0xff)
	case 3:
		return within(0x100, 0x7ff)
	case 4:
		return within(0x800, 0xd7ff)
	case 5:
		return within(0xe000, 0xffff)
	case 6:
		return within(0x10000, 0x10ffff)
	}
	return within(' ', '~')
}

// quote writes s as a JSON string, with escapes where they are needed and here
// and there where they are not.
func (g *generator) quote(s string) {
	rarely := g.IntN(3) != 0
	g.out.WriteByte('"')
	for _, r := range s {
		short := strings.IndexRune("\"\\/\b\f\n\r\t", r)
		switch {
		case short >= 0 && (r != '/' || g.IntN(2) == 0) && (r < ' ' || g.IntN(3) > 0 || r == '/'):
			g.out.WriteByte('\\')
			g.out.WriteByte(`"\/bfnrt`[short])
		case r < ' ', r == '"', r == '\\', !rarely && g.IntN(2) == 0:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&g.out, []string{`\u%04x`, `\u%04X`}[g.IntN(2)], unit)
			}
		default:
			g.out.Write(utf8.AppendRune(nil, r))
		}
	}
	g.out.WriteByte('"')
}
