package canonical

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestErrors wants every reason to read as one line of lower case.
func TestErrors(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for r := NotObject; r <= TooLarge; r++ {
		s := (&Error{Reason: r, Offset: 42}).Error()
		assert.Regexp(t, `^[a-z][^\n.]* at byte 42$`, s)
		assert.NotContains(t, s, "unknown")
		assert.False(t, seen[s], s)
		seen[s] = true
	}
	assert.Equal(t, "unknown reason", (TooLarge + 1).String())
}
