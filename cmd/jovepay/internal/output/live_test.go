package output

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLiveLineIsDrawnEverySecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &Printer{Out: &out, Terminal: true}
		live := p.Live(t.Context(), func(elapsed time.Duration) string { return elapsed.String() + strings.Repeat("x", 100) })
		<-time.After(2500 * time.Millisecond)
		require.NoError(t, live.Above(func() error { out.WriteString("above\n"); return nil }))
		live.Stop()
		drawn := strings.Split(out.String(), clearLine)
		require.Len(t, drawn, 6)
		assert.Empty(t, drawn[0])
		for i, want := range []string{"0s", "1s", "2s"} {
			assert.Equal(t, (want + strings.Repeat("x", 100))[:79], drawn[i+1])
		}
		assert.Equal(t, []string{"above\n", ""}, drawn[4:])
	})
	var none *Live
	none.Stop()
	assert.ErrorIs(t, none.Above(func() error { return io.ErrClosedPipe }), io.ErrClosedPipe)
}
