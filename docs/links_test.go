package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
)

var (
	link    = regexp.MustCompile(`\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)`)
	address = regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	named   = regexp.MustCompile("^`((?:Test|Fuzz|Benchmark|Example)\\w*)`$")
)

// Every link to a file of the repository leads to one, every link to a section
// to a heading, and every link whose text is the name of a test to a file that
// has it.
func TestLinks(t *testing.T) {
	t.Parallel()
	links := 0
	for _, document := range files(t, ".md") {
		text := fenced.ReplaceAllString(read(t, document), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			checkLink(t, document, match[1], match[2])
			links++
		}
		for _, match := range address.FindAllStringSubmatch(text, -1) {
			checkLink(t, document, "", match[1])
			links++
		}
	}
	assert.GreaterOrEqual(t, links, 100)
}

// The index lists every guide.
func TestIndexIsComplete(t *testing.T) {
	t.Parallel()
	index := read(t, "docs/README.md")
	for _, document := range files(t, ".md") {
		if name := path.Base(document); path.Dir(document) == "docs" && name != "README.md" {
			assert.Contains(t, index, "| ["+name+"]("+name+") |")
		}
	}
}

func checkLink(t *testing.T, document, text, to string) {
	t.Helper()
	// A badge is an image inside a link.
	if match := link.FindStringSubmatch(text); match != nil {
		checkLink(t, document, match[1], match[2])
	}
	if strings.HasPrefix(to, "https://") {
		if _, workflow, ok := strings.Cut(to, "/jovepay-go/actions/workflows/"); ok {
			checkLink(t, "README.md", "", ".github/workflows/"+strings.TrimSuffix(workflow, "/badge.svg"))
		}
		return
	}
	assert.NotContains(t, to, "http://", "%s: %s", document, to)
	target, fragment, _ := strings.Cut(to, "#")
	file := document
	if target != "" {
		file = path.Join(path.Dir(document), target)
	}
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(file)))
	if !assert.NoError(t, err, "%s: dead link to %s", document, to) {
		return
	}
	if fragment != "" {
		assert.Contains(t, anchors(read(t, file)), fragment, "%s: no heading for %s", document, to)
	}
	if match := named.FindStringSubmatch(text); match != nil && !info.IsDir() {
		assert.Contains(t, read(t, file), "func "+match[1]+"(", "%s: %s is not in %s", document, match[1], to)
	}
}

// anchors returns what GitHub makes of a document's headings.
func anchors(document string) []string {
	var found []string
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		text := link.ReplaceAllString(match[1], "$1")
		text = strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, text)
		if !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found
}
