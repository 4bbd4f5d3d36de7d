package canonicaltest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// An Interpreter runs a script in the language that one of JovePay's reference
// verifiers is written in.
type Interpreter struct {
	command []string
	install string // the Debian package
}

// Node returns the interpreter of a script for Node.
func Node(script string) Interpreter {
	return Interpreter{[]string{"node", script}, "nodejs"}
}

// PHPScript returns the interpreter of a script for PHP.
func PHPScript(script string) Interpreter {
	return Interpreter{[]string{"php", "-n", script}, "php-cli"}
}

// PythonScript returns the interpreter of a script for Python.
func PythonScript(script string) Interpreter {
	return Interpreter{[]string{"python3", script}, "python3"}
}

// Lines runs the script with lines as its input, and returns as many lines of
// output. If the interpreter is not installed the test is skipped, or fails if
// JOVEPAY_REQUIRE_INTERPRETERS=1.
func (i Interpreter) Lines(tb testing.TB, lines []string, args ...string) []string {
	tb.Helper()
	cmd := i.find(tb.Context(), tb, args)
	cmd.Stdin = strings.NewReader(strings.Join(append(lines, ""), "\n"))
	cmd.Stderr = tb.Output()
	output, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%v: %v", i.command, err)
	}
	got := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(got) != len(lines) {
		tb.Fatalf("%v: want %d lines, got %d: %.1000s", i.command, len(lines), len(got), output)
	}
	return got
}

// find returns the command that runs the script.
func (i Interpreter) find(ctx context.Context, tb testing.TB, args []string) *exec.Cmd {
	tb.Helper()
	path, err := exec.LookPath(i.command[0])
	if err != nil && os.Getenv("JOVEPAY_REQUIRE_INTERPRETERS") == "1" { //nolint:forbidigo // a test's own setting
		tb.Fatalf("%s is not installed; try: apt-get install %s", i.command[0], i.install)
	} else if err != nil {
		tb.Skipf("%s is not installed; try: apt-get install %s", i.command[0], i.install)
	}
	return exec.CommandContext(ctx, path, append(i.command[1:len(i.command):len(i.command)], args...)...) //nolint:gosec // one of the three interpreters
}

// A Session is a script that runs beside the test and writes a line for each
// line that it reads.
type Session struct {
	in  io.Writer
	out *bufio.Reader
}

// Start runs the script until the test ends, under the rule of
// [Interpreter.Lines].
func (i Interpreter) Start(tb testing.TB, args ...string) *Session {
	tb.Helper()
	cmd := i.find(context.WithoutCancel(tb.Context()), tb, args) // it ends with its input
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("%v: %v: %s", i.command, err, stderr.String())
		}
	})
	return &Session{in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

// Write sends a line.
func (s *Session) Write(tb testing.TB, line []byte) {
	tb.Helper()
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		tb.Fatal(err)
	}
}

// Read returns the next line.
func (s *Session) Read(tb testing.TB) string {
	tb.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil {
		tb.Fatalf("the interpreter ended: %v", err)
	}
	return line
}
