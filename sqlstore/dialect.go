package sqlstore

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// Dialect is the kind of a database.
type Dialect string

// The dialects.
const (
	PostgreSQL Dialect = "postgresql"
	MySQL      Dialect = "mysql" // and MariaDB; with the engine InnoDB
	SQLite     Dialect = "sqlite"
)

// The statements of the inbox. All statements of this package have the names of
// the tables that the schemas use, and go through a translator.
const (
	defaultTable = "jovepay_inbox"

	// A claim locks the subject's row, inserting it if there is none, and puts
	// its token in place of the key. The position does not change: the event is
	// not applied yet. The statement affects a row if the event is newer than
	// the last one applied.
	writeClaim = `INSERT INTO jovepay_inbox AS applied (subject, event_key, position) VALUES (?, ?, '')
ON CONFLICT (subject) DO UPDATE
SET event_key = excluded.event_key, applied_at = excluded.applied_at
WHERE applied.position < ?`

	// MySQL has no WHERE there, and its number of affected rows depends on the
	// connection's clientFoundRows. So a claim that fails sets the result's last
	// insert id, which is 0 otherwise. Columns are set from left to right.
	writeClaimMySQL = `INSERT INTO jovepay_inbox (subject, event_key, position, applied_at) VALUES (?, ?, '', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE
event_key = IF(position < ?, VALUES(event_key), IF(LAST_INSERT_ID(1), event_key, NULL)),
applied_at = IF(event_key = VALUES(event_key), VALUES(applied_at), applied_at)`

	completeClaim = `UPDATE jovepay_inbox SET event_key = ?, position = ? WHERE subject = ? AND event_key = ?`

	// PostgreSQL knows which transaction wrote a row, and which one it is in.
	inSameTransaction = ` AND xmin = pg_current_xact_id()::xid`
	sameTransaction   = `SELECT TRANSACTION() = ?`

	last = `SELECT event_key, position FROM jovepay_inbox WHERE subject = ?`

	// Records are pruned in ranges of subjects, each in its own short
	// transaction. An index on the time would slow every delivery down.
	rangeEnd = `SELECT subject FROM jovepay_inbox WHERE subject > ? AND subject < ? ORDER BY subject LIMIT 1 OFFSET 999`

	prune           = `DELETE FROM jovepay_inbox WHERE subject > ? AND subject <= ? AND applied_at < ?`
	prunePostgreSQL = `DELETE FROM jovepay_inbox WHERE subject > ? AND subject <= ? AND applied_at < CAST(? AS timestamp) AT TIME ZONE 'UTC'`

	// The subjects of accounts lie between those of the store without one. Only
	// theirs have a slash before the colon.
	withoutAccount = ` AND (INSTR(subject, '/') = 0 OR INSTR(subject, ':') < INSTR(subject, '/'))`
)

// statements are the statements of a dialect for one set of tables.
type statements struct {
	claim, complete, completeLate, last, rangeEnd, prune, createOrder, lockOrder, acquire string

	// translate returns a statement of this package as the dialect has it.
	translate func(string) string

	// isNewer reports, from the result of claim or acquire, whether it took
	// effect.
	isNewer func(sql.Result) (bool, error)

	// savepoint is whether a savepoint proves that a transaction is still open.
	// PostgreSQL has the ids of transactions for that.
	savepoint bool

	// prepare is whether the frequent statements are prepared once per
	// connection.
	prepare bool

	// update are the frequent statements of Update.
	update []string
}

func (d Dialect) statements(table, account string) (statements, error) {
	s := statements{
		claim: writeClaim, complete: completeClaim, completeLate: completeClaim,
		last: last, rangeEnd: rangeEnd, prune: prune,
		createOrder: createOrder, lockOrder: lockOrder, acquire: acquireLease,
		isNewer: affectedRow, savepoint: true,
	}
	switch d {
	case PostgreSQL:
		s.complete, s.savepoint, s.prune = completeClaim+inSameTransaction, false, prunePostgreSQL
	case MySQL:
		s.claim, s.acquire, s.isNewer, s.prepare = writeClaimMySQL, acquireLeaseMySQL, noInsertID, true
	case SQLite:
		s.lockOrder = lockSQLite
	default:
		return statements{}, fmt.Errorf("sqlstore: unknown dialect %q", d)
	}
	if account == "" {
		s.prune += withoutAccount
	}
	s.translate = d.translator(table)
	for _, text := range []*string{
		&s.claim, &s.complete, &s.completeLate, &s.last, &s.rangeEnd, &s.prune, &s.createOrder, &s.lockOrder, &s.acquire,
	} {
		*text = s.translate(*text)
	}
	s.update = []string{s.claim, s.complete, s.createOrder, s.lockOrder}
	for _, text := range []string{
		d.loadStatement(0, true), d.loadStatement(1, true), writeOrder, insertStatement(writeParts, replacePart, 1),
		insertStatement(writeLines, "", 1), insertStatement(writeNotes, "", 1),
	} {
		s.update = append(s.update, s.translate(text))
	}
	return s, nil
}

// translator returns a function that puts the names of the tables, the dialect's
// own words and its placeholders into a statement.
func (d Dialect) translator(table string) func(string) string {
	prefix := strings.TrimSuffix(table, "_inbox") + "_"
	indexes := prefix[strings.LastIndexByte(prefix, '.')+1:]
	words := []string{"INDEX IF NOT EXISTS jovepay_", "INDEX IF NOT EXISTS " + indexes, defaultTable, table, "jovepay_", prefix}
	mark := func(int) string { return "?" }
	switch d {
	case PostgreSQL:
		words = append(words,
			"CLOCK()", "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)",
			"TRANSACTION()", "pg_current_xact_id()::text",
			"INSTR(", "strpos(")
		mark = func(i int) string { return "$" + strconv.Itoa(i) }
	case MySQL:
		words = append(words,
			"CLOCK()", "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
			"TRANSACTION()", "''",
			unlessExists, "ON DUPLICATE KEY UPDATE version = version",
			replacePart, replacePartMySQL)
	case SQLite:
		words = append(words,
			"CLOCK()", "CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000",
			"TRANSACTION()", "''",
			" FOR UPDATE", "")
	}
	replacer := strings.NewReplacer(words...)
	return func(text string) string { return numberPlaceholders(replacer.Replace(text), mark) }
}

// numberPlaceholders replaces each question mark with the dialect's own
// placeholder.
func numberPlaceholders(text string, mark func(int) string) string {
	parts := strings.Split(text, "?")
	var b strings.Builder
	b.WriteString(parts[0])
	for i, part := range parts[1:] {
		b.WriteString(mark(i + 1))
		b.WriteString(part)
	}
	return b.String()
}

func affectedRow(result sql.Result) (bool, error) {
	n, err := result.RowsAffected()
	return n > 0, err
}

func noInsertID(result sql.Result) (bool, error) {
	id, err := result.LastInsertId()
	return id == 0, err
}
