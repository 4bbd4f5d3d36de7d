package inboxsql

// Record returns the statement that records an entry, for comparison.
func (s *Store) Record() string { return s.statements.record }
