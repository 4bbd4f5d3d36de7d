package orders_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/inbox"
	"github.com/jovepay/jovepay-go/inbox/inboxtest"
	"github.com/jovepay/jovepay-go/orders"
	"github.com/jovepay/jovepay-go/orders/orderstest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	orderstest.Run(t, func(*testing.T) orderstest.Harness[inbox.NoTx] {
		return orderstest.Harness[inbox.NoTx]{Store: new(orders.Memory)}
	})
}

// A Memory is an inbox too.
func TestMemoryInbox(t *testing.T) {
	t.Parallel()
	inboxtest.Run(t, func(*testing.T) inboxtest.Harness[inbox.NoTx] {
		return inboxtest.Harness[inbox.NoTx]{Store: new(orders.Memory)}
	})
}

// In a bubble, time passes only when everything waits: a call that waits for an
// order must do so on a channel.
func TestMemoryInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var store orders.Memory
		begun := time.Now()
		held := make(chan error, 1)
		go func() {
			held <- store.Update(t.Context(), orders.Scope{OrderID: "1", Create: true}, func(context.Context, inbox.NoTx, *orders.Record) (*orders.Change, error) {
				<-time.After(time.Hour)
				return &orders.Change{Order: &orders.OrderRow{State: "placed"}}, nil
			})
		}()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := store.Update(ctx, orders.Scope{OrderID: "1"}, unchanged)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(begun))

		err = store.Update(t.Context(), orders.Scope{OrderID: "1"}, func(_ context.Context, _ inbox.NoTx, r *orders.Record) (*orders.Change, error) {
			assert.Equal(t, "placed", r.Order.State)
			assert.Equal(t, begun.UTC(), r.Order.Created)
			assert.Equal(t, begun.Add(time.Hour).UTC(), r.Now)
			return nil, nil
		})
		require.NoError(t, err)
		require.NoError(t, <-held)
	})
}

// In a bubble, orders have equal times of creation.
func TestMemoryPagesOrdersOfOneTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var store orders.Memory
		for _, i := range []int{2, 0, 4, 1, 3} {
			require.NoError(t, store.Update(t.Context(), orders.Scope{OrderID: fmt.Sprint(i), Create: true}, unchanged))
		}
		q := orders.OrderQuery{Limit: 2}
		for _, want := range [][]string{{"0", "1"}, {"2", "3"}, {"4"}} {
			page, err := store.Orders(t.Context(), q)
			require.NoError(t, err)
			var ids []string
			for _, row := range page {
				ids = append(ids, row.ID)
				q.AfterCreated, q.AfterID = row.Created, row.ID
			}
			assert.Equal(t, want, ids)
		}
	})
}

func TestMemoryRejectsChangeOfMissingOrder(t *testing.T) {
	t.Parallel()
	var store orders.Memory
	for _, c := range []*orders.Change{
		{Order: &orders.OrderRow{}}, {Parts: []orders.Part{{}}}, {Lines: []orders.LineRow{{}}}, {Notes: []orders.Note{{}}},
	} {
		err := store.Update(t.Context(), orders.Scope{OrderID: "1"}, func(context.Context, inbox.NoTx, *orders.Record) (*orders.Change, error) {
			return c, nil
		})
		assert.EqualError(t, err, `orders: change of a missing order: "1"`)
	}
	lines, err := store.Lines(t.Context(), orders.LineQuery{Limit: 1})
	require.NoError(t, err)
	assert.Empty(t, lines)
}

func TestMemoryCheck(t *testing.T) {
	t.Parallel()
	assert.NoError(t, new(orders.Memory).Check(t.Context()))
}

func unchanged(context.Context, inbox.NoTx, *orders.Record) (*orders.Change, error) { return nil, nil }
