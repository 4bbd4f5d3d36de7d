package stores_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
)

// Statements that break the connection that they are executed on, at once or when
// its transaction is committed: by losing the request to commit, or the response
// to it.
const (
	cutStatement    = "-- cut"
	cutBeforeCommit = "-- cut before commit"
	cutAfterCommit  = "-- cut after commit"
)

// cutter opens connections that break on demand, with a real driver beneath.
type cutter struct{ driver.Connector }

// openCut opens an address through a cutter.
func (d database) openCut(t *testing.T, address string) *sql.DB {
	t.Helper()
	plain := d.open(t, address)
	opener, ok := plain.Driver().(driver.DriverContext)
	if !ok {
		opener = opening{plain.Driver()}
	}
	connector, err := opener.OpenConnector(address)
	require.NoError(t, err)
	return pool(t, sql.OpenDB(cutter{connector}))
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

func (c cutter) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &cutConn{realConn: conn.(realConn)}, nil
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
	commit string // where the next commit breaks
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
	switch query {
	case cutStatement:
		_ = c.cut()
		return driver.ResultNoRows, nil
	case cutBeforeCommit, cutAfterCommit:
		c.commit = query
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
	c.commit = ""
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
	switch tx.conn.commit {
	case cutBeforeCommit:
		return tx.conn.cut()
	case cutAfterCommit:
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
				where string
				found inbox.Outcome
				again inbox.Outcome
			}{
				"request":  {cutBeforeCommit, inbox.Pending, inbox.Applied},
				"response": {cutAfterCommit, inbox.Duplicate, inbox.Duplicate},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s := d.shopAt(t, d.openCut(t, d.address(t)))
					e := entry(t, "1", "finished")
					note := func(ctx context.Context, tx *sql.Tx) error { return s.write(ctx, tx, "shipped") }

					outcome, err := s.store.Apply(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
						_, err := tx.ExecContext(ctx, c.where)
						return errors.Join(err, note(ctx, tx))
					})
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
