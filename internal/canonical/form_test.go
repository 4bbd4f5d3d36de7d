package canonical

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFormString(t *testing.T) {
	t.Parallel()
	names := map[Form]string{
		JS: "js", JSArrays: "js-arrays", PHP: "php", Python: "python", 4: "unknown",
	}
	for f, name := range names {
		assert.Equal(t, name, f.String())
	}
}
