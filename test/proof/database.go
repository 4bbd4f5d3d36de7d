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

// database is the database of the processes.
type database struct {
	db     *sql.DB
	names  []string // its name or URL for each process
	app    string   // application_name of the processes; empty for SQLite
	schema string
	cutter *cutter // between the first process and the database
}

// openDatabase creates a schema in PostgreSQL for n processes, or a SQLite file.
func openDatabase(ctx context.Context, s settings, dir string, n int) (*database, error) {
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
	db, err := sql.Open("pgx", connection(address, schema, schema).String())
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
	through := connection(address, schema, d.app)
	through.Host = cutter.address()
	d.names = []string{through.String()}
	for len(d.names) < n {
		d.names = append(d.names, connection(address, schema, d.app).String())
	}
	return d, nil
}

// connection returns the URL of a schema, with an application name.
func connection(address *url.URL, schema, app string) *url.URL {
	u := *address
	query := u.Query()
	query.Set("search_path", schema)
	query.Set("application_name", app)
	u.RawQuery = query.Encode()
	return &u
}

// terminate has PostgreSQL end up to five connections of the processes, and
// returns their number.
func (d *database) terminate(ctx context.Context) (n int, err error) {
	err = d.db.QueryRowContext(ctx, `SELECT count(pg_terminate_backend(pid)) FROM
		(SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT 5) AS chosen`, d.app).Scan(&n)
	return n, err
}

// close drops the schema and closes the database, even if ctx is done.
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
