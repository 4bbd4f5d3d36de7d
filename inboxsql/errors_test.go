package inboxsql

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
	state       string                             // pgx, lib/pq
	numberField struct{ Number uint16 }            // go-sql-driver/mysql
	codeField   struct{ Code, ExtendedCode errNo } // mattn/go-sqlite3
	methodCode  int                                // modernc.org/sqlite
	smallCode   struct{ code uint8 }               // ncruces/go-sqlite3
	errNo       int
	smallNo     uint8
	embedding   struct{ *codeField }
)

func (e state) Error() string      { return "state" }
func (e state) SQLState() string   { return string(e) }
func (*numberField) Error() string { return "number" }
func (codeField) Error() string    { return "code" }
func (methodCode) Error() string   { return "method" }
func (e methodCode) Code() int     { return int(e) }
func (*smallCode) Error() string   { return "small" }
func (e *smallCode) Code() smallNo { return smallNo(e.code) }
func (embedding) Error() string    { return "embedding" }

// kinds are what an error can be to each dialect.
func kinds(err error) string {
	var all []string
	for _, d := range []Dialect{PostgreSQL, MySQL, SQLite} {
		for _, kind := range []struct {
			name string
			is   bool
		}{{"conflict", d.conflict(err)}, {"created", d.created(err) && !d.conflict(err)}, {"ended", d.ended(err)}} {
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
		"serialization":      {state("40001"), "postgresql conflict"},
		"deadlock":           {state("40P01"), "postgresql conflict"},
		"failed transaction": {state("25P02"), "postgresql ended"},
		"duplicate":          {state("23505"), created},
		"type is there":      {state("42710"), created},
		"table is there":     {state("42P07"), created},
		"other state":        {state("57014"), ""},
		"MySQL deadlock":     {&numberField{1213}, "mysql conflict"},
		"MariaDB changed":    {&numberField{1020}, "mysql conflict"},
		"MySQL lock wait":    {&numberField{1205}, ""},
		"MySQL savepoint":    {&numberField{1305}, "mysql ended"},
		"modernc busy":       {methodCode(5), "sqlite conflict"},
		"busy snapshot":      {methodCode(517), "sqlite conflict"},
		"shared cache":       {methodCode(262), "sqlite conflict"},
		"modernc savepoint":  {methodCode(1), "sqlite ended"},
		"modernc full":       {methodCode(13), ""},
		"mattn busy":         {codeField{5, 517}, "sqlite conflict"},
		"mattn full":         {codeField{13, 13}, ""},
		"ncruces busy":       {&smallCode{5}, "sqlite conflict"},
		"ncruces constraint": {&smallCode{19}, ""},
		"done":               {sql.ErrTxDone, "postgresql ended, mysql ended, sqlite ended"},
		"ended":              {context.Canceled, ""},
		"text only":          {errors.New("Error 1213: Deadlock found; database is locked (5) (SQLITE_BUSY); SQLSTATE 40001"), ""},
		"nil pointer":        {(*numberField)(nil), ""},
		"nil method":         {(*smallCode)(nil), ""},
		"embedded":           {embedding{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{c.err, fmt.Errorf("inboxsql: commit: %w", c.err), errors.Join(errors.New("shop"), c.err)} {
				assert.Equal(t, c.want, kinds(err))
			}
		})
	}
}
