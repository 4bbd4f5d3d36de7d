package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
)

// cut is where a connection breaks.
type cut int32

const (
	nowhere      cut = iota
	beforeCommit     // the request to commit is lost
	afterCommit      // the response to it is lost
)

// cutStatement breaks the connection that it is executed on.
const cutStatement = "-- cut"

// cutter opens connections that break on demand, with a real driver
// beneath.
type cutter struct {
	driver.Connector
	next atomic.Int32 // where the next commit breaks
}

// openCut opens an address through a cutter.
func (d database) openCut(t *testing.T, address string) (*sql.DB, *cutter) {
	t.Helper()
	plain := d.open(t, address)
	opener, ok := plain.Driver().(driver.DriverContext)
	if !ok {
		opener = opening{plain.Driver()}
	}
	connector, err := opener.OpenConnector(address)
	require.NoError(t, err)
	c := &cutter{Connector: connector}
	return pool(t, sql.OpenDB(c)), c
}

// opening is a driver without connectors, as SQLite's is.
type opening struct{ driver.Driver }

func (o opening) OpenConnector(name string) (driver.Connector, error) {
	return named{o.Driver, name}, nil
}

type named struct {
	driver driver.Driver
	name   string
}

func (n named) Connect(context.Context) (driver.Conn, error) { return n.driver.Open(n.name) }
func (n named) Driver() driver.Driver                        { return n.driver }

func (c *cutter) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &cutConn{conn.(realConn), c, false}, nil
}

// realConn is what the three drivers' connections can do.
type realConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
}

type cutConn struct {
	realConn
	cutter *cutter
	broken bool
}

func (c *cutConn) cut() error {
	if !c.broken {
		c.broken = true
		_ = c.realConn.Close()
	}
	return driver.ErrBadConn
}

func (c *cutConn) Close() error {
	if c.broken {
		return nil
	}
	return c.realConn.Close()
}

func (c *cutConn) IsValid() bool { return !c.broken }

func (c *cutConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if query == cutStatement {
		_ = c.cut()
		return driver.ResultNoRows, nil
	}
	if c.broken {
		return nil, driver.ErrBadConn
	}
	return c.realConn.ExecContext(ctx, query, args)
}

func (c *cutConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.realConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &cutTx{tx, c}, nil
}

type cutTx struct {
	driver.Tx
	conn *cutConn
}

func (tx *cutTx) Commit() error {
	if tx.conn.broken {
		return driver.ErrBadConn
	}
	switch cut(tx.conn.cutter.next.Swap(int32(nowhere))) {
	case beforeCommit:
		return tx.conn.cut()
	case afterCommit:
		if err := tx.Tx.Commit(); err != nil {
			return err
		}
		return tx.conn.cut()
	default:
		return tx.Tx.Commit()
	}
}

func (tx *cutTx) Rollback() error {
	if tx.conn.broken {
		return driver.ErrBadConn
	}
	return tx.Tx.Rollback()
}

// When the connection breaks during the commit, Apply cannot know whether it
// took effect. It must not say that the event was applied, and the next delivery
// finds out which of the two it was.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, d := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, c := range map[string]struct {
				where cut
				found inbox.Outcome
				again inbox.Outcome
			}{
				"request":  {beforeCommit, inbox.Pending, inbox.Applied},
				"response": {afterCommit, inbox.Duplicate, inbox.Duplicate},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					db, cutter := d.openCut(t, d.address(t))
					s := d.shopAt(t, db)
					e := entry(t, "1", "finished")
					note := func(ctx context.Context, tx *sql.Tx) error { return s.write(ctx, tx, "shipped") }

					cutter.next.Store(int32(c.where))
					outcome, err := s.store.Apply(t.Context(), e, note)
					require.ErrorIs(t, err, driver.ErrBadConn)
					require.EqualError(t, err, "sqlstore: commit: driver: bad connection")
					assert.Empty(t, outcome)

					outcome, err = s.store.Lookup(t.Context(), e)
					require.NoError(t, err)
					assert.Equal(t, c.found, outcome)
					outcome, err = s.store.Apply(t.Context(), e, note)
					require.NoError(t, err)
					assert.Equal(t, c.again, outcome)

					notes, err := s.written(t.Context())
					require.NoError(t, err)
					assert.Equal(t, []string{"shipped"}, notes)
				})
			}
		})
	}
}
