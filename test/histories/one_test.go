package histories_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/test/histories"
)

// callers is how many goroutines ask for one payment.
const callers = 64

// scene is two replicas that are never touched, and what a third one needs.
type scene struct {
	program string
	times   times
	*database
	server  *jovepaytest.Server
	healthy []*replica
}

// 64 goroutines ask three processes for the payment of one order, while the process
// that creates it is held at each step and then killed, or frozen and woken. There is
// one payment at JovePay, and everyone gets it.
func TestOnePaymentForAll(t *testing.T) {
	t.Parallel()
	s := &scene{database: openDatabase(t), program: build(t), times: times{send: time.Second, settle: 500 * time.Millisecond, crash: time.Second}}
	var err error
	s.server, err = jovepaytest.NewServer()
	require.NoError(t, err)
	t.Cleanup(s.server.Close)
	for range 2 {
		s.healthy = append(s.healthy, newReplica(t, s.program, s.database, s.server, s.times))
	}
	t.Run("undisturbed", func(t *testing.T) {
		t.Parallel()
		s.play(t, "", nil)
	})
	for _, step := range histories.Steps() {
		for name, fate := range fates() {
			t.Run(fmt.Sprintf("%s at %s", name, step), func(t *testing.T) {
				t.Parallel()
				s.play(t, step, fate)
			})
		}
	}
}

// fates are what happens to a process that is held. The others have their payment
// when shown is closed.
func fates() map[string]func(ctx context.Context, r *replica, send time.Duration, shown <-chan struct{}) error {
	return map[string]func(context.Context, *replica, time.Duration, <-chan struct{}) error{
		"killed": func(_ context.Context, r *replica, _ time.Duration, _ <-chan struct{}) error {
			r.kill()
			return nil
		},
		"woken past its deadline": func(ctx context.Context, r *replica, send time.Duration, _ <-chan struct{}) error {
			r.freeze()
			if err := pause(ctx, send*11/10); err != nil {
				return err
			}
			r.wake(ctx)
			return nil
		},
		"woken after the doubt": func(ctx context.Context, r *replica, _ time.Duration, shown <-chan struct{}) error {
			r.freeze()
			select {
			case <-shown:
				r.wake(ctx)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// play has one order's payment asked for while a third replica meets its fate.
func (s *scene) play(t *testing.T, step histories.Step, fate func(context.Context, *replica, time.Duration, <-chan struct{}) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	victim := newReplica(t, s.program, s.database, s.server, s.times)
	order := rand.Text()
	placed, err := s.healthy[0].call(ctx, "/place", url.Values{"order": {order}})
	require.NoError(t, err)
	require.Equal(t, histories.OK, placed.Outcome, placed.Error)

	all := append([]*replica{victim}, s.healthy...)
	ids := make([]jovepay.ID, callers)
	ask := func(group *errgroup.Group, replicas []*replica, from, to int) {
		for i := from; i < to; i++ {
			group.Go(func() (err error) {
				ids[i], err = askFor(ctx, replicas, i, order)
				return err
			})
		}
	}
	const fromVictim = callers / 3
	own, others := new(errgroup.Group), new(errgroup.Group)
	if fate != nil {
		held := victim.heldAt()
		_, err := victim.call(ctx, "/hold", url.Values{"step": {string(step)}})
		require.NoError(t, err)
		for i := range fromVictim {
			own.Go(func() (err error) {
				ids[i], err = askFor(ctx, all, 0, order)
				return err
			})
		}
		select {
		case at := <-held:
			require.Equal(t, step, at)
		case <-ctx.Done():
			t.Fatalf("step %s was not reached", step)
		}
		ask(others, s.healthy, fromVictim, callers) // who is sent to a frozen process waits for that
		shown := make(chan struct{})
		failed := make(chan error, 1)
		go func() { failed <- fate(ctx, victim, s.times.send, shown) }()
		assert.NoError(t, others.Wait())
		close(shown)
		require.NoError(t, <-failed)
	} else {
		ask(own, all, 0, callers)
	}
	require.NoError(t, errors.Join(own.Wait(), others.Wait()))

	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), 1, "several payments were shown")
	payments, err := s.server.Payments()
	require.NoError(t, err)
	payments = slices.DeleteFunc(payments, func(p *jovepay.Payment) bool { return p.OrderID != order })
	require.Len(t, payments, 1, "payments at JovePay")
	assert.Equal(t, payments[0].ID, ids[0])
	assert.Equal(t, jovepay.PaymentWaiting, payments[0].Status)
}

// askFor asks the replicas, one after the other, until there is a payment.
func askFor(ctx context.Context, replicas []*replica, first int, order string) (jovepay.ID, error) {
	for i := first; ; i++ {
		r, err := replicas[i%len(replicas)].call(ctx, "/pay", url.Values{"order": {order}, "coin": {"btc"}})
		wait := 20 * time.Millisecond
		switch {
		case err != nil: // it is down, or was killed
		case r.Outcome == histories.OK:
			return r.Payment, nil
		case r.Outcome == histories.InDoubt:
			wait = max(wait, time.Until(r.RetryAt))
		case r.Outcome != histories.Unknown:
			return "", fmt.Errorf("%s: %s", r.Outcome, r.Error)
		}
		if err := pause(ctx, wait); err != nil {
			return "", fmt.Errorf("%w; the last response: %s, %w", err, r.Error, err)
		}
	}
}
