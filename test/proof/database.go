package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

var errNoDatabase = errors.New("no PostgreSQL; start it with: service postgresql start && createdb test")

// database is where the processes keep their orders, and what is done to it.
type database struct {
	db     *sql.DB
	names  []string // of the database, one for each process
	app    string   // by which PostgreSQL knows the processes; empty for SQLite
	schema string
	cutter *cutter // before the database of the first process
}

// openDatabase makes a schema in PostgreSQL for so many processes, or a file.
func openDatabase(ctx context.Context, s settings, dir string, processes int) (*database, error) {
	if s.store == "sqlite" {
		name := filepath.Join(dir, "orders.db")
		db, err := sql.Open("sqlite", "file:"+name+"?_pragma=busy_timeout(10000)")
		return &database{db: db, names: []string{name}}, err
	}
	address, err := url.Parse(s.postgres)
	if err != nil {
		return nil, err
	}
	schema := fmt.Sprintf("jovepay_proof_%d", time.Now().UnixNano())
	db, err := sql.Open("pgx", named(address, schema, schema).String())
	if err != nil {
		return nil, err
	}
	d := &database{db: db, schema: schema, app: schema + "_orders"}
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errNoDatabase, err), db.Close())
	}
	cutter, err := newCutter(ctx, address.Host)
	if err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	d.cutter = cutter
	through := named(address, schema, d.app)
	through.Host = cutter.address()
	d.names = []string{through.String()}
	for len(d.names) < processes {
		d.names = append(d.names, named(address, schema, d.app).String())
	}
	return d, nil
}

// named returns the address of a schema, for a process of the given name.
func named(address *url.URL, schema, app string) *url.URL {
	u := *address
	query := u.Query()
	query.Set("search_path", schema)
	query.Set("application_name", app)
	u.RawQuery = query.Encode()
	return &u
}

// terminate lets PostgreSQL end some connections of the processes, and returns
// how many.
func (d *database) terminate(ctx context.Context) (n int, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT count(pg_terminate_backend(pid)) FROM
		(SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT 5) AS chosen`, d.app).Scan(&n)
	return n, err
}

// close drops everything, even if ctx has ended.
func (d *database) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if d.cutter != nil {
		d.cutter.close()
	}
	var err error
	if d.schema != "" {
		_, err = d.db.ExecContext(ctx, "DROP SCHEMA "+d.schema+" CASCADE")
	}
	return errors.Join(err, d.db.Close())
}
