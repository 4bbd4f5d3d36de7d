package canonical

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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

// BenchmarkSize measures reading a body and writing it in all four forms, by
// kind and size of the body.
func BenchmarkSize(b *testing.B) {
	for _, h := range hostiles() {
		for _, kib := range []int{1, 32, 1024} {
			b.Run(fmt.Sprintf("%s/%dKiB", h.name, kib), func(b *testing.B) {
				bodies := [][]byte{[]byte(h.build(kib<<10, 1)), []byte(h.build(kib<<10, 2))}
				var d Document
				var text []byte
				b.SetBytes(int64(len(bodies[0])))
				b.ReportAllocs()
				use := func(body []byte) {
					if err := d.Parse(body, DefaultDepth, math.MaxInt); err != nil {
						b.Fatal(err)
					}
					for f := JS; f <= Python; f++ {
						text = d.Append(text[:0], f)
					}
				}
				use(bodies[1])
				for i := 0; b.Loop(); i++ {
					use(bodies[i%2])
				}
			})
		}
	}
}

// TestNoAllocations holds every kind of body to no allocation at all once the
// document has read one of its kind.
func TestNoAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("needs inlining, which the mutation test turns off")
	}
	for _, h := range hostiles() {
		body := []byte(h.build(4<<10, 1))
		var d Document
		var text []byte
		use := func() {
			if d.Parse(body, DefaultDepth, math.MaxInt) != nil {
				t.Error(h.name)
			}
			for f := JS; f <= Python; f++ {
				text = d.Append(text[:0], f)
			}
			n := 0
			for v := range d.Root(PHP).Children() {
				text, _ := v.Text()
				n += len(v.Name()) + len(text) + v.Len()
			}
		}
		use()
		require.Zerof(t, testing.AllocsPerRun(10, use), "%s", h.name)
	}
}

// TestMemory holds every kind of body, of many sizes, to the memory that Parse
// promises: for what it rejects, for what it reads, and for all that is written.
// Everything that was ever allocated counts.
func TestMemory(t *testing.T) {
	for _, h := range memoryHogs() {
		for _, size := range []int{128 << 10, 1 << 20} {
			body := []byte(h.build(size, 1))
			var most uint64
			for f := JS; f <= Python; f++ {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				var d Document
				var w counter
				if err := d.Parse(body, DefaultDepth, DefaultValues); err == nil {
					w.n += len(d.Stream(&w, nil, f))
				}
				runtime.ReadMemStats(&after)
				most = max(most, after.TotalAlloc-before.TotalAlloc)
			}
			if limit := uint64(4*len(body) + 1<<20); most > limit {
				t.Errorf("%s of %d KiB: %d KiB, over %d KiB", h.name, size>>10, most>>10, limit>>10)
			}
			if testing.Verbose() {
				t.Logf("%s of %d KiB: %.2f bytes per byte", h.name, size>>10, float64(most)/float64(len(body)))
			}
		}
	}
}

// memoryHogs are bodies that are meant to take much memory.
func memoryHogs() []hostile {
	fill := func(before, item, after string) func(int, uint64) string {
		return func(size int, _ uint64) string {
			return before + strings.Repeat(item, max(0, size-len(before)-len(after))/len(item)) + after
		}
	}
	few := func(item func(i int) string) func(int, uint64) string {
		return func(size int, _ uint64) string {
			const n = DefaultValues - 1 // as many as there may be
			pad := strings.Repeat(" ", max(0, size-n*len(item(n))))
			items := make([]string, n)
			for i := range items {
				items[i] = item(i)
			}
			return "{" + pad + strings.Join(items, ",") + "}"
		}
	}
	hogs := []hostile{
		{"elements", fill(`{"a":[`, "0,", "0]}")},
		{"objects", fill(`{"a":[`, "{},", "0]}")},
		{"members", fill(`{"a":[{"":0}`, `,{"":0}`, "]}")},
		{"deep", fill(`{"a":`, "[", "")},
		{"white space", fill("{", " ", "}")},
		{"one string", fill(`{"a":"`, "x", `"}`)},
		{"one name", fill(`{"`, "x", `":1}`)},
		{"DEL", fill(`{"a":"`, "\x7f", `"}`)},
		{"DEL in a name", fill(`{"`, "\x7f", `":1}`)},
		{"wide", fill(`{"a":"`, "é", `"}`)},
		{"pairs", fill(`{"a":"`, "😀", `"}`)},
		{"escaped wide", fill(`{"a":"`, `\u00e9`, `"}`)},
		{"escaped ASCII", fill(`{"a":"`, `\u0041`, `"}`)},
		{"escaped controls", fill(`{"a":"`, `\u0001`, `"}`)},
		{"line ends", fill(`{"a":"`, `\n`, `"}`)},
		{"digits", fill(`{"a":0.`, "7", `}`)},
		{"integer digits", fill(`{"a":`, "7", `}`)},
		{"zeros", fill(`{"a":1.`, "0", `}`)},
		{"numbers and names", few(func(i int) string { return fmt.Sprintf(`"%d":1e2%d`, i*7919%1_000_003, i%10) })},
		{"indexes", few(func(i int) string { return fmt.Sprintf(`"%d":1e9`, i) })},
		{"decimal names", few(func(i int) string { return fmt.Sprintf(`"%d.5":9007199254740993`, i) })},
		{"wide names", few(func(i int) string { return fmt.Sprintf(`"\u00e9%d":1e-7`, i) })},
		{"long names", few(func(i int) string { return fmt.Sprintf(`"%s%d":0.00001`, strings.Repeat("x", 200), i*7919%1_000_003) })},
		{"strings", few(func(i int) string { return fmt.Sprintf(`"%d":"%s"`, i, strings.Repeat("\x7f", 200)) })},
	}
	return append(hogs, hostiles()...)
}

// counter counts what is written to it.
type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}
