package canonical

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An interpreter is a verifier of JovePay's guide that runs beside the test, in
// the language it was written in.
type interpreter struct {
	forms []Form // the texts of its answers, in order
	in    io.Writer
	out   *bufio.Reader
}

// A reference tells how to run one of the verifiers.
type reference struct {
	command []string
	script  string
	install string
	forms   []Form
}

func references() []reference {
	return []reference{
		{[]string{"node"}, "reference.js", "apt-get install nodejs", []Form{JS, JSArrays}},
		{[]string{"php", "-n"}, "reference.php", "apt-get install php-cli", []Form{PHP}},
		{[]string{"python3"}, "reference.py", "apt-get install python3", []Form{Python}},
	}
}

// start runs the reference until the test ends. Where its interpreter is not
// installed the test is skipped, or fails if JOVEPAY_REQUIRE_INTERPRETERS=1.
func (r reference) start(t *testing.T) *interpreter {
	t.Helper()
	path, err := exec.LookPath(r.command[0])
	if err != nil {
		if os.Getenv("JOVEPAY_REQUIRE_INTERPRETERS") == "1" {
			t.Fatalf("%s is not installed; try: %s", r.command[0], r.install)
		}
		t.Skipf("%s is not installed; try: %s", r.command[0], r.install)
	}
	cmd := exec.Command(path, append(r.command[1:], filepath.Join("testdata", r.script))...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %s", r.script, err, stderr.String())
		}
	})
	return &interpreter{forms: r.forms, in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

// ask sends a body.
func (p *interpreter) ask(t *testing.T, body []byte) {
	t.Helper()
	line := base64.StdEncoding.AppendEncode(nil, body)
	_, err := p.in.Write(append(line, '\n'))
	require.NoError(t, err)
}

// answer returns the texts for the body asked for, in the order of p.forms.
func (p *interpreter) answer(t *testing.T) []string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	require.NoError(t, err, "the interpreter ended")
	fields := strings.Fields(line)
	require.Len(t, fields, len(p.forms))
	for i, field := range fields {
		text, err := base64.StdEncoding.DecodeString(field)
		require.NoError(t, err)
		fields[i] = string(text)
	}
	return fields
}
