package inbox

import (
	"context"
	"sync"
	"time"
)

// Memory is a [Store] in memory, for tests and for programs whose work does not
// outlive them either. It has no transactions: the effects of a function that
// fails remain. The zero value is ready to use. A Memory must not be copied after
// first use.
type Memory struct {
	mu       sync.Mutex
	subjects map[string]*subject
}

// NoTx is the transaction type of a store without transactions.
type NoTx struct{}

// subject is the record of one payment.
type subject struct {
	turn  chan struct{} // full while an event is being applied
	users int           // calls of Apply in progress
	last  Entry
	at    time.Time
}

// Apply implements [Store].
func (m *Memory) Apply(ctx context.Context, e Entry, apply func(context.Context, NoTx) error) (Outcome, error) {
	s := m.enter(e.Subject)
	defer m.leave(e.Subject, s)
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if outcome := m.judge(e); outcome != Pending {
		return outcome, nil
	}
	if err := apply(ctx, NoTx{}); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.last, s.at = e, time.Now()
	return Applied, nil
}

// Lookup implements [Store].
func (m *Memory) Lookup(ctx context.Context, e Entry) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return m.judge(e), nil
}

// Prune implements [Store].
func (m *Memory) Prune(ctx context.Context, before time.Time) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var n int64
	for name, s := range m.subjects {
		if s.last == (Entry{}) || !s.at.Before(before) {
			continue
		}
		n++
		s.last = Entry{}
		m.drop(name, s)
	}
	return n, nil
}

func (m *Memory) judge(e Entry) Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.subjects[e.Subject]; s != nil {
		return e.Against(s.last)
	}
	return Pending
}

func (m *Memory) enter(name string) *subject {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.subjects[name]
	if s == nil {
		if m.subjects == nil {
			m.subjects = map[string]*subject{}
		}
		s = &subject{turn: make(chan struct{}, 1)}
		m.subjects[name] = s
	}
	s.users++
	return s
}

func (m *Memory) leave(name string, s *subject) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.users--
	m.drop(name, s)
}

// drop removes a subject that has no record and no users.
func (m *Memory) drop(name string, s *subject) {
	if s.users == 0 && s.last == (Entry{}) {
		delete(m.subjects, name)
	}
}
