package pgxstore

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Times are stored in microseconds since 1970.

func micros(t time.Time) int64 { return t.UnixMicro() }

// nullableMicros returns nil for the zero time.
func nullableMicros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := micros(t)
	return &us
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// scannedTime is a time to scan a column of microseconds into. NULL is the zero
// time.
type scannedTime time.Time

// ScanInt64 implements [pgtype.Int64Scanner].
func (t *scannedTime) ScanInt64(us pgtype.Int8) error {
	*t = scannedTime{}
	if us.Valid {
		*t = scannedTime(fromMicros(us.Int64))
	}
	return nil
}
