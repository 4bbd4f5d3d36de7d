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

// patience is how long a script waits for something that should happen soon.
const patience = 20 * time.Second

func examplesDir() string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		return ""
	}
	return dir
}

// condition implements [interpreter:NAME]: whether it is installed, as it must be
// if JOVEPAY_REQUIRE_INTERPRETERS=1.
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

// scriptCommands returns the commands that scripts have besides testscript's.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":     exits,
		"capture":   capture,
		"start":     start,
		"await":     await,
		"interrupt": interrupt,
		"finish":    finish,
		"server":    controlServer,
	}
}

// exits CODE PROGRAM ARG... runs a program and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// capture NAME REGEXP sets a variable to the first group of a match in the last
// standard output.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("no match for %s in the output", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// process is a program that runs alongside a script.
type process struct {
	cmd  *exec.Cmd
	done chan error

	mu       sync.Mutex
	out, err bytes.Buffer
	changed  chan struct{}
}

// stream collects one of the output streams.
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

// find waits until the process has printed a match.
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
			// It may have printed the match after the last search.
			if found := re.FindStringSubmatch(p.out.String() + p.err.String()); found != nil {
				return found
			}
			ts.Fatalf("it exited (%v) without printing %s:\n%s", err, pattern, printed)
		case <-limit:
			ts.Fatalf("timeout: want %s in the output:\n%s", pattern, printed)
		}
	}
}

// end waits for the process and makes its output the last output.
func (p *process) end(ts *testscript.TestScript, code string) {
	select {
	case err := <-p.done:
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			ts.Fatalf("%v", err)
		}
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		ts.Fatalf("timeout: it does not exit")
	}
	_, _ = ts.Stdout().Write(p.out.Bytes())
	_, _ = ts.Stderr().Write(p.err.Bytes())
	if got := strconv.Itoa(p.cmd.ProcessState.ExitCode()); got != code {
		ts.Fatalf("exit code %s, want %s:\n%s%s", got, code, p.out.String(), p.err.String())
	}
}

// start [/REGEXP/] NAME PROGRAM ARG... starts a program and waits until it has
// printed a match. Without an expression, it waits for a URL and sets the
// variable NAME to it and NAME_HOST to its host.
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
		_ = p.cmd.Process.Kill() // usually it has exited
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

func processArg(ts *testscript.TestScript, args []string) *process {
	if len(args) == 0 || processes(ts)[args[0]] == nil {
		ts.Fatalf("want the name of a program that was started")
	}
	return processes(ts)[args[0]]
}

// await NAME REGEXP waits until a program has printed a match.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME REGEXP")
	}
	processArg(ts, args).find(ts, args[1])
}

// interrupt [-TERM] NAME [CODE] signals a program like Ctrl-C or kill, and waits
// until it has exited.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! interrupt")
	}
	signal := os.Interrupt
	if len(args) > 0 && args[0] == "-TERM" {
		signal, args = syscall.SIGTERM, args[1:]
	}
	_ = processArg(ts, args).cmd.Process.Signal(signal) // if it has exited, the code shows it
	finish(ts, neg, args)
}

// finish NAME [CODE] waits until a program has exited by itself.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! finish")
	}
	processArg(ts, args).end(ts, slices.Concat(args, []string{"0"})[1])
}

// controlServer acts as the customer and the network of the script's emulator.
func controlServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: server pay|advance|status|await|inject ...")
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
	case "await":
		awaitRequest(ts, server, args[1])
	case "inject":
		err = server.Inject(fault(ts, server, args[1], args[2]))
	default:
		ts.Fatalf("unknown action %s", args[0])
	}
	ts.Check(err)
}

// echo is the response of a server that repeats the secrets of a request.
func echo(server *jovepaytest.Server) string {
	return `{"payment_id":1,"payment_status":"waiting","x-api-key":"` + server.APIKey + `","order_id":"` + server.Password + `"}`
}

// awaitRequest waits until the server has received a request for a path.
func awaitRequest(ts *testscript.TestScript, server *jovepaytest.Server, path string) {
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for server.Count("", path) == 0 {
		select {
		case <-tick.C:
		case <-limit:
			ts.Fatalf("timeout: no request for %s", path)
		}
	}
}

// fault returns the fault of the next request for a path.
func fault(ts *testscript.TestScript, server *jovepaytest.Server, path, kind string) jovepaytest.Fault {
	f := jovepaytest.Fault{Path: path, Times: 1}
	switch kind {
	case "lost": // the response, not the effect
		f.Method, f.Cut, f.AfterEffect = http.MethodPost, true, true
	case "truncated":
		f.Method, f.Truncate = http.MethodPost, 3
	case "500":
		f.Method, f.Status, f.AfterEffect = http.MethodPost, http.StatusInternalServerError, true
	case "forbidden":
		f.Status = http.StatusForbidden
	case "maintenance":
		f.Status, f.Body = http.StatusOK, `{"message":"maintenance"}`
	case "colors":
		f.Status, f.Body = http.StatusOK, `{"payment_id":"1\u001b[31m","payment_status":"waiting","order_id":"a\nb"}`
	case "injection": // into a shell
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
