package recipes_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go/examples/recipes"
)

// outbox is a mail server.
type outbox chan string

func (o outbox) send(_ context.Context, orderID string) error {
	o <- orderID
	return nil
}

// riverClient returns a client as a process of the shop has one.
func riverClient(t *testing.T, pool *pgxpool.Pool, add func(*river.Workers)) *river.Client[pgx.Tx] {
	t.Helper()
	workers := river.NewWorkers()
	add(workers)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}},
		Workers: workers,
		Logger:  slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return client
}

// states returns the states of all jobs.
func states(t *testing.T, client *river.Client[pgx.Tx]) []rivertype.JobState {
	t.Helper()
	jobs, err := client.JobList(t.Context(), river.NewJobListParams())
	require.NoError(t, err)
	all := []rivertype.JobState{}
	for _, job := range jobs.Jobs {
		all = append(all, job.State)
	}
	return all
}

// interrupted is a worker that is stopped before it has sent the e-mail.
type interrupted struct {
	river.WorkerDefaults[recipes.Receipt]

	begun chan struct{}
}

func (w *interrupted) Work(ctx context.Context, _ *river.Job[recipes.Receipt]) error {
	close(w.begun)
	<-ctx.Done()
	return ctx.Err()
}

// NextRetry implements [river.Worker].
func (*interrupted) NextRetry(*river.Job[recipes.Receipt]) time.Time { return time.Now() }

func TestRiver(t *testing.T) {
	t.Parallel()
	for name, begins := range map[string]bool{"before the work": false, "during the work": true} {
		t.Run("stopped "+name, func(t *testing.T) {
			t.Parallel()
			pool, store := onPostgreSQL(t)
			migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
			require.NoError(t, err)

			worker := &interrupted{begun: make(chan struct{})}
			first := riverClient(t, pool, func(w *river.Workers) { river.AddWorker(w, worker) })
			shop := newShop(t, store, recipes.RiverHooks(first))
			require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				return shop.book.Place(t.Context(), tx, terms("order-1"))
			}))
			paid := shop.pay(t, "order-1")

			shop.failure = errWarehouse // after the job was enqueued
			require.ErrorIs(t, shop.book.Handle(t.Context(), paid), errWarehouse)
			assert.Empty(t, states(t, first))

			shop.failure = nil
			for range 2 { // JovePay notifies again
				require.NoError(t, shop.book.Handle(t.Context(), paid))
			}
			assert.Equal(t, []rivertype.JobState{rivertype.JobStateAvailable}, states(t, first))
			if begins {
				require.NoError(t, first.Start(t.Context()))
				<-worker.begun
				require.NoError(t, first.StopAndCancel(t.Context()))
			}

			sent := make(outbox, 10)
			second := riverClient(t, pool, func(w *river.Workers) { river.AddWorker(w, &recipes.ReceiptWorker{Send: sent.send}) })
			completed, cancel := second.Subscribe(river.EventKindJobCompleted)
			defer cancel()
			require.NoError(t, second.Start(t.Context()))
			<-completed
			require.NoError(t, second.Stop(t.Context()))
			assert.Equal(t, "order-1", <-sent)
			assert.Empty(t, sent)
			assert.Equal(t, []rivertype.JobState{rivertype.JobStateCompleted}, states(t, second))
		})
	}
}
