package sqlstore

import (
	"database/sql"
	"embed"
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

//go:embed schema/*/*.sql
var schemas embed.FS

// The statements, with the table name that the schemas use.
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

	// PostgreSQL knows which transaction wrote a row.
	inSameTransaction = ` AND xmin = pg_current_xact_id()::xid`

	last = `SELECT event_key, position FROM jovepay_inbox WHERE subject = ?`

	// Records are pruned in ranges of subjects, each in its own short
	// transaction. An index on the time would slow every delivery down.
	rangeEnd = `SELECT subject FROM jovepay_inbox WHERE subject > ? ORDER BY subject LIMIT 1 OFFSET 999`

	prune           = `DELETE FROM jovepay_inbox WHERE subject > ? AND subject <= ? AND applied_at < ?`
	prunePostgreSQL = `DELETE FROM jovepay_inbox WHERE subject > ? AND subject <= ? AND applied_at < CAST(? AS timestamp) AT TIME ZONE 'UTC'`
)

// statements are the statements of a dialect for one table.
type statements struct {
	schema, claim, complete, completeLate, last, rangeEnd, prune string

	// isNewer reports, from the result of claim, whether the event is newer.
	isNewer func(sql.Result) (bool, error)

	// savepoint is whether a savepoint proves that the claim's transaction is
	// still open; otherwise the complete statement checks it.
	savepoint bool

	// prepare is whether claim and complete are prepared once per connection.
	prepare bool
}

func (d Dialect) statements(table string) (statements, error) {
	s := statements{
		claim: writeClaim, complete: completeClaim, completeLate: completeClaim,
		last: last, rangeEnd: rangeEnd, prune: prune, isNewer: affectedRow, savepoint: true,
	}
	mark := func(int) string { return "?" }
	switch d {
	case PostgreSQL:
		s.complete, s.savepoint, s.prune = completeClaim+inSameTransaction, false, prunePostgreSQL
		mark = func(i int) string { return "$" + strconv.Itoa(i) }
	case MySQL:
		s.claim, s.isNewer, s.prepare = writeClaimMySQL, noInsertID, true
	case SQLite:
	default:
		return statements{}, fmt.Errorf("sqlstore: unknown dialect %q", d)
	}
	schema, err := schemas.ReadFile("schema/" + string(d) + "/0001_inbox.sql")
	if err != nil {
		return statements{}, fmt.Errorf("sqlstore: %w", err)
	}
	s.schema = string(schema)
	for _, text := range []*string{&s.schema, &s.claim, &s.complete, &s.completeLate, &s.last, &s.rangeEnd, &s.prune} {
		*text = numberPlaceholders(strings.ReplaceAll(*text, defaultTable, table), mark)
	}
	return s, nil
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
