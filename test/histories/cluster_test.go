package histories_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// cluster is a PostgreSQL with a streaming replica.
type cluster struct {
	t                *testing.T
	bin, dir         string
	as               *syscall.SysProcAttr // PostgreSQL does not run as root
	primary, standby *postgres
}

// postgres is one server.
type postgres struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

// newCluster starts a primary and a replica, or skips the test without the
// programs. If it is synchronous, commits wait for the replica.
func newCluster(t *testing.T, isSynchronous bool) *cluster {
	t.Helper()
	c := &cluster{t: t, bin: findPrograms(t), as: new(syscall.SysProcAttr)}
	var err error
	c.dir, err = os.MkdirTemp("", "failover") //nolint:usetesting // PostgreSQL's user cannot enter the test's own folder
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(c.dir)) })
	if os.Geteuid() == 0 {
		c.becomePostgres()
	}
	c.primary, c.standby = c.server("primary"), c.server("standby")
	c.do("initdb", "-D", c.primary.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	c.start(c.primary)
	c.do("pg_basebackup", "-D", c.standby.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(c.primary.port), "-U", "postgres", "-R", "--no-sync", "-c", "fast")
	c.start(c.standby)
	if isSynchronous {
		c.exec("ALTER SYSTEM SET synchronous_standby_names = '*'")
		c.exec("SELECT pg_reload_conf()")
	}
	c.await(map[bool]string{true: "sync", false: "async"}[isSynchronous])
	return c
}

// findPrograms returns the directory with PostgreSQL's programs.
func findPrograms(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_basebackup") // Debian has only the client's in the path
	require.NoError(t, err)
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	if path, err := exec.LookPath("pg_basebackup"); err == nil {
		return filepath.Dir(path)
	}
	if os.Getenv("JOVEPAY_REQUIRE_DATABASES") != "" {
		t.Fatal("no pg_basebackup")
	}
	t.Skip("no pg_basebackup; install it with: apt-get install postgresql")
	return ""
}

// becomePostgres has the programs run as user postgres.
func (c *cluster) becomePostgres() {
	c.t.Helper()
	account, err := user.Lookup("postgres")
	require.NoError(c.t, err)
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	require.NoError(c.t, err)
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	require.NoError(c.t, err)
	require.NoError(c.t, os.Chown(c.dir, int(uid), int(gid)))
	c.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// server returns a server on a free port.
func (c *cluster) server(name string) *postgres {
	c.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, listener.Close()) }()
	return &postgres{dir: filepath.Join(c.dir, name), port: listener.Addr().(*net.TCPAddr).Port}
}

func (c *cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, c.as
	return cmd
}

// do runs a program to its end.
func (c *cluster) do(program string, args ...string) {
	c.t.Helper()
	text, err := c.command(program, args...).CombinedOutput()
	require.NoError(c.t, err, "%s: %s", program, text)
}

// start starts a server.
func (c *cluster) start(p *postgres) {
	c.t.Helper()
	log, err := os.Create(p.dir + ".log")
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, log.Close()) }()
	p.cmd = c.command("postgres", "-D", p.dir, "-p", strconv.Itoa(p.port), "-k", c.dir, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=50")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	require.NoError(c.t, p.cmd.Start())
	c.t.Cleanup(func() {
		if p.cmd != nil {
			_ = p.cmd.Process.Signal(syscall.SIGQUIT)
			_ = p.cmd.Wait()
		}
	})
	require.Eventually(c.t, func() bool {
		conn, err := pgx.Connect(c.t.Context(), p.address())
		if err != nil {
			return false
		}
		return conn.Close(c.t.Context()) == nil
	}, time.Minute, 50*time.Millisecond, "PostgreSQL does not start")
}

func (p *postgres) address() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", p.port)
}

// address is what leads to the server that can be written to.
func (c *cluster) address() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable&connect_timeout=2&target_session_attrs=read-write",
		c.primary.port, c.standby.port)
}

// exec executes a statement on the primary.
func (c *cluster) exec(sql string) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.primary.address())
	require.NoError(c.t, err)
	_, err = conn.Exec(c.t.Context(), sql)
	require.NoError(c.t, err)
	require.NoError(c.t, conn.Close(c.t.Context()))
}

// await waits until the replica streams.
func (c *cluster) await(state string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.sender(c.t.Context(), state) != 0 }, time.Minute, 50*time.Millisecond, "no replica")
}

// sender returns the process that sends to the replica, or 0.
func (c *cluster) sender(ctx context.Context, state string) (pid int) {
	conn, err := pgx.Connect(ctx, c.primary.address())
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close(ctx) }()
	if conn.QueryRow(ctx, "SELECT pid FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = $1", state).Scan(&pid) != nil {
		return 0
	}
	return pid
}

// failOver kills the primary, and promotes the replica. With lag the replica got
// nothing for so long before that.
func (c *cluster) failOver(ctx context.Context, lag time.Duration) error {
	if lag > 0 {
		pid := c.sender(ctx, "async")
		if pid == 0 {
			return fmt.Errorf("the replica does not stream")
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		if err := pause(ctx, lag); err != nil {
			return err
		}
		defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	}
	if err := c.primary.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = c.primary.cmd.Wait()
	c.primary.cmd = nil
	text, err := c.command("pg_ctl", "promote", "-w", "-D", c.standby.dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("promote: %w: %s", err, text)
	}
	return nil
}
