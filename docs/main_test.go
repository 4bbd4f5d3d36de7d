package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// root is the repository, seen from this package.
const root = ".."

// files returns the paths, relative to the root, of all files of the repository
// with one of the extensions.
func files(t *testing.T, extensions ...string) []string {
	t.Helper()
	var paths []string
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == ".git" || name == "bin" || name == "node_modules") {
			return fs.SkipDir
		}
		for _, extension := range extensions {
			if !entry.IsDir() && strings.HasSuffix(path, extension) {
				relative, err := filepath.Rel(root, path)
				if err != nil {
					return err
				}
				paths = append(paths, filepath.ToSlash(relative))
			}
		}
		return nil
	}))
	return paths
}

// read returns the text of a file, named relative to the root.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	require.NoError(t, err)
	return string(text)
}

// A block is fenced code in a document.
type block struct{ language, code string }

var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

func blocks(document string) []block {
	var found []block
	for _, match := range fenced.FindAllStringSubmatch(document, -1) {
		found = append(found, block{match[1], match[2]})
	}
	return found
}
