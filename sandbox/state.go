package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// StateFile keeps the records of a server in a file. It is a [jovepaytest.State].
// Open one with [OpenState], and close it after the server.
//
// Saved records outlive the process, even one that is killed during a save. It is
// safe for concurrent use.
type StateFile struct {
	path string
	db   *sql.DB
	lock *flock.Flock
}

// OpenState opens the state file at the path, or creates it. The file is a SQLite
// database. Next to it is a file with the suffix ".lock", which keeps two
// processes from using one state; it is empty and may be deleted while the state
// is not in use. Another one with the suffix "-journal" is empty except during a
// save: what a killed process leaves in it belongs to the state.
//
// The file is checked as a whole before it is used. If it is not a state file, is
// damaged, cut short or in use, or was written by a later version of this package,
// the error says what to do, and not a byte of the file is changed.
func OpenState(path string) (*StateFile, error) {
	s, err := openState(path)
	if err != nil {
		return nil, fmt.Errorf("sandbox: state file %q %w", path, err)
	}
	return s, nil
}

func openState(path string) (*StateFile, error) {
	if path == "" {
		return nil, errors.New("has no name")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be found: %w", err)
	}
	// For example a missing directory, before there is a lock file in it.
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("cannot be created: %w", err)
	}
	lock := flock.New(path + ".lock")
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("cannot be locked: %w", err)
	case !locked:
		return nil, errors.New("is in use by another sandbox: stop that one, or choose another file")
	}
	db, err := openLocked(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &StateFile{path: path, db: db, lock: lock}, nil
}

// openLocked opens the file, which no other sandbox uses.
func openLocked(path string) (*sql.DB, error) {
	ctx := context.Background() //nolint:forbidigo // a program that starts has nothing else to do
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = create(ctx, path)
	} else {
		err = inspect(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	db, err := database(path)
	if err != nil {
		return nil, err
	}
	// From here on no other tool can write to the file.
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE; COMMIT"); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot be opened: %w", err), db.Close())
	}
	return db, nil
}

// Load returns all records.
func (s *StateFile) Load(ctx context.Context) ([]jovepaytest.StateRecord, error) {
	records, err := readAll(ctx, s.db)
	if err != nil {
		return nil, s.fail(err)
	}
	return records, nil
}

// Save saves the records, all of them or none.
func (s *StateFile) Save(ctx context.Context, records []jovepaytest.StateRecord) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.fail(fmt.Errorf("cannot be written: %w", err))
	}
	if err := write(ctx, tx, records); err != nil {
		_ = tx.Rollback() // SQLite has rolled back if the disk is full, and the next save reports the error
		return s.fail(fmt.Errorf("cannot be written: %w", err))
	}
	if err := tx.Commit(); err != nil {
		return s.fail(fmt.Errorf("cannot be written: %w", err))
	}
	return nil
}

// Close releases the file. Closing twice does nothing.
func (s *StateFile) Close() error {
	if err := errors.Join(s.db.Close(), s.lock.Close()); err != nil {
		return s.fail(fmt.Errorf("cannot be closed: %w", err))
	}
	return nil
}

func (s *StateFile) fail(err error) error {
	return fmt.Errorf("sandbox: state file %q %w", s.path, err)
}
