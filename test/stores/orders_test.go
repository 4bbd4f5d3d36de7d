package stores_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/sqlstore"
)

// fullChange writes to every table of an order, and makes a payment a part of it.
func fullChange(payment jovepay.ID) *orders.Change {
	at := time.Unix(1_800_000_000, 123_456_000).UTC()
	return &orders.Change{
		Order: &orders.OrderRow{State: "waiting", Due: at, Doc: []byte(`{}`)},
		Parts: []orders.Part{
			{Kind: orders.PartPayment, ID: string(payment), At: at, Doc: []byte(`{}`)},
			{Kind: orders.PartIntent, ID: "btc", Open: true, At: at, Doc: []byte(`{}`)},
		},
		Lines: []orders.LineRow{{At: at, PaymentID: payment, Coin: "btc", Bucket: orders.BucketHeld, Amount: jovepay.MustAmount("0.10"), Doc: []byte(`{}`)}},
		Notes: []orders.Note{{At: at, Doc: []byte(`{}`)}},
	}
}

// create creates an order with a payment of the same id.
func (s *shop) create(t *testing.T, id string) {
	t.Helper()
	err := s.store.Update(t.Context(), orders.Scope{OrderID: id, Create: true}, func(context.Context, *sql.Tx, *orders.Record) (*orders.Change, error) {
		return fullChange(jovepay.ID(id)), nil
	})
	require.NoError(t, err)
}

// lines returns the number of lines of an order.
func (s *shop) lines(t *testing.T, id string) int {
	t.Helper()
	lines, err := s.store.Lines(t.Context(), orders.LineQuery{OrderID: id, Limit: 100})
	require.NoError(t, err)
	return len(lines)
}

// Work that ends its transaction gets an error, and nothing of its change is
// written, with an event and without one. The event does not count as applied.
func TestWorkEndsTransactionBySQL(t *testing.T) {
	t.Parallel()
	for database, d := range databases() {
		for name, e := range ends[d.dialect] {
			t.Run(database+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := d.shop(t)
				s.create(t, "1")
				function := s.ends(t, e)
				event := entry(t, "1", "finished")
				for _, scope := range []orders.Scope{{OrderID: "1"}, {OrderID: "1", Entry: event}, {}} {
					err := s.store.Update(t.Context(), scope, func(ctx context.Context, tx *sql.Tx, _ *orders.Record) (*orders.Change, error) {
						if scope.OrderID == "" {
							return nil, function(ctx, tx)
						}
						return fullChange("1"), function(ctx, tx)
					})
					require.ErrorContains(t, err, "sqlstore: commit: the transaction ended inside the function")
					assert.Equal(t, 1, s.lines(t, "1"))
					outcome, err := s.store.Lookup(t.Context(), event)
					require.NoError(t, err)
					assert.Equal(t, inbox.Pending, outcome)
					if name == "alter table" || name == "create index" {
						break // once only
					}
				}
				notes, err := s.written(t.Context())
				require.NoError(t, err)
				assert.Equal(t, e.undoes, len(notes) == 0, notes)
			})
		}
	}
}

// The same by the methods of the transaction. The event of work that committed is
// not applied, unlike that of a function of the inbox: its change is missing.
func TestWorkEndsTransaction(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		for _, event := range []inbox.Entry{{}, entry(t, "1", "finished")} {
			t.Run(name+"/"+event.Subject, func(t *testing.T) {
				t.Parallel()
				s := d.shop(t)
				s.create(t, "1")
				for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
					err := s.store.Update(t.Context(), orders.Scope{OrderID: "1", Entry: event}, func(_ context.Context, tx *sql.Tx, _ *orders.Record) (*orders.Change, error) {
						return fullChange("1"), end(tx)
					})
					require.ErrorIs(t, err, sql.ErrTxDone)
					assert.Equal(t, 1, s.lines(t, "1"))
					if event != (inbox.Entry{}) {
						outcome, err := s.store.Lookup(t.Context(), event)
						require.NoError(t, err)
						assert.Equal(t, inbox.Pending, outcome)
					}
				}
			})
		}
	}
}

// Two transactions that lock the same two rows of the shop: the database gives one
// up, and it is run again with a new record.
func TestWorkDeadlock(t *testing.T) {
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
			s.create(t, "a")
			s.create(t, "b")
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var runs atomic.Int32
			var meet, both sync.WaitGroup
			meet.Add(2)
			for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
				both.Go(func() {
					var once sync.Once
					err := s.store.Update(ctx, orders.Scope{OrderID: order[0]}, func(ctx context.Context, tx *sql.Tx, r *orders.Record) (*orders.Change, error) {
						runs.Add(1)
						assert.EqualValues(t, 2, r.Order.Version)
						r.Order.Version = 0
						for _, row := range order {
							if _, err := tx.ExecContext(ctx, "UPDATE "+s.notes+" SET note = note WHERE note = '"+row+"'"); err != nil {
								return nil, err
							}
							once.Do(func() {
								meet.Done()
								meet.Wait()
							})
						}
						return fullChange(jovepay.ID(order[0])), nil
					})
					assert.NoError(t, err)
				})
			}
			both.Wait()
			assert.Greater(t, runs.Load(), int32(2), "one of them was run again")
			assert.Equal(t, 2, s.lines(t, "a"))
			assert.Equal(t, 2, s.lines(t, "b"))
		})
	}
}

// A transaction of the shop that has read before it joins sees the order as it is
// committed, or fails; it never works on what it has read from an old snapshot.
func TestJoinAfterSnapshot(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		for _, level := range []sql.IsolationLevel{sql.LevelDefault, sql.LevelRepeatableRead, sql.LevelSerializable} {
			if d.dialect == sqlstore.SQLite && level == sql.LevelRepeatableRead || d.dialect == sqlstore.MySQL && level == sql.LevelSerializable {
				continue // it does not have it, or locks all that it reads
			}
			t.Run(name+"/"+level.String(), func(t *testing.T) {
				t.Parallel()
				address := d.address(t)
				if d.dialect == sqlstore.SQLite {
					address = deferred(address)
				}
				s := d.shopAt(t, d.open(t, address))
				s.create(t, "1")
				tx, err := s.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
				require.NoError(t, err)
				defer func() { _ = tx.Rollback() }()
				var count int
				require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT count(*) FROM "+s.beside("orders")).Scan(&count))

				// Only a part is changed, not the order.
				err = s.store.Update(t.Context(), orders.Scope{OrderID: "1"}, func(context.Context, *sql.Tx, *orders.Record) (*orders.Change, error) {
					return &orders.Change{Parts: []orders.Part{{Kind: orders.PartIntent, ID: "eth", Doc: []byte(`{}`)}}}, nil
				})
				require.NoError(t, err)

				parts := 0
				err = s.store.Join(t.Context(), tx, orders.Scope{OrderID: "1"}, func(_ context.Context, _ *sql.Tx, r *orders.Record) (*orders.Change, error) {
					parts = len(r.Parts)
					return fullChange("1"), nil
				})
				if err != nil {
					assert.Zero(t, parts, "not called with an old record")
					return
				}
				assert.Equal(t, 3, parts)
				require.NoError(t, tx.Commit())
				assert.Equal(t, 2, s.lines(t, "1"))
			})
		}
	}
}

// Work that ends the shop's own transaction writes nothing either.
func TestJoinedWorkEndsTransaction(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			s.create(t, "1")
			commits := s.ends(t, ends[d.dialect]["commit, begin"])
			tx, err := s.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			err = s.store.Join(t.Context(), tx, orders.Scope{OrderID: "1"}, func(ctx context.Context, tx *sql.Tx, _ *orders.Record) (*orders.Change, error) {
				return fullChange("1"), commits(ctx, tx)
			})
			require.ErrorContains(t, err, "the transaction ended inside the function")
			require.NoError(t, tx.Rollback())
			assert.Equal(t, 1, s.lines(t, "1"))
		})
	}
}

// A payment that two transactions make a part of two orders at the same time stays
// with one of them, whatever the SQL mode of MySQL.
func TestPaymentOfTwoOrders(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]string{"PostgreSQL": "", "MariaDB": "sql_mode=%27%27", "SQLite": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := databases()[name]
			address := d.address(t)
			if params != "" {
				address = withParam(address, params)
			}
			s := d.shopAt(t, d.open(t, address))
			var meet, both sync.WaitGroup
			if d.dialect != sqlstore.SQLite {
				meet.Add(2)
			}
			errs := make([]error, 2)
			for i, id := range []string{"a", "b"} {
				both.Go(func() {
					var once sync.Once
					errs[i] = s.store.Update(t.Context(), orders.Scope{OrderID: id, Create: true, Payments: []jovepay.ID{"1"}},
						func(_ context.Context, _ *sql.Tx, r *orders.Record) (*orders.Change, error) {
							if d.dialect != sqlstore.SQLite {
								once.Do(func() {
									assert.Empty(t, r.Located)
									meet.Done()
									meet.Wait()
								})
							}
							return fullChange("1"), nil
						})
				})
			}
			both.Wait()
			require.Error(t, errors.Join(errs...))
			assert.True(t, errs[0] == nil || errs[1] == nil, errs)
			located, err := s.store.Locate(t.Context(), "1")
			require.NoError(t, err)
			require.Len(t, located, 1)
			winner, err := s.store.Load(t.Context(), located["1"])
			require.NoError(t, err)
			assert.Len(t, winner.Parts, 2)
			assert.Equal(t, []byte(`{}`), winner.Parts[1].Doc)
		})
	}
}

// Two accounts have the same orders, payments and events, and prune their own.
func TestAccounts(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := d.shop(t)
			odd := entry(t, "a/b:c", "finished") // an id may have a slash
			e := entry(t, "1", "finished")
			accounts := map[string]*shop{"": s}
			for _, account := range []string{"payment", "a", "b"} {
				other := *s
				other.store = s.newStore(t, s.db, sqlstore.WithAccount(account))
				accounts[account] = &other
			}
			for _, account := range accounts {
				account.create(t, "1")
				account.expect(t, inbox.Applied, e)
				account.expect(t, inbox.Applied, odd)
				acquired, err := account.store.Acquire(t.Context(), "lease", account.table, time.Minute)
				require.NoError(t, err)
				assert.True(t, acquired)
				rows, err := account.store.Orders(t.Context(), orders.OrderQuery{Limit: 10})
				require.NoError(t, err)
				assert.Len(t, rows, 1)
			}
			for pruned, account := range accounts {
				n, err := account.store.Prune(t.Context(), time.Now().Add(time.Hour))
				require.NoError(t, err)
				assert.EqualValues(t, 2, n, pruned)
			}
		})
	}
}

// Check names the settings with which commits are lost.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ database, params, journal, want string }{
		"PostgreSQL":        {database: "PostgreSQL"},
		"PostgreSQL, local": {database: "PostgreSQL", params: "synchronous_commit=local"},
		"PostgreSQL, off":   {database: "PostgreSQL", params: "synchronous_commit=off", want: "synchronous_commit = off"},
		"MariaDB":           {database: "MariaDB"},
		"SQLite":            {database: "SQLite"},
		"SQLite, normal":    {database: "SQLite", params: "_pragma=synchronous(NORMAL)", want: "synchronous = 1"},
		"SQLite, off":       {database: "SQLite", params: "_pragma=synchronous(OFF)", want: "synchronous = 0"},
		"SQLite, extra":     {database: "SQLite", params: "_pragma=synchronous(EXTRA)"},
		"SQLite, no log":    {database: "SQLite", journal: "DELETE", params: "_pragma=synchronous(NORMAL)"},
		"SQLite, memory":    {database: "SQLite", journal: "MEMORY", want: "journal_mode = memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := databases()[c.database]
			address := d.address(t)
			if c.params != "" {
				address = withParam(address, c.params)
			}
			if c.journal != "" {
				address = strings.ReplaceAll(address, "journal_mode(WAL)", "journal_mode("+c.journal+")")
			}
			store, err := sqlstore.New(d.open(t, address), d.dialect)
			require.NoError(t, err)
			err = store.Check(t.Context())
			if c.want == "" {
				assert.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, orders.ErrLosesCommits)
			assert.ErrorContains(t, err, ": "+c.want)
		})
	}
}

func deferred(address string) string {
	return strings.ReplaceAll(address, "_txlock=immediate", "_txlock=deferred")
}
