package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The shapes of the drivers' errors. The module test/stores tests with errors of
// the drivers that it has.
type (
	stateError     string                             // pgx, lib/pq
	numberError    struct{ Number uint16 }            // go-sql-driver/mysql
	codeError      struct{ Code, ExtendedCode errNo } // mattn/go-sqlite3
	methodError    int                                // modernc.org/sqlite
	smallError     struct{ code uint8 }               // ncruces/go-sqlite3
	errNo          int
	smallNo        uint8
	embeddingError struct{ *codeError }
)

func (e stateError) Error() string    { return "state" }
func (e stateError) SQLState() string { return string(e) }
func (*numberError) Error() string    { return "number" }
func (codeError) Error() string       { return "code" }
func (methodError) Error() string     { return "method" }
func (e methodError) Code() int       { return int(e) }
func (*smallError) Error() string     { return "small" }
func (e *smallError) Code() smallNo   { return smallNo(e.code) }
func (embeddingError) Error() string  { return "embedding" }

// kinds are what an error can be to each dialect.
func kinds(err error) string {
	var all []string
	for _, d := range []Dialect{PostgreSQL, MySQL, SQLite} {
		for _, kind := range []struct {
			name string
			is   bool
		}{{"conflict", d.isConflict(err)}, {"created", d.isCreateConflict(err) && !d.isConflict(err)}, {"ended", d.isTxEnd(err)}} {
			if kind.is {
				all = append(all, string(d)+" "+kind.name)
			}
		}
	}
	return strings.Join(all, ", ")
}

func TestKinds(t *testing.T) {
	t.Parallel()
	const created = "postgresql created"
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"serialization":      {stateError("40001"), "postgresql conflict"},
		"deadlock":           {stateError("40P01"), "postgresql conflict"},
		"failed transaction": {stateError("25P02"), "postgresql ended"},
		"duplicate":          {stateError("23505"), created},
		"type is there":      {stateError("42710"), created},
		"table is there":     {stateError("42P07"), created},
		"other state":        {stateError("57014"), ""},
		"MySQL deadlock":     {&numberError{1213}, "mysql conflict"},
		"MariaDB changed":    {&numberError{1020}, "mysql conflict"},
		"MySQL lock wait":    {&numberError{1205}, ""},
		"MySQL savepoint":    {&numberError{1305}, "mysql ended"},
		"modernc busy":       {methodError(5), "sqlite conflict"},
		"busy snapshot":      {methodError(517), "sqlite conflict"},
		"shared cache":       {methodError(262), "sqlite conflict"},
		"modernc savepoint":  {methodError(1), "sqlite ended"},
		"modernc full":       {methodError(13), ""},
		"mattn busy":         {codeError{5, 517}, "sqlite conflict"},
		"mattn full":         {codeError{13, 13}, ""},
		"ncruces busy":       {&smallError{5}, "sqlite conflict"},
		"ncruces constraint": {&smallError{19}, ""},
		"done":               {sql.ErrTxDone, "postgresql ended, mysql ended, sqlite ended"},
		"ended":              {context.Canceled, ""},
		"text only":          {errors.New("Error 1213: Deadlock found; database is locked (5) (SQLITE_BUSY); SQLSTATE 40001"), ""},
		"nil pointer":        {(*numberError)(nil), ""},
		"nil method":         {(*smallError)(nil), ""},
		"embedded":           {embeddingError{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{c.err, fmt.Errorf("sqlstore: commit: %w", c.err), errors.Join(errors.New("shop"), c.err)} {
				assert.Equal(t, c.want, kinds(err))
			}
		})
	}
}
