package jovepaytest

import (
	"context"
	"errors"
)

// State keeps a server's records beyond the server's life: in a file, say. The
// server calls it from one goroutine at a time, and closes nothing: who made
// the state closes it after [Server.Close].
//
// A state is one account's. Two servers must not use it at the same time;
// where that can happen, it is for the state to refuse the second.
//
// The context of both calls is not cancelled by [Server.Close], which waits
// for the last save.
type State interface {
	// Load returns every record that was saved, in any order; of a new state,
	// none. The server calls it once, before anything else. An error is why
	// there is no server.
	Load(ctx context.Context) ([]StateRecord, error)

	// Save keeps the records, each in place of the one of the same Kind and ID
	// if there is one: all of them or, with an error, none. When it has
	// returned nil they must outlive the process. No batch is empty or has two
	// records of the same Kind and ID. The records are the server's; their
	// Data must not be changed, and may be kept.
	//
	// After an error the server answers 500, and tries again with the next
	// call: see [WithState].
	Save(ctx context.Context, records []StateRecord) error
}

// StateRecord is one record: a payment, an invoice, a price. Nothing is ever
// removed from a state.
type StateRecord struct {
	Kind string // what it is, such as "payment"; lower-case letters
	ID   string // which of its kind; letters and digits, never empty
	Data []byte // JSON, an object in UTF-8; only the server reads it
}

// WithState keeps the server's records in a state: payments, invoices,
// withdrawals, recurring payments, currencies with their prices, the number of
// logins, and how far the clock was moved. A server that starts with a state
// goes on where the last one stopped; what fell due in between happens at the
// start. It must have the seed of the last one: see [WithSeed]. [WithPayments]
// counts for an empty state only.
//
// What happened is saved before it is answered, by the API as well as by the
// methods of [Server], and before a shop is told of it. So when the process is
// killed, nothing is lost that anybody knows of. What was not answered may be
// saved or not. Not kept are the journal, faults, how notifications are sent,
// and those that were under way: a shop that has missed one asks for the
// payment.
//
// While saving fails, every request is answered with status 500 and every
// method that changes something returns the error, although the change
// happened; each tries again to save everything that is not saved yet. See
// [Server.Err].
//
// A state that cannot be read as a whole is an error of [NewServer] that names
// the record, and is left untouched.
func WithState(state State) Option {
	return func(s *settings) error {
		if state == nil {
			return errors.New("state is nil")
		}
		s.state = state
		return nil
	}
}
