package stores_test

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inbox/inboxtest"
)

// startBouncer starts a PgBouncer in front of the PostgreSQL of the tests, or
// skips where none is installed. Its pool mode is transaction, and it has fewer
// connections to the server than clients, so that each serves them all in turn.
func startBouncer(t *testing.T) database {
	t.Helper()
	d := databases()["PostgreSQL"]
	d.open(t, d.address(t))
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
			t.Fatal("no pgbouncer: ", err)
		}
		t.Skip("no pgbouncer; install it with: apt-get install pgbouncer")
	}
	server, err := pgx.ParseConfig(d.address(t))
	require.NoError(t, err)
	password := ""
	if server.Password != "" {
		password = " password='" + strings.ReplaceAll(server.Password, "'", "''") + "'"
	}
	port := freePort(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `[databases]
%s = host=%s port=%d user=%s%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
`, server.Database, server.Host, server.Port, server.User, password, port), 0o644)) // another user reads it
	args := []string{config}
	if os.Geteuid() == 0 { // as which it does not run
		args = append([]string{"-u", "nobody"}, args...)
	}
	process := exec.CommandContext(t.Context(), program, args...)
	log, err := process.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	lines := bufio.NewScanner(log)
	said := []string{}
	for lines.Scan() && !strings.Contains(lines.Text(), "process up") {
		said = append(said, lines.Text())
	}
	require.Contains(t, lines.Text(), "process up", said)
	var rest sync.WaitGroup
	rest.Go(func() {
		for lines.Scan() {
		}
	})
	t.Cleanup(func() { // the end of the context has killed it
		rest.Wait()
		_ = process.Wait()
	})
	address := fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", server.User, port, server.Database)
	d.address, d.hint = func(testing.TB) string { return address }, ""
	return d
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return address.Port
}

// bouncerModes are pgx's ways of executing a statement that docs/inbox.md says
// work with every PgBouncer.
var bouncerModes = []string{"cache_describe", "exec", "simple_protocol"}

// Deliveries, look-ups and pruning at the same time, each with whatever
// connection to the server PgBouncer has.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	d := startBouncer(t)
	open := func(t *testing.T, mode string) *shop {
		t.Helper()
		return d.shopAt(t, d.open(t, withParam(d.address(t), "default_query_exec_mode="+mode)))
	}
	for _, mode := range bouncerModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := open(t, mode)
			var crowd sync.WaitGroup
			for worker := range 12 {
				crowd.Go(func() {
					for i := range 20 {
						s.liveThrough(t, jovepay.ID(fmt.Sprint(worker, "-", i)))
					}
				})
			}
			crowd.Wait()
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Len(t, notes, 12*20*2)
		})
	}
	t.Run("conformance", func(t *testing.T) {
		t.Parallel()
		inboxtest.Run(t, func(t *testing.T) inboxtest.Harness[*sql.Tx] {
			t.Helper()
			return open(t, "exec").harness()
		})
	})
	// PgBouncer then gives the connection to someone else.
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		s := open(t, "exec")
		e := entry(t, "1", "finished")
		_, err := s.store.Apply(t.Context(), e, s.ends(t, ends[s.dialect]["commit"]))
		require.ErrorContains(t, err, "the transaction ended inside the function")
		s.expect(t, inbox.Applied, e)
	})
}

// liveThrough delivers the life of a payment, looks it up and prunes.
func (s *shop) liveThrough(t *testing.T, id jovepay.ID) {
	t.Helper()
	for _, status := range []jovepay.PaymentStatus{"waiting", "finished"} {
		s.expect(t, inbox.Applied, entry(t, id, status))
		s.expect(t, inbox.Duplicate, entry(t, id, status))
	}
	outcome, err := s.store.Lookup(t.Context(), entry(t, id, "waiting"))
	assert.NoError(t, err)
	assert.Equal(t, inbox.Outdated, outcome)
	_, err = s.store.Prune(t.Context(), time.Now().Add(-time.Hour))
	assert.NoError(t, err)
}
