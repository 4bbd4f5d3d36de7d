package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/command"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

// commands returns all commands, from the root down, without help topics.
func commands() []*cobra.Command {
	var list []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Runnable() {
			list = append(list, cmd)
		}
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(command.Tree())
	return list
}

func reference(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	require.NoError(t, err)
	return string(text)
}

func TestEveryCommandTeaches(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands() {
		assert.NotEmpty(t, cmd.Short, cmd.CommandPath())
		assert.NotEmpty(t, cmd.Long, cmd.CommandPath())
		assert.NotEmpty(t, cmd.Example, cmd.CommandPath())
		for line := range strings.Lines(cmd.Long) {
			assert.LessOrEqual(t, len([]rune(line)), 85, "%s: %s", cmd.CommandPath(), line)
		}
	}
}

func TestTheReferenceListsTheCommands(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, cmd := range commands() {
		if cmd.HasParent() && !cmd.HasSubCommands() || cmd.Name() == "sandbox" {
			use := strings.TrimSuffix(cmd.UseLine(), " [flags]")
			fmt.Fprintf(&want, "| `%s` | %s |\n", strings.ReplaceAll(use, "|", `\|`), cmd.Short)
		}
	}
	assert.Contains(t, reference(t), "| command | does |\n| --- | --- |\n"+want.String()+"\n")
}

func TestTheReferenceListsTheExitCodes(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, m := range fail.Meanings() {
		fmt.Fprintf(&want, "| %d | `%s` | %s |\n", m.Code, m.Kind, m.Text)
	}
	assert.Contains(t, reference(t), "| code | kind | meaning |\n| --- | --- | --- |\n"+want.String()+"\n")
}

func TestTheReferenceListsTheSettings(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`JOVEPAY_\w+`)
	topic, _, err := command.Tree().Find([]string{"settings"})
	require.NoError(t, err)
	for _, name := range variable.FindAllString(topic.Long, -1) {
		assert.Contains(t, reference(t), name)
	}
	for _, name := range variable.FindAllString(reference(t), -1) {
		assert.Contains(t, topic.Long, name)
	}
}

// TestTheSessionIsTested holds the documented session against the script that
// plays it.
func TestTheSessionIsTested(t *testing.T) {
	t.Parallel()
	_, session, ok := strings.Cut(reference(t), "## Three shells\n")
	require.True(t, ok)
	session, _, _ = strings.Cut(session, "\n## ")
	script, err := os.ReadFile(filepath.Join("testdata", "sandbox.txtar"))
	require.NoError(t, err)
	tested := strings.NewReplacer("--address 127.0.0.1:0 ", "", " --interval 50ms", "", " --address 127.0.0.1:0", "").Replace(string(script))
	lines := regexp.MustCompile(`(?m)^jovepay .*$`).FindAllString(session, -1)
	require.Len(t, lines, 6)
	for _, line := range lines {
		line = strings.NewReplacer("--sandbox ", "", " ID", " $ID", "http://127.0.0.1:4011/ipn", "$LISTEN").Replace(line)
		assert.Contains(t, tested, " "+line+"\n")
	}
}

// code finds blocks and spans of code, and inDocs the commands in them.
var (
	code   = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]+`")
	inDocs = regexp.MustCompile(`(?m)(?:^|[\s\x60(/])jovepay(?: run \.)? ([a-z-][^#|)\x60\n]*)`)
)

// TestCommandsInTheDocumentsExist finds the commands that the guides name, and
// holds their flags and the number of their arguments against the program.
func TestCommandsInTheDocumentsExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	more, err := filepath.Glob(filepath.Join(root, "examples", "*", "README.md"))
	require.NoError(t, err)
	checked := 0
	for _, file := range append(append(files, more...), filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		text = regexp.MustCompile(`(?m)^\| .*$`).ReplaceAll(text, nil) // the reference's table of uses
		for _, piece := range code.FindAllString(string(text), -1) {
			for _, found := range inDocs.FindAllStringSubmatch(piece, -1) {
				exists(t, filepath.Base(file), found[1])
				checked++
			}
		}
	}
	assert.Greater(t, checked, 20)
}

func exists(t *testing.T, file, line string) {
	t.Helper()
	called := strings.Fields(strings.Split(line, " && ")[0])
	if slices.Contains([]string{"build", "install", "run"}, called[0]) {
		return // the go command's
	}
	cmd, rest, err := command.Tree().Find(called)
	if !assert.NoError(t, err, "%s: %s", file, line) || !assert.NoError(t, cmd.ParseFlags(rest), "%s: %s", file, line) {
		return
	}
	named := len(cmd.Flags().Args()) == 0 // in a sentence, without its arguments
	if !named && cmd.Name() != "help" && cmd.Name() != "completion" {
		assert.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()), "%s: %s", file, line)
	}
}
