package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

var update = flag.Bool("update", false, "write the tables of docs/cli.md")

var referenceFile = filepath.Join("..", "..", "docs", "cli.md")

func reference(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(referenceFile)
	require.NoError(t, err)
	return string(text)
}

// checkTable compares the rows of a table in the reference, or writes them.
func checkTable(t *testing.T, heading, want string) {
	t.Helper()
	before, rest, ok := strings.Cut(reference(t), heading)
	require.True(t, ok, heading)
	got, after, ok := strings.Cut(rest, "\n\n")
	require.True(t, ok, heading)
	if *update {
		require.NoError(t, os.WriteFile(referenceFile, []byte(before+heading+strings.TrimSuffix(want, "\n")+"\n\n"+after), 0o600))
		return
	}
	assert.Equal(t, strings.TrimSuffix(want, "\n"), got, "to update docs/cli.md, run: go test -run TestReference . -update")
}

func TestEveryCommandHasHelp(t *testing.T) {
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

func TestFlagsNameTheirPlaceholders(t *testing.T) {
	t.Parallel()
	check := func(cmd *cobra.Command, flags *pflag.FlagSet) {
		flags.VisitAll(func(f *pflag.Flag) {
			placeholder, usage := pflag.UnquoteUsage(f)
			assert.NotContains(t, []string{"string", "strings", "stringArray", "int", "uint"}, placeholder, "%s --%s", cmd.CommandPath(), f.Name)
			assert.Equal(t, strings.ToLower(placeholder), placeholder, "%s --%s", cmd.CommandPath(), f.Name)
			assert.Regexp(t, `^[a-z].*[^.]$`, usage, "%s --%s", cmd.CommandPath(), f.Name)
		})
	}
	for _, cmd := range commands() {
		check(cmd, cmd.PersistentFlags())
		check(cmd, cmd.LocalNonPersistentFlags())
	}
}

// TestReference checks the tables of docs/cli.md.
func TestReference(t *testing.T) {
	var list, codes strings.Builder
	for _, cmd := range commands() {
		if cmd.HasParent() && !cmd.HasSubCommands() || cmd.Name() == "sandbox" {
			use := strings.TrimSuffix(cmd.UseLine(), " [flags]")
			fmt.Fprintf(&list, "| `%s` | %s |\n", strings.ReplaceAll(use, "|", `\|`), cmd.Short)
		}
	}
	for _, m := range fail.Meanings() {
		fmt.Fprintf(&codes, "| %d | `%s` | %s |\n", m.Code, m.Kind, m.Text)
	}
	checkTable(t, "| command | purpose |\n| --- | --- |\n", list.String())
	checkTable(t, "| code | kind | meaning |\n| --- | --- | --- |\n", codes.String())
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

// TestTheSessionIsTested compares the documented session with the script that
// runs it.
func TestTheSessionIsTested(t *testing.T) {
	t.Parallel()
	_, session, ok := strings.Cut(reference(t), "## Try it\n")
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

// code matches blocks and spans of code, and inDocs the commands in them.
var (
	code   = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]+`")
	inDocs = regexp.MustCompile(`(?m)(?:^|[\s\x60(/])jovepay(?: run \.)? ([a-z-][^#|)\x60\n]*)`)
)

// TestCommandsInTheDocumentsExist checks the flags and the number of arguments of
// the commands in the guides.
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
		text = regexp.MustCompile(`(?m)^\| .*$`).ReplaceAll(text, nil) // usage lines in the table of commands
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
	named := len(cmd.Flags().Args()) == 0 // mentioned without its arguments
	if !named && cmd.Name() != "help" && cmd.Name() != "completion" {
		assert.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()), "%s: %s", file, line)
	}
}
