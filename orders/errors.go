package orders

import "errors"

// ErrLosesCommits is the error, for [errors.Is], of a database that is configured
// to lose committed transactions in a crash. See [New].
var ErrLosesCommits = errors.New("orders: the database can lose committed transactions")
