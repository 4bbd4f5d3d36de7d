package histories_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/pgxstore"
	"github.com/jovepay/jovepay-go/test/histories"
)

var (
	countFlag  = flag.Int("histories", 40, "check `n` histories")
	allFlag    = flag.Bool("all", false, "find every sabotage, not only one")
	ordersFlag = flag.Int("orders", 150, "orders in each failover")
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of the time, the tests wait for windows to close.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8")
	}
	goleak.VerifyTestMain(m)
}

// build builds the replica, with edited sources if there are any.
func build(t *testing.T, edits ...edit) (program string) {
	t.Helper()
	dir := t.TempDir()
	program = filepath.Join(dir, "replica")
	args := []string{"build", "-o", program}
	if len(edits) > 0 {
		args = append(args, "-overlay", overlay(t, dir, edits))
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./replica")...)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	return program
}

// edit replaces a text that is in a file once. The file is named from the root of
// the repository.
type edit struct{ file, old, text string }

// overlay writes the file for go build -overlay.
func overlay(t *testing.T, dir string, edits []edit) string {
	t.Helper()
	replace := map[string]string{}
	for i, e := range edits {
		path, err := filepath.Abs(filepath.Join("../..", e.file))
		require.NoError(t, err)
		source, err := os.ReadFile(cmp.Or(replace[path], path))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), e.old), "%s changed: %q", e.file, e.old)
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d.go", i))
		require.NoError(t, os.WriteFile(replace[path], []byte(strings.Replace(string(source), e.old, e.text, 1)), 0o600))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	path := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// database is a schema with the tables of a shop, gone after the test.
type database struct {
	address, schema string
	pool            *pgxpool.Pool
}

// openDatabase connects to PostgreSQL, or skips the test if nothing listens there.
func openDatabase(t *testing.T) *database {
	t.Helper()
	address := cmp.Or(os.Getenv("JOVEPAY_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?sslmode=disable")
	d := &database{address: address, schema: "histories_" + strings.ToLower(rand.Text())}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := d.open(t, ctx); err != nil {
		if os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL: %v; start it with: service postgresql start && createdb test", err)
	}
	t.Cleanup(func() {
		_, err := d.pool.Exec(context.WithoutCancel(t.Context()), "DROP SCHEMA "+d.schema+" CASCADE")
		require.NoError(t, err)
	})
	d.migrate(t)
	return d
}

// open opens a pool, and creates the schema.
func (d *database) open(t *testing.T, ctx context.Context) error { //nolint:revive // ctx bounds the first connection
	t.Helper()
	config, err := pgxpool.ParseConfig(d.address)
	require.NoError(t, err)
	config.MaxConns = 2
	config.ConnConfig.RuntimeParams["search_path"] = d.schema
	d.pool, err = pgxpool.NewWithConfig(ctx, config)
	require.NoError(t, err)
	t.Cleanup(d.pool.Close)
	_, err = d.pool.Exec(ctx, "CREATE SCHEMA "+d.schema)
	return err
}

// migrate creates the tables.
func (d *database) migrate(t *testing.T) {
	t.Helper()
	store, err := pgxstore.New(d.pool)
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	for _, sql := range []string{
		"CREATE TABLE shop_orders (id text NOT NULL PRIMARY KEY)",
		"CREATE TABLE shipments (order_id text NOT NULL)",
	} {
		_, err := d.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
}

// shipments returns how often each order was shipped.
func (d *database) shipments(t *testing.T) map[string]int {
	t.Helper()
	rows, err := d.pool.Query(t.Context(), "SELECT order_id, count(*) FROM shipments GROUP BY order_id")
	require.NoError(t, err)
	counts := map[string]int{}
	var id string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		counts[id] = n
		return nil
	})
	require.NoError(t, err)
	return counts
}

// times are the windows of the replicas.
type times struct{ send, settle, crash time.Duration }

// replica is a process of the shop.
type replica struct {
	t       *testing.T
	command []string
	env     []string
	log     string // a file

	mu    sync.Mutex
	cmd   *exec.Cmd
	url   string
	held  chan histories.Step
	ended chan struct{}
}

// newReplica starts a process.
func newReplica(t *testing.T, program string, d *database, server *jovepaytest.Server, w times) *replica {
	t.Helper()
	r := &replica{
		t: t, log: filepath.Join(t.TempDir(), "replica.log"),
		command: []string{
			program, "-database", d.address, "-schema", d.schema, "-interval", "200ms", "-lease", "500ms",
			"-send", w.send.String(), "-settle", w.settle.String(), "-crash", w.crash.String(), "-idle", (w.send * 3 / 2).String(),
		},
		env: append(os.Environ(),
			"JOVEPAY_BASE_URL="+server.URL, "JOVEPAY_API_KEY="+server.APIKey,
			"JOVEPAY_EMAIL="+server.Email, "JOVEPAY_PASSWORD="+server.Password),
	}
	require.NoError(t, r.start())
	t.Cleanup(r.kill)
	return r
}

// start starts the process, and returns when it serves.
func (r *replica) start() error {
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(r.command[0], r.command[1:]...)
	cmd.Env, cmd.Stderr = r.env, log
	if _, err := cmd.StdinPipe(); err != nil { // it lives until that is closed
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	url, ok := strings.CutPrefix(lines.Text(), "serving on ")
	if !ok {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		text, _ := os.ReadFile(r.log)
		return fmt.Errorf("the replica does not serve: %s", text)
	}
	held, ended := make(chan histories.Step, 16), make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
			if step, ok := strings.CutPrefix(lines.Text(), "held at "); ok {
				held <- histories.Step(step)
			}
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cmd, r.url, r.held, r.ended = cmd, url, held, ended
	return nil
}

// kill kills the process with SIGKILL, and waits for its end.
func (r *replica) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		<-r.ended
		_ = r.cmd.Wait()
	}
	r.cmd, r.url = nil, ""
}

// freeze stops the process with SIGSTOP.
func (r *replica) freeze() { r.signal(syscall.SIGSTOP) }

// wake lets a frozen and held process continue.
func (r *replica) wake(ctx context.Context) {
	r.signal(syscall.SIGCONT)
	_, _ = r.call(ctx, "/resume", nil)
}

func (r *replica) signal(s os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil {
		_ = r.cmd.Process.Signal(s)
	}
}

// heldAt returns the channel of the steps at which the process was held.
func (r *replica) heldAt() <-chan histories.Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

// errDown says that the process does not run: it has not got the request.
var errDown = errors.New("the replica is down")

// call sends a request to the process. The error is that of the connection.
func (r *replica) call(ctx context.Context, path string, query url.Values) (histories.Response, error) {
	return r.post(ctx, path, query, nil)
}

func (r *replica) post(ctx context.Context, path string, query url.Values, body []byte) (out histories.Response, err error) {
	r.mu.Lock()
	base := r.url
	r.mu.Unlock()
	if base == "" {
		return out, errDown
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	req.Close = true // no connection outlives the test
	resp, err := http.DefaultTransport.RoundTrip(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return out, errDown
	}
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out)
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
