package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// applicationID marks SQLite files that are states: "Jove" in ASCII. And
// formatVersion is that of the table.
const (
	applicationID = 0x4a6f7665
	formatVersion = 1
)

const schema = `
CREATE TABLE records (
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL,
	data   BLOB NOT NULL,
	digest BLOB NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID`

// advice ends the errors of files that were not changed.
const advice = "restore a copy of it, or choose another file; nothing was changed"

// database returns the SQLite file at the path, which its first use opens. A
// rollback journal, not a write-ahead log, keeps everything in this one file: see
// ADR 0011.
func database(path string) (*sql.DB, error) {
	address := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: url.Values{
		"mode":    {"rw"},
		"_pragma": {"locking_mode(EXCLUSIVE)", "journal_mode(TRUNCATE)", "synchronous(FULL)", "busy_timeout(0)"},
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	db.SetMaxOpenConns(1) // an exclusive lock has one holder
	return db, nil
}

// create creates a state without records, whole or not at all.
func create(ctx context.Context, path string) (err error) {
	// The interrupted save of another file would be rolled back in this one, and
	// destroy it.
	if info, err := os.Stat(path + "-journal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("is missing, but %q has an interrupted save of it: restore the file, or delete that one too to start over",
			filepath.Base(path)+"-journal")
	}
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return fmt.Errorf("cannot be created: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot be created: %w", err), os.Remove(draft.Name()))
		}
	}()
	if err := draft.Close(); err != nil {
		return err
	}
	db, err := database(draft.Name())
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; %s",
		applicationID, formatVersion, schema))
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	_ = os.Remove(draft.Name() + "-journal") // SQLite leaves it, empty
	return os.Rename(draft.Name(), path)
}

// inspect checks a file. It works on a copy, because opening a file in SQLite can
// change it: an interrupted save is rolled back.
func inspect(ctx context.Context, path string) (err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("cannot be read: %w", err)
	case !info.Mode().IsRegular():
		return errors.New("is not a file")
	case info.Size() == 0:
		return errors.New("is empty; delete it to start over")
	}
	dir, err := os.MkdirTemp("", "jovepay-state-")
	if err != nil {
		return fmt.Errorf("cannot be checked: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	double := filepath.Join(dir, "state")
	for _, suffix := range []string{"", "-journal", "-wal"} {
		if err := duplicate(path+suffix, double+suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("cannot be read: %w", err)
		}
	}
	db, err := database(double)
	if err != nil {
		return err
	}
	return errors.Join(examine(ctx, db), db.Close())
}

// examine checks that a database is a state, and a whole one.
func examine(ctx context.Context, db *sql.DB) error {
	var application, version int64
	err := db.QueryRowContext(ctx, "SELECT a.application_id, v.user_version FROM pragma_application_id a, pragma_user_version v").
		Scan(&application, &version)
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("is not a state file, or is damaged: %w; %s", err, advice)
	}
	switch {
	case err != nil:
		return damaged(err)
	case application != applicationID:
		return fmt.Errorf("belongs to another program: choose another file; nothing was changed")
	case version > formatVersion:
		return fmt.Errorf("was written by a later version (its format is %d, this version reads %d): "+
			"update this program, or choose another file; nothing was changed", version, formatVersion)
	case version != formatVersion:
		return damaged(fmt.Errorf("there is no format %d", version))
	}
	var finding string
	err = db.QueryRowContext(ctx, "SELECT integrity_check FROM pragma_integrity_check LIMIT 1").Scan(&finding)
	if err != nil {
		return damaged(err)
	}
	if finding != "ok" {
		return damaged(errors.New(strings.Join(strings.Fields(finding), " ")))
	}
	_, err = readAll(ctx, db)
	return err
}

func damaged(why error) error { return fmt.Errorf("is damaged: %w; %s", why, advice) }

// readAll returns all records, and checks that each is as it was saved.
func readAll(ctx context.Context, db *sql.DB) ([]jovepaytest.StateRecord, error) {
	rows, err := db.QueryContext(ctx, "SELECT kind, id, data, digest FROM records ORDER BY kind, id")
	if err != nil {
		return nil, damaged(err)
	}
	defer func() { _ = rows.Close() }() // Err reports it
	var records []jovepaytest.StateRecord
	for rows.Next() {
		var r jovepaytest.StateRecord
		var sum []byte
		if err := rows.Scan(&r.Kind, &r.ID, &r.Data, &sum); err != nil {
			return nil, damaged(err)
		}
		if !bytes.Equal(sum, digest(&r)) {
			return nil, damaged(fmt.Errorf("%s %s is not as it was saved", r.Kind, r.ID))
		}
		records = append(records, r)
	}
	if err := rows.Err(); err != nil {
		return nil, damaged(err)
	}
	return records, nil
}

// write saves the records, each in place of the previous one.
func write(ctx context.Context, tx *sql.Tx, records []jovepaytest.StateRecord) error {
	insert, err := tx.PrepareContext(ctx, "INSERT INTO records (kind, id, data, digest) VALUES (?, ?, ?, ?) "+
		"ON CONFLICT DO UPDATE SET data = excluded.data, digest = excluded.digest")
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }() // the transaction decides what is saved
	for i := range records {
		r := &records[i]
		if _, err := insert.ExecContext(ctx, r.Kind, r.ID, r.Data, digest(r)); err != nil {
			return err
		}
	}
	return nil
}

// duplicate copies a file.
func duplicate(from, to string) error {
	source, err := os.Open(from) //nolint:gosec // the caller's own file
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()                                    // only read
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in a directory of our own
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// digest detects a record that was changed by accident. SQLite detects damage to
// its own structure, but not a changed digit in a record.
func digest(r *jovepaytest.StateRecord) []byte {
	sum := sha256.New()
	for _, part := range []string{r.Kind, r.ID} {
		_, _ = fmt.Fprintf(sum, "%d %s ", len(part), part) // a hash does not fail
	}
	_, _ = sum.Write(r.Data)
	return sum.Sum(nil)
}
