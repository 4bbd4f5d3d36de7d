package pgxstore

import "strings"

// The statements, with the table names that the schema uses. An account is the
// first parameter of those on the tables of orders.
const (
	defaultTable = "jovepay_inbox"

	// The clock, in microseconds since 1970. The first one goes on while a
	// statement waits, and the second can be compared with an index.
	clock       = `CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)`
	stableClock = `CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)`

	// A claim locks the subject's row, inserting it if there is none. The
	// position does not change: the event is not applied yet. The statement
	// affects a row if the event is newer than the last one applied.
	writeClaim = `INSERT INTO jovepay_inbox AS applied (subject, event_key, position) VALUES ($1, 'claim', '')
ON CONFLICT (subject) DO UPDATE
SET event_key = excluded.event_key, applied_at = excluded.applied_at
WHERE applied.position < $2`

	completeClaim = `UPDATE jovepay_inbox SET event_key = $2, position = $3 WHERE subject = $1`

	// guard divides by zero unless it is executed in the given transaction.
	checkTx = `SELECT 1 / CASE WHEN pg_current_xact_id_if_assigned()::text = $1 THEN 1 ELSE 0 END`

	selectState = `SELECT ` + clock + `, pg_current_xact_id()::text, last.event_key, last.position
FROM (SELECT 1) AS one LEFT JOIN jovepay_inbox AS last ON last.subject = $1`

	selectNow = `SELECT ` + clock

	selectLast = `SELECT event_key, position FROM jovepay_inbox WHERE subject = $1`

	insertOrder = `INSERT INTO jovepay_orders (account, id, created, version, state, doc)
VALUES ($1, $2, ` + clock + `, 1, '', '') ON CONFLICT (account, id) DO NOTHING`

	selectOrder = `SELECT id, created, version, state, due, doc FROM jovepay_orders WHERE account = $1 AND id = $2`
	lockOrder   = selectOrder + ` FOR UPDATE`

	selectPartsOf = `SELECT order_id, kind, id, open, at, doc FROM jovepay_order_parts
WHERE account = $1 AND order_id = $2 ORDER BY kind, id`

	selectLocated = `SELECT id, order_id FROM jovepay_order_parts
WHERE account = $1 AND kind = 'payment' AND sole_id = ANY($2)`

	updateOrder = `UPDATE jovepay_orders SET state = $3, due = $4, doc = $5, version = version + 1
WHERE account = $1 AND id = $2`

	// A transaction at repeatable read that waited for the lock must notice that
	// something was committed meanwhile, also if that was not the order's row.
	touchOrder = `UPDATE jovepay_orders SET version = version WHERE account = $1 AND id = $2`

	upsertPart = `INSERT INTO jovepay_order_parts (account, order_id, kind, id, open, at, doc)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account, order_id, kind, id) DO UPDATE
SET open = excluded.open, at = excluded.at, doc = excluded.doc`

	insertLine = `INSERT INTO jovepay_ledger (account, at, order_id, payment_id, coin, bucket, amount, doc)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	insertNote = `INSERT INTO jovepay_order_history (account, order_id, at, doc) VALUES ($1, $2, $3, $4)`

	selectHistory = `SELECT seq, at, doc FROM jovepay_order_history WHERE account = $1 AND order_id = $2 ORDER BY seq`

	acquireLease = `INSERT INTO jovepay_leases AS lease (account, name, holder, expires)
VALUES ($1, $2, $3, ` + clock + ` + $4)
ON CONFLICT (account, name) DO UPDATE SET holder = excluded.holder, expires = ` + clock + ` + $4
WHERE lease.holder = excluded.holder OR lease.expires <= ` + clock

	// The pages begin with these, and take their conditions from page.and.
	selectOrders = `SELECT id, created, version, state, due, doc FROM jovepay_orders WHERE account = $1`
	selectDue    = `SELECT id FROM jovepay_orders WHERE account = $1 AND due <= ` + stableClock
	selectParts  = `SELECT order_id, kind, id, open, at, doc FROM jovepay_order_parts WHERE account = $1`
	selectLines  = `SELECT seq, at, order_id, payment_id, coin, bucket, amount, doc FROM jovepay_ledger WHERE account = $1`

	// Records are pruned in ranges of subjects, each in its own short
	// transaction. An index on the time would slow every delivery down.
	selectRangeEnd = `SELECT subject FROM jovepay_inbox WHERE subject > $1 AND subject < $2 ORDER BY subject LIMIT 1 OFFSET 999`
	deleteRange    = `DELETE FROM jovepay_inbox WHERE subject > $1 AND subject <= $2 AND applied_at < $3`

	// The subjects of accounts lie between those of the store without one. Only
	// theirs have a slash before the colon.
	deleteRangeWithoutAccount = deleteRange + ` AND (strpos(subject, '/') = 0 OR strpos(subject, ':') < strpos(subject, '/'))`

	selectUnsafe = `SELECT name FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name`

	createMigrations = `CREATE TABLE IF NOT EXISTS jovepay_migrations (version integer NOT NULL PRIMARY KEY, at bigint NOT NULL)`
	lockMigrations   = `LOCK TABLE jovepay_migrations IN EXCLUSIVE MODE`
	lastMigration    = `SELECT COALESCE(MAX(version), 0) FROM jovepay_migrations`
	recordMigration  = `INSERT INTO jovepay_migrations (version, at) VALUES ($1, ` + clock + `)`
)

// sql returns a statement with the names of the store's tables.
func (s *Store) sql(statement string) string {
	if text, ok := s.texts.Load(statement); ok {
		return text.(string) //nolint:forcetypeassert // there is nothing else in it
	}
	text := s.names.Replace(statement)
	s.texts.Store(statement, text)
	return text
}

// tableNames returns what replaces the names of the tables by those of a store
// whose inbox is in the given table. The other tables are named after it.
func tableNames(table string) *strings.Replacer {
	prefix := strings.TrimSuffix(table, "_inbox") + "_"
	indexes := prefix[strings.LastIndexByte(prefix, '.')+1:]
	return strings.NewReplacer(
		"INDEX IF NOT EXISTS jovepay_", "INDEX IF NOT EXISTS "+indexes, // in the schema of its table
		defaultTable, table,
		"jovepay_", prefix)
}
