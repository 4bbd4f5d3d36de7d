package sandbox_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

func record(kind, id, data string) jovepaytest.StateRecord {
	return jovepaytest.StateRecord{Kind: kind, ID: id, Data: []byte(data)}
}

// payment is a record of about the usual size.
func payment(n int) jovepaytest.StateRecord {
	return record("payment", fmt.Sprint(n), fmt.Sprintf(`{"id":%d,"text":%q}`, n, strings.Repeat("x", 600)))
}

func openState(t *testing.T, path string) *sandbox.StateFile {
	t.Helper()
	s, err := sandbox.OpenState(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func load(t *testing.T, s *sandbox.StateFile) []jovepaytest.StateRecord {
	t.Helper()
	records, err := s.Load(t.Context())
	require.NoError(t, err)
	return records
}

// filled is the path of a closed state of 100 payments.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s := openState(t, path)
	for i := range 100 {
		require.NoError(t, s.Save(t.Context(), []jovepaytest.StateRecord{payment(i)}))
	}
	require.NoError(t, s.Close())
	return path
}

// requireRejected opens what cannot be opened, and checks that it stays as it is.
func requireRejected(t *testing.T, path string, advice ...string) {
	t.Helper()
	before := contents(t, filepath.Dir(path))
	_, err := sandbox.OpenState(path)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "sandbox: state file")
	for _, text := range advice {
		assert.Contains(t, err.Error(), text)
	}
	assert.NotContains(t, err.Error(), "\n")
	after := contents(t, filepath.Dir(path))
	delete(after, filepath.Base(path)+".lock")
	delete(before, filepath.Base(path)+".lock")
	assert.Equal(t, before, after)
}

// contents are the files of a directory, byte for byte.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			files[e.Name()] = string(b)
		}
	}
	return files
}

func TestStateDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"text":            func([]byte) []byte { return []byte("this is no state\n") },
		"header only":     func(b []byte) []byte { return b[:100] },
		"first page only": func(b []byte) []byte { return b[:4096] },
		"last page lost":  func(b []byte) []byte { return b[:len(b)-4096] },
		"last byte lost":  func(b []byte) []byte { return b[:len(b)-1] },
		"half":            func(b []byte) []byte { return b[:len(b)/2] },
		"header zeroed":   func(b []byte) []byte { clear(b[:100]); return b },
		"a page zeroed":   func(b []byte) []byte { clear(b[8192:12288]); return b },
		"two pages swapped": func(b []byte) []byte {
			x := bytes.Clone(b[8192:12288])
			copy(b[8192:], b[12288:16384])
			copy(b[12288:], x)
			return b
		},
		"noise":               func(b []byte) []byte { copy(b[20000:], "noise where a record was"); return b },
		"one digit":           func(b []byte) []byte { b[bytes.Index(b, []byte(`"id":42,`))+5] ^= 1; return b },
		"another record's id": func(b []byte) []byte { i := bytes.Index(b, []byte("payment42")); b[i+8] = '1'; return b },
		"schema":              func(b []byte) []byte { return bytes.Replace(b, []byte("digest BLOB"), []byte("digits BLOB"), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filled(t)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, damage(b), 0o600))
			requireRejected(t, path)
			requireRejected(t, path)
		})
	}
}

// Any byte that is changed is either noticed, or of no consequence: not one
// record is other than it was saved.
func TestStateAnyByte(t *testing.T) {
	t.Parallel()
	path := filled(t)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	s := openState(t, path)
	want := load(t, s)
	require.NoError(t, s.Close())
	random := rand.New(rand.NewPCG(1, 2))
	noticed := 0
	for range 150 {
		b := bytes.Clone(whole)
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		s, err := sandbox.OpenState(path)
		if err != nil {
			noticed++
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(b, left))
			continue
		}
		require.Equal(t, want, load(t, s))
		require.NoError(t, s.Close())
	}
	assert.Greater(t, noticed, 75)
}

// What a killed process had begun to write is undone, and half a change whose
// journal is lost is noticed.
func TestStateHalfWritten(t *testing.T) {
	t.Parallel()
	path := filled(t)
	s := openState(t, path)
	want := load(t, s)
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(t.Context(), "PRAGMA cache_size = 1; BEGIN; UPDATE records SET data = randomblob(600)")
	require.NoError(t, err)
	killed := filepath.Join(t.TempDir(), "state.db")
	lost := filepath.Join(t.TempDir(), "state.db")
	for name, content := range contents(t, filepath.Dir(path)) {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(killed), name), []byte(content), 0o600))
	}
	require.NoError(t, db.Close())
	half, err := os.ReadFile(killed)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(lost, half, 0o600))

	requireRejected(t, lost, "is damaged")
	assert.Equal(t, want, load(t, openState(t, killed)))
}

func TestStateForeign(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other.db")
	change(t, path, "PRAGMA application_id = 7; CREATE TABLE records (kind, id, data, digest); INSERT INTO records VALUES (1, 2, 3, 4)")
	requireRejected(t, path, "belongs to another program", "choose another file", "nothing was changed")

	wal := filepath.Join(t.TempDir(), "wal.db")
	change(t, wal, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)")
	requireRejected(t, wal, "belongs to another program")
}

func TestStateNewer(t *testing.T) {
	t.Parallel()
	path := filled(t)
	change(t, path, "PRAGMA user_version = 2")
	requireRejected(t, path, "later version", "update this program", "nothing was changed")
	change(t, path, "PRAGMA user_version = 0")
	requireRejected(t, path, "no format 0")
	change(t, path, "PRAGMA user_version = 1; DROP TABLE records")
	requireRejected(t, path, "is damaged", "restore a copy")
}

// change does to a database what a stranger might.
func change(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), statements)
	require.NoError(t, errors.Join(err, db.Close()))
}

func TestStateNoFile(t *testing.T) {
	t.Parallel()
	_, err := sandbox.OpenState("")
	assert.Error(t, err)
	dir := t.TempDir()
	_, err = sandbox.OpenState(dir)
	assert.ErrorContains(t, err, "is not a file")
	_, err = sandbox.OpenState(filepath.Join(dir, "none", "state.db"))
	assert.ErrorContains(t, err, "cannot be created")
	assert.NoDirExists(t, filepath.Join(dir, "none"))
}

// A file that was deleted after its process was killed leaves a journal that
// would spoil the next one.
func TestStateMissing(t *testing.T) {
	t.Parallel()
	path := filled(t)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(TRUNCATE)&_pragma=cache_size(1)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "UPDATE records SET digest = randomblob(32)")
	require.NoError(t, err)
	begun, err := os.ReadFile(path + "-journal")
	require.NoError(t, err)
	require.NotEmpty(t, begun)
	require.NoError(t, errors.Join(tx.Rollback(), db.Close(), os.Remove(path)))

	empty := openState(t, path) // its journal is empty
	require.NoError(t, errors.Join(empty.Close(), os.Remove(path)))
	require.NoError(t, os.WriteFile(path+"-journal", begun, 0o600))
	requireRejected(t, path, "is missing", `"state.db-journal"`, "delete that one too")
	require.NoError(t, os.Remove(path+"-journal"))
	assert.Empty(t, load(t, openState(t, path)))
}

// One state has one user, in this process as in others, and what tools write
// beside it is rejected.
func TestStateInUse(t *testing.T) {
	t.Parallel()
	path := filled(t)
	first := openState(t, path)
	_, err := sandbox.OpenState(path)
	require.ErrorContains(t, err, "is in use by another sandbox")
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "DELETE FROM records")
	require.Error(t, errors.Join(err, db.Close()))
	require.NoError(t, first.Close())
	assert.Len(t, load(t, openState(t, path)), 100)
}

func TestStateSave(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a name with 100% ?odd#signs&=.db")
	s := openState(t, path)
	assert.Empty(t, load(t, s))
	require.NoError(t, s.Save(t.Context(), []jovepaytest.StateRecord{record("payment", "1", `{"a":1}`), record("invoice", "1", `{}`)}))
	require.NoError(t, s.Save(t.Context(), []jovepaytest.StateRecord{record("payment", "1", `{"a":2}`)}))

	// All or none, and the state continues.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Save(ctx, []jovepaytest.StateRecord{record("payment", "2", `{}`)}), context.Canceled)
	require.NoError(t, s.Save(t.Context(), []jovepaytest.StateRecord{record("payment", "3", `{}`)}))
	want := []jovepaytest.StateRecord{record("invoice", "1", `{}`), record("payment", "1", `{"a":2}`), record("payment", "3", `{}`)}
	assert.Equal(t, want, load(t, s))

	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	assert.Error(t, s.Save(t.Context(), want))
	_, err := s.Load(t.Context())
	assert.Error(t, err)

	before, err := os.ReadFile(path)
	require.NoError(t, err)
	again := openState(t, path)
	assert.Equal(t, want, load(t, again))
	require.NoError(t, again.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after), "reading has changed the file")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm()&0o077, "others can read it")
}

// Nothing is left behind but the file, its empty journal and its lock.
func TestStateLeavesNoDrafts(t *testing.T) {
	t.Parallel()
	path := filled(t)
	openState(t, path)
	files := contents(t, filepath.Dir(path))
	names := slices.Collect(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	})
	assert.Subset(t, []string{"state.db", "state.db.lock", "state.db-journal"}, names)
	assert.Empty(t, files["state.db.lock"])
}

func BenchmarkStateSave(b *testing.B) {
	s, err := sandbox.OpenState(filepath.Join(b.TempDir(), "state.db"))
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		n++
		require.NoError(b, s.Save(b.Context(), []jovepaytest.StateRecord{payment(n)}))
	}
	require.NoError(b, s.Close())
}
