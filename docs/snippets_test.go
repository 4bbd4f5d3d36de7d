package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every Go snippet of every document is, line for line, part of a Go file that
// the compiler sees.
func TestSnippetsAreCompiled(t *testing.T) {
	t.Parallel()
	var code []string
	for _, file := range files(t, ".go") {
		code = append(code, flat(read(t, file)))
	}
	snippets := 0
	for _, document := range files(t, ".md") {
		for _, block := range blocks(read(t, document)) {
			if block.language != "go" {
				continue
			}
			snippets++
			found := false
			for _, source := range code {
				found = found || strings.Contains(source, flat(block.code))
			}
			assert.True(t, found, "%s: no Go file contains this snippet:\n%s", document, block.code)
		}
	}
	assert.GreaterOrEqual(t, snippets, 25)
}

// flat removes indentation and empty lines.
func flat(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines.WriteString("\n" + line)
		}
	}
	return lines.String() + "\n"
}

var (
	inline     = regexp.MustCompile("`([^`\n]+)`")
	makeTarget = regexp.MustCompile(`(?m)(?:^|&& )make ([a-z]+)`)
	target     = regexp.MustCompile(`(?m)^([a-z]+):`)
	goCommand  = regexp.MustCompile(`(?m)(?:cd (\S+) && )?\bgo (?:-C (\S+) )?(?:run|test|build|install) (?:[^#\n]*)`)
	folder     = regexp.MustCompile(`(?:^|\s)(\.(?:/[\w./-]+)?)(?:\s|$)`)
	selection  = regexp.MustCompile(`-(run|bench) '?([^'\s]+)'?`)
)

// The commands of the documents name folders, make targets, tests and
// benchmarks that exist.
func TestCommandsNameWhatExists(t *testing.T) {
	t.Parallel()
	targets := map[string]bool{}
	for _, match := range target.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[match[1]] = true
	}
	commands := 0
	for _, document := range files(t, ".md") {
		for _, line := range codeLines(read(t, document)) {
			for _, match := range makeTarget.FindAllStringSubmatch(line, -1) {
				assert.True(t, targets[match[1]], "%s: no make target: %s", document, line)
				commands++
			}
			for _, match := range goCommand.FindAllStringSubmatch(line, -1) {
				checkGoCommand(t, document, path.Join(match[1], match[2]), match[0])
				commands++
			}
		}
	}
	assert.GreaterOrEqual(t, commands, 20)
}

// codeLines returns the lines of code in a document, in blocks and inline.
func codeLines(document string) []string {
	var lines []string
	for _, block := range blocks(document) {
		if block.language != "go" {
			lines = append(lines, strings.Split(block.code, "\n")...)
		}
	}
	for _, match := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		lines = append(lines, match[1])
	}
	return lines
}

func checkGoCommand(t *testing.T, document, dir, command string) {
	t.Helper()
	at := dir
	if match := folder.FindStringSubmatch(command); match != nil {
		at = path.Join(dir, match[1])
	}
	at = path.Clean(strings.TrimSuffix(at, "..."))
	info, err := os.Stat(filepath.Join(root, filepath.FromSlash(at)))
	if !assert.NoError(t, err, "%s: %s", document, command) {
		return
	}
	assert.True(t, info.IsDir(), "%s: %s", document, command)
	for _, match := range selection.FindAllStringSubmatch(command, -1) {
		kind := map[string]string{"run": "Test", "bench": "Benchmark"}[match[1]]
		if match[2] == "^$" || match[2] == "." {
			continue
		}
		pattern, err := regexp.Compile(match[2])
		require.NoError(t, err, "%s: %s", document, command)
		found := false
		for _, name := range testFunctions(t, at) {
			found = found || strings.HasPrefix(name, kind) && pattern.MatchString(name)
		}
		assert.True(t, found, "%s: no %s function below %s matches: %s", document, kind, at, command)
	}
}

// testFunctions returns the names of the functions in the tests below a folder.
func testFunctions(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, file := range files(t, "_test.go") {
		if dir != "." && !strings.HasPrefix(file, dir+"/") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, read(t, file), parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil {
				names = append(names, function.Name.Name)
			}
		}
	}
	return names
}
