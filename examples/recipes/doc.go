// Package recipes shows how the tools that Go shops use for their databases join
// the transactions of an [orders.Book]: sqlc, GORM, bun and ent, and River for
// what a database cannot roll back.
//
// Each recipe is a file with two functions. One places an order in the shop's own
// transaction, beside the shop's row. The other makes the hooks, which work in the
// transaction that the book gives them.
package recipes

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate
