// Package shopdb is the shop's table and what sqlc generates for it with
// database/sql; package shoppgx is the same with pgx.
package shopdb

import _ "embed"

// Schema creates the shop's table.
//
//go:embed schema.sql
var Schema string
