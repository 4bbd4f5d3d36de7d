package main

import (
	"context"
	"encoding/binary"
	"net"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/pgxstore"
	"github.com/jovepay/jovepay-go/test/histories"
)

// store is a store with a gate.
type store struct {
	*pgxstore.Store
	gate  *gate
	lease time.Duration // the longest; a killed process keeps what it holds
}

// Update implements [orders.Store].
func (s *store) Update(ctx context.Context, scope orders.Scope, work orders.Work[pgx.Tx]) error {
	if scope.Entry == (inbox.Entry{}) {
		s.gate.reach(histories.StepBegin)
	}
	var done histories.Step
	err := s.Store.Update(ctx, scope, func(ctx context.Context, tx pgx.Tx, r *orders.Record) (*orders.Change, error) {
		change, err := work(ctx, tx, r)
		done = ""
		switch intentState(change) {
		case "sending":
			s.gate.reach(histories.StepIntent)
			s.gate.expect(histories.StepCommit)
			done = histories.StepCommitted
		case "open":
			s.gate.reach(histories.StepSave)
			s.gate.expect(histories.StepSaving)
			done = histories.StepSaved
		}
		return change, err
	})
	if err == nil && done != "" {
		s.gate.reach(done)
	}
	return err
}

// Acquire implements [orders.Store].
func (s *store) Acquire(ctx context.Context, lease, holder string, d time.Duration) (bool, error) {
	return s.Store.Acquire(ctx, lease, holder, min(d, s.lease))
}

// intentState returns the state of the intent that a change writes, or "".
func intentState(c *orders.Change) string {
	if c == nil {
		return ""
	}
	for _, part := range c.Parts {
		if part.Kind != orders.PartIntent {
			continue
		}
		var intent struct {
			State string `json:"state"`
		}
		if json.Unmarshal(part.Doc, &intent) == nil {
			return intent.State
		}
	}
	return ""
}

// dialer connects to the database through the gate.
func (g *gate) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 2 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, gate: g}, nil
	}
}

// conn is a connection to the database.
type conn struct {
	net.Conn
	gate *gate
}

// Write implements [net.Conn].
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if executes(b) {
		c.gate.committing()
	}
	return n, err
}

// executes reports whether messages of PostgreSQL's protocol execute statements,
// instead of only preparing them. pgx writes whole messages.
func executes(b []byte) bool {
	const header = 5 // a letter and a length that includes itself
	for len(b) >= header {
		if b[0] == 'E' {
			return true
		}
		size := 1 + int(binary.BigEndian.Uint32(b[1:header]))
		if size > len(b) {
			return false
		}
		b = b[size:]
	}
	return false
}
