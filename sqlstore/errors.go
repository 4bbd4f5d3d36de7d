package sqlstore

import (
	"database/sql"
	"errors"
	"reflect"
	"slices"
)

// Errors are recognized by the codes that they carry, never by their text.

// isConflict reports whether the database aborted a transaction that may succeed
// if it is run again.
func (d Dialect) isConflict(err error) bool {
	switch d {
	case PostgreSQL: // serialization failure, deadlock
		return hasState(err, "40001", "40P01")
	case MySQL: // deadlock; MariaDB: a row has changed since the snapshot
		return hasCode(err, wholeCode, 1213, 1020)
	case SQLite: // busy, locked
		return hasCode(err, primaryCode, 5, 6)
	}
	return false
}

// isCreateConflict reports whether creating a table failed because another
// process has just created it, which PostgreSQL's IF NOT EXISTS can miss.
func (d Dialect) isCreateConflict(err error) bool {
	return d.isConflict(err) || d == PostgreSQL && hasState(err, "23505", "42710", "42P07")
}

// isTxEnd reports whether a claim was not completed because its transaction has
// ended, or can only be rolled back.
func (d Dialect) isTxEnd(err error) bool {
	if errors.Is(err, sql.ErrTxDone) {
		return true
	}
	switch d {
	case PostgreSQL: // in a failed transaction
		return hasState(err, "25P02")
	case MySQL: // no such savepoint
		return hasCode(err, wholeCode, 1305)
	case SQLite: // no such savepoint
		return hasCode(err, primaryCode, 1)
	}
	return false
}

// hasState reports whether err has one of the SQLSTATE codes. The drivers for
// PostgreSQL have errors with this method.
func hasState(err error, states ...string) bool {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && slices.Contains(states, e.SQLState())
}

// Masks for the part of a code that identifies the error. Some SQLite drivers
// also set bits that describe it further.
const (
	wholeCode   = -1
	primaryCode = 0xff
)

// hasCode reports whether err has one of the codes of MySQL or SQLite, in the
// given bits. Codes are looked up by name, since the drivers share no interface
// and none is imported: modernc.org/sqlite and github.com/ncruces/go-sqlite3
// have a method Code, github.com/mattn/go-sqlite3 has a field Code, and
// github.com/go-sql-driver/mysql a field Number.
func hasCode(err error, bits int64, codes ...int64) bool {
	if err == nil {
		return false
	}
	if n, ok := code(reflect.ValueOf(err)); ok && slices.Contains(codes, n&bits) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // it walks the tree as errors.As does
	case interface{ Unwrap() error }:
		return hasCode(e.Unwrap(), bits, codes...)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return hasCode(err, bits, codes...) })
	}
	return false
}

// code returns the code of an error, if it has one.
func code(e reflect.Value) (int64, bool) {
	if e.Kind() == reflect.Pointer && e.IsNil() {
		return 0, false
	}
	if method := e.MethodByName("Code"); method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() == 1 {
		return integer(method.Call(nil)[0])
	}
	e = reflect.Indirect(e)
	if e.Kind() != reflect.Struct {
		return 0, false
	}
	for _, name := range []string{"Number", "Code"} {
		if field, ok := e.Type().FieldByName(name); ok && len(field.Index) == 1 {
			return integer(e.FieldByIndex(field.Index))
		}
	}
	return 0, false
}

// integer returns the value of an integer of any type.
func integer(v reflect.Value) (int64, bool) {
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(v.Uint()), true //nolint:gosec // codes are small
	}
	return 0, false
}
