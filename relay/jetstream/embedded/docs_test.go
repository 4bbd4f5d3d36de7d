package embedded_test

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocs checks that the Go code in docs/messages.md is that of the examples,
// which are compiled and run.
func TestDocs(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/messages.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("outside of the repository")
	}
	require.NoError(t, err)
	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		assert.Contains(t, unindent(string(examples)), unindent(block[1]))
	}
}

func unindent(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimLeft(line, "\t"))
	}
	return b.String()
}
