package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

type (
	serverKey    struct{}
	processesKey struct{}
)

// patience is how long a script waits for what ought to happen at once.
const patience = 20 * time.Second

func examplesDir() string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		return ""
	}
	return dir
}

// condition knows [interpreter:NAME]: whether it is installed, which it has to
// be if JOVEPAY_REQUIRE_INTERPRETERS=1.
func condition(name string) (bool, error) {
	program, ok := strings.CutPrefix(name, "interpreter:")
	if !ok {
		return false, errors.New("unknown condition " + name)
	}
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("JOVEPAY_REQUIRE_INTERPRETERS") == "1" {
		return false, errors.New(program + " is not installed")
	}
	return err == nil, nil
}

// scriptCommands are what the scripts have beside testscript's own.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":     exits,
		"capture":   capture,
		"start":     start,
		"await":     await,
		"interrupt": interrupt,
		"finish":    finish,
		"server":    serverDoes,
	}
}

// exits CODE PROGRAM ARG... runs a program that is to end with an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed := (*exec.ExitError)(nil)
		if !errors.As(err, &failed) {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// capture NAME REGEXP sets a variable to the first group found in the last
// standard output.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// A process is a program that runs beside a script.
type process struct {
	cmd  *exec.Cmd
	done chan error

	mu       sync.Mutex
	out, err bytes.Buffer
	changed  chan struct{}
}

// stream collects one of the outputs.
type stream struct {
	*process
	into *bytes.Buffer
}

func (s stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.into.Write(p)
}

// find waits until the pattern is in what the process has printed.
func (p *process) find(ts *testscript.TestScript, pattern string) []string {
	re, limit := regexp.MustCompile(pattern), time.After(patience)
	for {
		p.mu.Lock()
		found := re.FindStringSubmatch(p.out.String() + p.err.String())
		printed, changed := p.out.String()+p.err.String(), p.changed
		p.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case err := <-p.done:
			p.done <- err
			// What it printed last may have come after the look.
			if found := re.FindStringSubmatch(p.out.String() + p.err.String()); found != nil {
				return found
			}
			ts.Fatalf("it has ended (%v) without %s:\n%s", err, pattern, printed)
		case <-limit:
			ts.Fatalf("it does not print %s:\n%s", pattern, printed)
		}
	}
}

// end waits for the process and shows what it printed as the last output.
func (p *process) end(ts *testscript.TestScript, code string) {
	select {
	case err := <-p.done:
		failed := (*exec.ExitError)(nil)
		if err != nil && !errors.As(err, &failed) {
			ts.Fatalf("%v", err)
		}
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		ts.Fatalf("it does not end")
	}
	_, _ = ts.Stdout().Write(p.out.Bytes())
	_, _ = ts.Stderr().Write(p.err.Bytes())
	if got := strconv.Itoa(p.cmd.ProcessState.ExitCode()); got != code {
		ts.Fatalf("exit code %s, want %s:\n%s%s", got, code, p.out.String(), p.err.String())
	}
}

// start [/REGEXP/] NAME PROGRAM ARG... starts a program and waits until it has
// printed what the expression says. Without one that is a URL, and the variable
// NAME is set to it and NAME_HOST to its host.
func start(ts *testscript.TestScript, neg bool, args []string) {
	pattern := `http://([\d.]+:\d+)(/\w+)?`
	isURL := true
	if len(args) > 0 && strings.HasPrefix(args[0], "/") {
		pattern, isURL, args = strings.Trim(args[0], "/"), false, args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start [/REGEXP/] NAME PROGRAM [ARG...]")
	}
	path := args[1]
	if found, err := exec.LookPath(path); err == nil {
		path = found
	}
	p := &process{cmd: exec.Command(path, args[2:]...), done: make(chan error, 1), changed: make(chan struct{})}
	p.cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "WORK", "GORACE", "JOVEPAY_BASE_URL", "JOVEPAY_API_KEY", "JOVEPAY_EMAIL", "JOVEPAY_PASSWORD",
		"JOVEPAY_IPN_SECRET", "JOVEPAY_SANDBOX", "JOVEPAY_VERBOSE",
	} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	p.cmd.Stdout, p.cmd.Stderr = stream{p, &p.out}, stream{p, &p.err}
	ts.Check(p.cmd.Start())
	go func() { p.done <- p.cmd.Wait() }()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // it has ended in most cases
	})
	processes(ts)[args[0]] = p
	if found := p.find(ts, pattern); isURL {
		ts.Setenv(args[0], found[0])
		ts.Setenv(args[0]+"_HOST", found[1])
	}
}

func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processesKey{}).(map[string]*process)
}

func named(ts *testscript.TestScript, args []string) *process {
	if len(args) == 0 || processes(ts)[args[0]] == nil {
		ts.Fatalf("want the name of a started program")
	}
	return processes(ts)[args[0]]
}

// await NAME REGEXP waits until a started program has printed something.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME REGEXP")
	}
	named(ts, args).find(ts, args[1])
}

// interrupt [-TERM] NAME [CODE] signals a started program as Ctrl-C does, or as
// kill does.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! interrupt")
	}
	signal := os.Interrupt
	if len(args) > 0 && args[0] == "-TERM" {
		signal, args = syscall.SIGTERM, args[1:]
	}
	_ = named(ts, args).cmd.Process.Signal(signal) // if it has ended, the code tells
	finish(ts, neg, args)
}

// finish NAME [CODE] waits until a started program has ended by itself.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! finish")
	}
	named(ts, args).end(ts, slices.Concat(args, []string{"0"})[1])
}

// serverDoes plays the customer, the network and faults at the script's server.
func serverDoes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: server pay|advance|status|asked|inject ...")
	}
	server := ts.Value(serverKey{}).(*jovepaytest.Server)
	id := jovepay.ID(args[1])
	var err error
	switch args[0] {
	case "pay":
		var amount jovepay.Amount
		if len(args) > 2 {
			amount = jovepay.MustAmount(args[2])
		}
		_, err = server.PayAmount(id, amount)
	case "advance":
		_, err = server.Advance(id)
	case "status":
		_, err = server.SetStatus(id, jovepay.PaymentStatus(args[2]))
	case "asked":
		asked(ts, server, args[1])
	case "inject":
		err = server.Inject(fault(ts, server, args[1], args[2]))
	default:
		ts.Fatalf("the server cannot %s", args[0])
	}
	ts.Check(err)
}

// echo is the answer of a server that tells what it was sent.
func echo(server *jovepaytest.Server) string {
	return `{"payment_id":1,"payment_status":"waiting","x-api-key":"` + server.APIKey + `","order_id":"` + server.Password + `"}`
}

// asked waits until the server was asked for a path.
func asked(ts *testscript.TestScript, server *jovepaytest.Server, path string) {
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for server.Count("", path) == 0 {
		select {
		case <-tick.C:
		case <-limit:
			ts.Fatalf("nobody asks for %s", path)
		}
	}
}

// fault is what goes wrong with the next request to a path.
func fault(ts *testscript.TestScript, server *jovepaytest.Server, path, kind string) jovepaytest.Fault {
	f := jovepaytest.Fault{Path: path, Times: 1}
	switch kind {
	case "lost": // the answer, not the effect
		f.Method, f.Cut, f.AfterEffect = http.MethodPost, true, true
	case "torn":
		f.Method, f.Truncate = http.MethodPost, 3
	case "500":
		f.Method, f.Status, f.AfterEffect = http.MethodPost, http.StatusInternalServerError, true
	case "forbidden":
		f.Status = http.StatusForbidden
	case "unwell":
		f.Status, f.Body = http.StatusOK, `{"message":"maintenance"}`
	case "colors":
		f.Status, f.Body = http.StatusOK, `{"payment_id":"1\u001b[31m","payment_status":"waiting","order_id":"a\nb"}`
	case "evaluated": // by a shell
		f.Status, f.Body = http.StatusOK, `{"currencies":[{"code":"$(id)"},{"code":"b tc"},{"code":"btc\n"},{"code":"xmr"}],
			"data":[{"payment_id":"`+"`id`"+`"},{"payment_id":"7;id"},{"payment_id":"1001"}],"limit":20,"page":0,"pagesCount":1,"total":3}`
	case "hang":
		f.Hang = true
	case "echo":
		f.Status, f.Body = http.StatusOK, echo(server)
	case "text":
		f.Status, f.Body = http.StatusOK, "no JSON \x1b[31m\n"
	default:
		ts.Fatalf("unknown fault %s", kind)
	}
	return f
}
