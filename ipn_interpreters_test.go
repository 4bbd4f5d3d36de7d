package jovepay_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
)

// An interpreter runs a verifier of JovePay's guide in its own language.
type interpreter struct {
	command []string
	install string // the Debian package
}

func interpreters() map[string]interpreter {
	return map[string]interpreter{
		"Node":   {[]string{"node", "testdata/ipn/verifier.js"}, "nodejs"},
		"PHP":    {[]string{"php", "-n", "testdata/ipn/verifier.php"}, "php-cli"},
		"Python": {[]string{"python3", "testdata/ipn/verifier.py"}, "python3"},
	}
}

// run gives the verifier one line for each body and returns its lines. Where
// the interpreter is not installed the test is skipped, or fails if
// JOVEPAY_REQUIRE_INTERPRETERS=1.
func (i interpreter) run(tb testing.TB, bodies []string, args ...string) []string {
	tb.Helper()
	path, err := exec.LookPath(i.command[0])
	if err != nil && os.Getenv("JOVEPAY_REQUIRE_INTERPRETERS") == "1" {
		tb.Fatalf("%s is not installed; try: apt-get install %s", i.command[0], i.install)
	} else if err != nil {
		tb.Skipf("%s is not installed; try: apt-get install %s", i.command[0], i.install)
	}
	var input strings.Builder
	for _, body := range bodies {
		input.WriteString(base64.StdEncoding.EncodeToString([]byte(body)) + "\n")
	}
	cmd := exec.CommandContext(tb.Context(), path, append(i.command[1:], args...)...)
	cmd.Stdin = strings.NewReader(input.String())
	cmd.Stderr = tb.Output()
	output, err := cmd.Output()
	require.NoError(tb, err)
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	require.Len(tb, lines, len(bodies))
	return lines
}

// TestInterpretersSignRefused holds what refusedBodies says that the
// interpreters sign against the interpreters.
func TestInterpretersSignRefused(t *testing.T) {
	t.Parallel()
	tests := refusedBodies()
	bodies := make([]string, len(tests))
	for i, test := range tests {
		bodies[i] = test.body
	}
	for name, interpreter := range interpreters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, line := range interpreter.run(t, bodies, "texts") {
				fields := strings.Fields(line)
				for ; len(fields) > 1; fields = fields[2:] {
					form, answer := jovepay.IPNForm(fields[0]), fields[1]
					want, signs := tests[i].texts[form]
					require.Equal(t, signs, answer != "-", "does %s sign %q", form, tests[i].name)
					if signs {
						got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(answer, "="))
						require.NoError(t, err)
						assert.Equal(t, want, string(got), "%s of %q", form, tests[i].name)
					}
				}
			}
		})
	}
}

// BenchmarkReferences times JovePay's reference verifiers on the guide's
// payment, each within its interpreter.
func BenchmarkReferences(b *testing.B) {
	for name, interpreter := range interpreters() {
		b.Run("impl="+name, func(b *testing.B) {
			// The first verifications let a just-in-time compiler warm up.
			line := interpreter.run(b, []string{guidePayment}, "time", strconv.Itoa(20_000+b.N), ipnSecret)
			took, err := strconv.ParseFloat(line[0], 64)
			require.NoError(b, err)
			b.ReportMetric(took, "ns/op")
		})
	}
}
