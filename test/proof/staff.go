package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/orders"
)

// task is a case that staff will decide about.
type task struct {
	orderID  string
	kind     orders.CaseKind
	coins    jovepay.Amount // in the case
	decision orders.Decision
	tried    bool
}

// staff decide about cases.
type staff struct {
	market *market

	mu    sync.Mutex
	tasks []task
	done  atomic.Int64
}

func (s *staff) add(t task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = append(s.tasks, t)
}

// run looks at the orders from time to time, until ctx is done.
func (s *staff) run(ctx context.Context) error {
	for pause(ctx, 2*time.Second) == nil {
		if _, err := s.work(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// finish decides about all cases that are left.
func (s *staff) finish(ctx context.Context) error {
	for {
		left, err := s.work(ctx)
		if err != nil || left == 0 {
			return err
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("%d cases have not opened: %w", left, ctx.Err())
		}
	}
}

// work looks at each order once, and returns how many are left.
func (s *staff) work(ctx context.Context) (left int, err error) {
	s.mu.Lock()
	tasks := s.tasks
	s.tasks = nil
	s.mu.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, t := range tasks {
		group.Go(func() error {
			done, err := s.decide(ctx, &t)
			if done {
				s.done.Add(1)
			} else {
				s.add(t)
			}
			return err
		})
	}
	err = group.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tasks), err
}

// shopCase is a case as the shop shows it.
type shopCase struct {
	ID       string           `json:"id"`
	Kind     orders.CaseKind  `json:"kind"`
	Version  int              `json:"version"`
	Open     bool             `json:"open"`
	Deposits []orders.Deposit `json:"deposits"`
}

// decide decides about a case, if it is open, and reports whether that is done.
func (s *staff) decide(ctx context.Context, t *task) (done bool, err error) {
	status, body, err := s.market.send(ctx, http.MethodGet, "/orders/"+t.orderID, nil)
	if err != nil || status != http.StatusOK {
		return false, nil //nolint:nilerr // again later
	}
	var order struct {
		Cases []shopCase `json:"cases"`
	}
	if err := json.Unmarshal(body, &order); err != nil {
		return false, err
	}
	for _, c := range order.Cases {
		switch {
		case c.Kind != t.kind:
		case !c.Open && t.tried:
			return true, nil // the response was lost
		case c.Open && t.isComplete(c):
			t.tried = true
			text, err := json.Marshal(map[string]any{"decision": t.decision, "by": "staff", "why": "as the proof has it", "version": c.Version})
			if err != nil {
				return false, err
			}
			status, _, err := s.market.send(ctx, http.MethodPost, "/cases/"+c.ID, text)
			return err == nil && status == http.StatusOK, nil // or again later
		}
	}
	return false, nil
}

// isComplete reports whether the case has all the coins that the customer sent.
func (t *task) isComplete(c shopCase) bool {
	var sum decimal.Decimal
	for _, d := range c.Deposits {
		sum = sum.Add(d.Amount.Decimal())
	}
	return sum.Equal(t.coins.Decimal())
}
