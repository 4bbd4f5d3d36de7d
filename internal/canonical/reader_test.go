package canonical

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/internal/canonical/canonicaltest"
)

// TestRejections parses each body that is rejected whoever signed it.
func TestRejections(t *testing.T) {
	t.Parallel()
	for _, r := range canonicaltest.Rejections() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			var d Document
			err := d.Parse([]byte(r.Body), DefaultDepth, DefaultValues)
			require.EqualError(t, err, r.Error, r.Why)
			assert.Empty(t, d.Append(nil, JS))
			assert.Zero(t, d.Root(JS))
		})
	}
}

// nested returns an object that is so many levels deep.
func nested(levels int) string {
	return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
}

// TestAccepted holds the reader to what is near the rejections and right.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"{}", " \t\r\n{ } \t\r\n", `{"":""}`, `{"a":"\ud83d\ude00"}`, `{"a":"\uFFFF\u0000"}`,
		`{"a":"\ufeff"}`, "{\"a\":\"\ufeff\x7f\u2028\"}", `{"a":0,"b":-0,"c":0.5,"d":1E5,"e":1e+05,"f":1e-05}`,
		`{"proto":1,"__proto":2,"__proto__x":3,"__PROTO__":4,"x":"__proto__","_proto___":5}`,
		`{"constructor":1,"toString":2,"hasOwnProperty":3,"toJSON":4}`,
		"{\"a\":1,\"A\":1,\"\u00e1\":1,\"a\u0301\":1}", `{"a":{"a":{"a":1}}}`, `{"a":[{"b":1},{"b":1}]}`,
		`{"aaaaaaaa":1,"aaaaaaaa\u0000":1,"a":1,"a\u0000":1}`,
		`{"a":` + strings.Repeat("9", 308) + `}`, `{"a":-1.7976931348623158e308}`,
		nested(DefaultDepth),
	} {
		var d Document
		assert.NoErrorf(t, d.Parse([]byte(body), DefaultDepth, math.MaxInt), "%.100q", body)
	}
}

// TestManyMembers holds large objects, which are sorted in another way than
// small ones, to the same rules.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	for _, h := range hostiles() {
		if !strings.HasSuffix(h.name, "names") {
			continue
		}
		a, b := h.build(1<<16, 1), h.build(1<<16, 2)
		for f := JS; f <= Python; f++ {
			cyclic := f == PHP && h.name == "mixed-names"
			if !cyclic && textOf(t, a, f) != textOf(t, b, f) {
				t.Errorf("%s in %v", h.name, f)
			}
		}
		first := a[1 : strings.IndexByte(a, ':')+1]
		twice := a[:len(a)-1] + "," + first + "2}"
		var d Document
		var rejected *Error
		require.ErrorAs(t, d.Parse([]byte(twice), DefaultDepth, math.MaxInt), &rejected)
		assert.Equal(t, Error{Reason: DuplicateName, Offset: len(a)}, *rejected, h.name)
	}
}

func TestMaxDepth(t *testing.T) {
	t.Parallel()
	var d Document
	require.NoError(t, d.Parse([]byte(nested(3)), 3, math.MaxInt))
	require.EqualError(t, d.Parse([]byte(nested(3)), 2, math.MaxInt), "nested too deep at byte 6")
	require.EqualError(t, d.Parse([]byte(`{}`), 0, math.MaxInt), "nested too deep at byte 0")
	require.EqualError(t, d.Parse([]byte(`{}`), -1, math.MaxInt), "nested too deep at byte 0")
	require.NoError(t, d.Parse([]byte(nested(100_000)), math.MaxInt, math.MaxInt))
	assert.Equal(t, nested(100_000), string(d.Append(nil, Python)))
}

// TestMaxValues counts members and elements at every depth.
func TestMaxValues(t *testing.T) {
	t.Parallel()
	for body, values := range map[string]int{
		`{}`: 1, `{"a":1}`: 2, `{"a":[1,{"b":[]}],"c":"x"}`: 6, `{"a":[[[]]]}`: 4, `{"a":1,"b":2,"c":3}`: 4,
	} {
		var used Document
		for range 2 { // also with room for more
			var d Document
			require.NoError(t, d.Parse([]byte(body), DefaultDepth, values))
			require.ErrorContains(t, d.Parse([]byte(body), DefaultDepth, values-1), "too many values at byte")
			require.ErrorContains(t, used.Parse([]byte(body), DefaultDepth, values-1), "too many values at byte")
			require.NoError(t, used.Parse([]byte(`{"a":[1,2,3,4,5,6,7,8,9,10]}`), DefaultDepth, math.MaxInt))
		}
	}
	var d Document
	require.EqualError(t, d.Parse([]byte(`{"a":[1, 2]}`), DefaultDepth, 3), "too many values at byte 9")
	require.EqualError(t, d.Parse([]byte(`{"a":1,"b":2}`), DefaultDepth, 2), "too many values at byte 7")
	require.EqualError(t, d.Parse([]byte(`{}`), DefaultDepth, 0), "too many values at byte 0")
}

func TestTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 512 MiB")
	}
	t.Parallel()
	var d Document
	require.EqualError(t, d.Parse(make([]byte, maxBody), DefaultDepth, math.MaxInt), "body too large at byte 0")
	assert.Zero(t, d.Retained())
}
