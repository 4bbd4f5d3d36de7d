package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

var errNoDatabase = errors.New("no database; start it with: service postgresql start && createdb test, or service mariadb start")

const (
	postgres = "postgres"
	mariadb  = "mariadb"
	sqlite   = "sqlite"
)

// database is the database of the processes.
type database struct {
	db      *sql.DB
	store   string
	names   []string // its name or URL for each process
	proxies []*proxy // for each process; none for SQLite
	direct  string   // its name or URL without a proxy
	app     string   // application_name of the processes on PostgreSQL, the database's name on MariaDB
	drop    string   // statement
}

// openDatabase creates a schema in PostgreSQL or a database in MariaDB for n
// processes, or an SQLite file.
func openDatabase(ctx context.Context, s *settings, dir string, n int) (*database, error) {
	if s.store == sqlite {
		name := filepath.Join(dir, "orders.db")
		db, err := sql.Open("sqlite", "file:"+name+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
		d := &database{db: db, store: s.store, direct: name}
		for range n {
			d.names = append(d.names, name)
		}
		return d, err
	}
	d := &database{store: s.store, app: fmt.Sprintf("jovepay_proof_%d", time.Now().UnixNano())}
	server, through, err := d.open(ctx, s)
	if err != nil {
		return nil, err
	}
	d.direct = through(server)
	for range n {
		p, err := newProxy(ctx, server)
		if err != nil {
			return nil, errors.Join(err, d.close(ctx))
		}
		d.proxies = append(d.proxies, p)
		d.names = append(d.names, through(p.address()))
	}
	return d, nil
}

// open creates what the processes use. It returns the database's host and port, and a
// function that returns its name or URL through another one.
func (d *database) open(ctx context.Context, s *settings) (server string, through func(string) string, err error) {
	if s.store == mariadb {
		return d.openMariaDB(ctx, s.mariadb)
	}
	return d.openPostgres(ctx, s.postgres)
}

func (d *database) openPostgres(ctx context.Context, name string) (server string, through func(string) string, err error) {
	address, err := url.Parse(name)
	if err != nil {
		return "", nil, err
	}
	connection := func(host, app string) string {
		u := *address
		u.Host = host
		query := u.Query()
		query.Set("search_path", d.app)
		query.Set("application_name", app)
		u.RawQuery = query.Encode()
		return u.String()
	}
	if d.db, err = sql.Open("pgx", connection(address.Host, "proof")); err != nil {
		return "", nil, err
	}
	if _, err := d.db.ExecContext(ctx, "CREATE SCHEMA "+d.app); err != nil {
		return "", nil, errors.Join(fmt.Errorf("%w: %w", errNoDatabase, err), d.db.Close())
	}
	d.drop = "DROP SCHEMA " + d.app + " CASCADE"
	return address.Host, func(host string) string { return connection(host, d.app) }, nil
}

func (d *database) openMariaDB(ctx context.Context, name string) (server string, through func(string) string, err error) {
	config, err := mysql.ParseDSN(name)
	if err != nil {
		return "", nil, err
	}
	root, err := sql.Open("mysql", name)
	if err != nil {
		return "", nil, err
	}
	defer root.Close() //nolint:errcheck // it was for one statement
	if _, err := root.ExecContext(ctx, "CREATE DATABASE "+d.app); err != nil {
		return "", nil, fmt.Errorf("%w: %w", errNoDatabase, err)
	}
	d.drop = "DROP DATABASE " + d.app
	config.DBName = d.app
	if d.db, err = sql.Open("mysql", config.FormatDSN()); err != nil {
		return "", nil, err
	}
	return config.Addr, func(host string) string {
		c := config.Clone()
		c.Addr = host
		return "mysql://" + c.FormatDSN()
	}, nil
}

// terminate has the database end up to five connections of the processes, and
// returns their number.
func (d *database) terminate(ctx context.Context) (n int, err error) {
	if d.store == postgres {
		err = d.db.QueryRowContext(ctx, `SELECT count(pg_terminate_backend(pid)) FROM
			(SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY random() LIMIT 5) AS chosen`, d.app).Scan(&n)
		return n, err
	}
	var ids []int64
	err = each(ctx, d.db, `SELECT id FROM information_schema.processlist WHERE db = '`+d.app+`' AND id <> CONNECTION_ID() ORDER BY rand() LIMIT 5`,
		func(scan scanFunc) error {
			ids = append(ids, 0)
			return scan(&ids[len(ids)-1])
		})
	for _, id := range ids {
		if _, err := d.db.ExecContext(ctx, fmt.Sprintf("KILL %d", id)); err == nil { // else it has ended by itself
			n++
		}
	}
	return n, err
}

// close drops what was created and closes the database, even if ctx is done.
func (d *database) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for _, p := range d.proxies {
		p.close()
	}
	var err error
	if d.drop != "" {
		_, err = d.db.ExecContext(ctx, d.drop)
	}
	return errors.Join(err, d.db.Close())
}
