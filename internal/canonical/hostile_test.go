package canonical

import (
	"fmt"
	"math/rand/v2"
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
					if err := d.Parse(body, DefaultDepth); err != nil {
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
	for _, h := range hostiles() {
		body := []byte(h.build(4<<10, 1))
		var d Document
		var text []byte
		use := func() {
			if d.Parse(body, DefaultDepth) != nil {
				t.Error(h.name)
			}
			for f := JS; f <= Python; f++ {
				text = d.Append(text[:0], f)
			}
			n := 0
			for v := range d.Root(PHP).Children() {
				n += len(v.Name()) + len(v.Text()) + v.Len()
			}
		}
		use()
		require.Zerof(t, testing.AllocsPerRun(10, use), "%s", h.name)
	}
}
