package main

import (
	"hash/fnv"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jovepay": main})
}

// quickExit keeps programs under the race detector from sleeping for a second
// at exit.
const quickExit = "atexit_sleep_ms=10"

// TestScripts runs testdata/*.txtar, each against its own emulator.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, false)
}

// TestNothingSecretIsPrinted runs the same scripts with --verbose and searches
// all output for secrets.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	runScripts(t, true)
}

func runScripts(t *testing.T, verbose bool) {
	t.Helper()
	secrets := &sync.Map{} // name of a script: its secrets
	fromSandboxes, err := sandboxSecrets()
	require.NoError(t, err)
	testscript.RunT(watcher{t, secrets}, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands(),
		Condition:           condition,
		Setup: func(env *testscript.Env) error {
			script := strings.TrimPrefix(env.WorkDir[strings.LastIndexByte(env.WorkDir, os.PathSeparator)+1:], "script-")
			server, err := newServer(script)
			if err != nil {
				return err
			}
			env.Defer(server.Close)
			secrets.Store(script, append([]string{server.APIKey, server.Password, server.IPNSecret}, fromSandboxes...))
			env.Values[serverKey{}] = server
			env.Values[processesKey{}] = map[string]*process{}
			for name, value := range map[string]string{
				"JOVEPAY_BASE_URL":   server.URL,
				"JOVEPAY_API_KEY":    server.APIKey,
				"JOVEPAY_EMAIL":      server.Email,
				"JOVEPAY_PASSWORD":   server.Password,
				"JOVEPAY_IPN_SECRET": server.IPNSecret,
				"JOVEPAY_VERBOSE":    map[bool]string{true: "1"}[verbose],
				"EXAMPLES":           examplesDir(),
				"SERVER":             server.URL,
				"GORACE":             quickExit,
			} {
				env.Setenv(name, value)
			}
			return nil
		},
	})
}

// newServer starts an emulator with its own secrets.
func newServer(script string) (*jovepaytest.Server, error) {
	seed := fnv.New64()
	_, _ = seed.Write([]byte(script)) // never fails
	return jovepaytest.NewServer(jovepaytest.WithSeed(seed.Sum64()))
}

// sandboxSecrets returns the secrets of the sandboxes that scripts start, with
// the default seed and seed 7.
func sandboxSecrets() (secrets []string, err error) {
	for _, seed := range []uint64{0, 7} {
		server, err := jovepaytest.NewServer(jovepaytest.WithSeed(seed))
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, server.APIKey, server.Password, server.IPNSecret)
		server.Close()
	}
	return secrets, nil
}

// watcher is a test that checks the output of its scripts. Scripts are verbose,
// so that everything is logged, and their log is shown as usual.
type watcher struct {
	*testing.T
	secrets *sync.Map
}

func (w watcher) Verbose() bool { return true }

func (w watcher) Run(name string, f func(testscript.T)) {
	w.T.Run(name, func(t *testing.T) { f(watcher{t, w.secrets}) })
}

var token = regexp.MustCompile(`eyJ[\w-]+\.eyJ`)

func (w watcher) Log(args ...any) {
	w.Helper()
	log, ok := args[0].(string)
	if !ok {
		return
	}
	if w.Failed() || testing.Verbose() {
		w.T.Log(log)
	}
	name := w.Name()[strings.LastIndexByte(w.Name(), '/')+1:]
	// The log starts with the environment, which contains the secrets, and an
	// empty line.
	_, printed, ok := strings.Cut(log, "\n\n")
	assert.True(w, ok, "the log of %s has no environment", name)
	found, _ := w.secrets.Load(name)
	secrets, _ := found.([]string)
	assert.Len(w, secrets, 9, "the secrets of %s", name)
	for _, secret := range secrets {
		assert.NotContains(w, printed, secret)
	}
	assert.NotRegexp(w, token, printed, "a JWT")
}
