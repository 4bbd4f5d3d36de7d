package stores_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/sqlstore"
)

var errShop = errors.New("out of stock")

// end is what a function does to its transaction. In its statements, NOTES is
// the table of the shop's writes, and OTHER a table that was created for it.
type end struct {
	statements []string
	hides      bool // the last statement fails, and the function does not say so
	undoes     bool // what was written before is rolled back
}

// ends are the ways to end a transaction of a dialect, with SQL or by accident.
var ends = map[sqlstore.Dialect]map[string]end{
	sqlstore.PostgreSQL: {
		"commit":             {statements: []string{"COMMIT"}},
		"end":                {statements: []string{"END"}},
		"rollback":           {statements: []string{"ROLLBACK"}, undoes: true},
		"abort":              {statements: []string{"ABORT"}, undoes: true},
		"commit, begin":      {statements: []string{"COMMIT", "BEGIN"}},
		"rollback, begin":    {statements: []string{"ROLLBACK", "BEGIN"}, undoes: true},
		"commit and chain":   {statements: []string{"COMMIT AND CHAIN"}},
		"rollback and chain": {statements: []string{"ROLLBACK AND CHAIN"}, undoes: true},
		"hidden error":       {statements: []string{"SELECT 1/0"}, hides: true, undoes: true},
		"hidden in savepoint": {
			statements: []string{"SAVEPOINT own", "ROLLBACK TO own", "SELECT 1/0"}, hides: true, undoes: true,
		},
	},
	sqlstore.MySQL: {
		"commit":               {statements: []string{"COMMIT"}},
		"rollback":             {statements: []string{"ROLLBACK"}, undoes: true},
		"begin":                {statements: []string{"BEGIN"}},
		"start transaction":    {statements: []string{"START TRANSACTION"}},
		"commit, begin":        {statements: []string{"COMMIT", "START TRANSACTION", "SAVEPOINT claim"}},
		"rollback, begin":      {statements: []string{"ROLLBACK", "START TRANSACTION", "SAVEPOINT claim"}, undoes: true},
		"commit and chain":     {statements: []string{"COMMIT AND CHAIN"}},
		"rollback and chain":   {statements: []string{"ROLLBACK AND CHAIN"}, undoes: true},
		"autocommit":           {statements: []string{"SET autocommit = 0", "SET autocommit = 1"}},
		"create table":         {statements: []string{"CREATE TABLE IF NOT EXISTS OTHER (id int)"}},
		"create table, begin":  {statements: []string{"CREATE TABLE IF NOT EXISTS OTHER (id int)", "BEGIN"}},
		"alter table":          {statements: []string{"ALTER TABLE OTHER ADD COLUMN more int"}},
		"drop table":           {statements: []string{"DROP TABLE IF EXISTS OTHER_none"}},
		"truncate":             {statements: []string{"TRUNCATE TABLE OTHER"}},
		"rename":               {statements: []string{"RENAME TABLE OTHER TO OTHER_2", "RENAME TABLE OTHER_2 TO OTHER"}},
		"create index":         {statements: []string{"CREATE INDEX other ON OTHER (id)"}},
		"create view":          {statements: []string{"CREATE VIEW OTHER_v AS SELECT 1", "DROP VIEW OTHER_v"}},
		"analyze":              {statements: []string{"ANALYZE TABLE OTHER"}},
		"lock tables":          {statements: []string{"LOCK TABLES OTHER WRITE", "UNLOCK TABLES"}},
		"grant":                {statements: []string{"CREATE ROLE OTHER_r", "DROP ROLE OTHER_r"}},
		"flush":                {statements: []string{"FLUSH STATUS"}},
		"failing create table": {statements: []string{"CREATE TABLE OTHER (id int)"}, hides: true},
		"procedure commits":    {statements: []string{"CALL OTHER_commits()"}},
		"procedure rolls back": {statements: []string{"CALL OTHER_rolls_back()"}, undoes: true},
		"procedure begins":     {statements: []string{"CALL OTHER_begins()"}},
	},
	sqlstore.SQLite: {
		"commit":          {statements: []string{"COMMIT"}},
		"end":             {statements: []string{"END"}},
		"rollback":        {statements: []string{"ROLLBACK"}, undoes: true},
		"commit, begin":   {statements: []string{"COMMIT", "BEGIN", "SAVEPOINT claim"}},
		"rollback, begin": {statements: []string{"ROLLBACK", "BEGIN", "SAVEPOINT claim"}, undoes: true},
		"or rollback":     {statements: []string{"INSERT OR ROLLBACK INTO OTHER VALUES (1)"}, hides: true, undoes: true},
		"trigger":         {statements: []string{"INSERT INTO OTHER VALUES (-1)"}, hides: true, undoes: true},
	},
}

// other creates what the statements need besides the notes.
func (s *shop) other(t *testing.T) string {
	t.Helper()
	other := "other_" + strings.ToLower(rand.Text())
	s.exec(t, "CREATE TABLE "+other+" (id int PRIMARY KEY)")
	t.Cleanup(func() { s.cleanup(t, "DROP TABLE IF EXISTS "+other) })
	switch s.dialect {
	case sqlstore.SQLite:
		s.exec(t, "INSERT INTO "+other+" VALUES (1)")
		s.exec(t, "CREATE TRIGGER "+other+"_t BEFORE INSERT ON "+other+" WHEN NEW.id < 0 BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
	case sqlstore.MySQL:
		for name, body := range map[string]string{"commits": "COMMIT", "rolls_back": "ROLLBACK", "begins": "START TRANSACTION"} {
			procedure := other + "_" + name
			s.exec(t, "CREATE PROCEDURE "+procedure+"() "+body)
			t.Cleanup(func() { s.cleanup(t, "DROP PROCEDURE "+procedure) })
		}
	case sqlstore.PostgreSQL:
	}
	return other
}

func (s *shop) cleanup(t *testing.T, query string) {
	t.Helper()
	_, err := s.db.ExecContext(context.WithoutCancel(t.Context()), query)
	require.NoError(t, err)
}

// ends returns a function that writes, ends its transaction, and returns nil.
func (s *shop) ends(t *testing.T, e end) func(context.Context, *sql.Tx) error {
	t.Helper()
	names := strings.NewReplacer("OTHER", s.other(t), "NOTES", s.notes)
	return func(ctx context.Context, tx *sql.Tx) error {
		if err := s.write(ctx, tx, "before"); err != nil {
			return err
		}
		for i, statement := range e.statements {
			_, err := tx.ExecContext(ctx, names.Replace(statement))
			if e.hides && i == len(e.statements)-1 {
				assert.Error(t, err)
			} else if err != nil {
				return err
			}
		}
		return nil
	}
}

// A function that ends its transaction gets an error, and its event does not
// count as applied: neither if it is the payment's first, nor if an earlier one
// was applied, which stays applied.
func TestFunctionEndsTransactionBySQL(t *testing.T) {
	t.Parallel()
	for database, d := range databases() {
		for name, e := range ends[d.dialect] {
			for _, status := range []jovepay.PaymentStatus{"", jovepay.PaymentWaiting} {
				t.Run(database+"/"+name+"/"+string(status), func(t *testing.T) {
					t.Parallel()
					s := d.shop(t)
					event := entry(t, "1", jovepay.PaymentFinished)
					if status != "" {
						s.expect(t, inbox.Applied, entry(t, "1", status))
						s.exec(t, "DELETE FROM "+s.notes)
					}
					function := s.ends(t, e)
					for range 2 {
						outcome, err := s.store.Apply(t.Context(), event, function)
						require.ErrorContains(t, err, "sqlstore: commit: the transaction ended inside the function")
						assert.Empty(t, outcome)
						outcome, err = s.store.Lookup(t.Context(), event)
						require.NoError(t, err)
						assert.Equal(t, inbox.Pending, outcome)
						if name == "alter table" || name == "create index" {
							break // once only
						}
					}
					notes, err := s.written(t.Context())
					require.NoError(t, err)
					assert.Equal(t, e.undoes, len(notes) == 0, notes)
					s.exec(t, "DELETE FROM "+s.notes)

					s.expect(t, inbox.Applied, event)
					s.expect(t, inbox.Duplicate, event)
					s.expect(t, inbox.Outdated, entry(t, "1", jovepay.PaymentWaiting))
					notes, err = s.written(t.Context())
					require.NoError(t, err)
					assert.Equal(t, []string{event.Key}, notes)
				})
			}
		}
	}
}

// What the function writes in a second transaction that it starts is rolled back
// with it.
func TestSecondTransactionIsRolledBack(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			begins := s.ends(t, end{statements: []string{"ROLLBACK", "BEGIN"}})
			_, err := s.store.Apply(t.Context(), entry(t, "1", "finished"), func(ctx context.Context, tx *sql.Tx) error {
				if err := begins(ctx, tx); err != nil {
					return err
				}
				return s.write(ctx, tx, "after")
			})
			require.ErrorContains(t, err, "the transaction ended inside the function")
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Empty(t, notes)
		})
	}
}

// What does not end the transaction is the function's business.
func TestFunctionKeepsTransaction(t *testing.T) {
	t.Parallel()
	own := []string{"SAVEPOINT own", "INSERT INTO NOTES VALUES ('undone')", "ROLLBACK TO SAVEPOINT own"}
	for name, statements := range map[string][]string{
		"PostgreSQL/savepoint": own,
		"PostgreSQL/released":  append(own, "RELEASE SAVEPOINT own"),
		"PostgreSQL/DDL":       {"ALTER TABLE OTHER ADD COLUMN more int"},
		"MariaDB/savepoint":    own,
		"MariaDB/released":     append(own, "RELEASE SAVEPOINT own"),
		"MariaDB/temporary":    {"CREATE TEMPORARY TABLE OTHER_t (id int)", "DROP TEMPORARY TABLE OTHER_t"},
		"SQLite/savepoint":     own,
		"SQLite/released":      append(own, "RELEASE SAVEPOINT own"),
		"SQLite/DDL":           {"ALTER TABLE OTHER ADD COLUMN more int"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database, _, _ := strings.Cut(name, "/")
			s := databases()[database].shop(t)
			e := entry(t, "1", "finished")
			outcome, err := s.store.Apply(t.Context(), e, s.ends(t, end{statements: statements}))
			require.NoError(t, err)
			assert.Equal(t, inbox.Applied, outcome)
			s.expect(t, inbox.Duplicate, e)
			notes, err := s.written(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"before"}, notes)
		})
	}
}

// A process that dies after a statement that commits implicitly, or a function
// that fails there, leaves an event that is not applied.
func TestFailureAfterImplicitCommit(t *testing.T) {
	t.Parallel()
	d := databases()["MariaDB"]
	for name, fail := range map[string]func(context.Context, *sql.Tx) error{
		"killed": func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, d.kill)
			return err
		},
		"error": func(context.Context, *sql.Tx) error { return errShop },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			e := entry(t, "1", "finished")
			commits := s.ends(t, end{statements: []string{"TRUNCATE TABLE OTHER"}})
			outcome, err := s.store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
				if err := commits(ctx, tx); err != nil {
					return err
				}
				return fail(ctx, tx)
			})
			require.Error(t, err)
			assert.Empty(t, outcome)
			s.expect(t, inbox.Applied, e)
		})
	}
}

// A function that hides that it was given up for a deadlock: MariaDB has rolled
// its transaction back, and its event is not applied.
func TestFunctionHidesDeadlock(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		if d.dialect == sqlstore.SQLite {
			continue // one transaction at a time
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			s.exec(t, "ALTER TABLE "+s.notes+" ADD PRIMARY KEY (note)")
			s.exec(t, s.insert, "a")
			s.exec(t, s.insert, "b")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var both, meet sync.WaitGroup
			meet.Add(2)
			failures := make(chan error, 2)
			for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
				e := entry(t, jovepay.ID(order[0]), "finished")
				both.Go(func() {
					var hidden error
					outcome, err := s.store.Apply(ctx, e, func(ctx context.Context, tx *sql.Tx) error {
						_, first := tx.ExecContext(ctx, "UPDATE "+s.notes+" SET note = note WHERE note = '"+order[0]+"'")
						assert.NoError(t, first)
						meet.Done()
						meet.Wait()
						_, hidden = tx.ExecContext(ctx, "UPDATE "+s.notes+" SET note = note WHERE note = '"+order[1]+"'")
						return nil
					})
					if hidden == nil {
						assert.NoError(t, err)
						assert.Equal(t, inbox.Applied, outcome)
						return
					}
					failures <- err
					outcome, err = s.store.Lookup(ctx, e)
					assert.NoError(t, err)
					assert.Equal(t, inbox.Pending, outcome)
				})
			}
			both.Wait()
			require.Len(t, failures, 1, "one of them is given up")
			require.ErrorContains(t, <-failures, "the transaction ended inside the function")
		})
	}
}
