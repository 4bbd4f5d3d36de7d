// Package follow logs the requests and notifications of a running emulator.
package follow

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

const (
	interval = 250 * time.Millisecond
	// maxLooks is how often a request without a response is skipped before it
	// is logged with status 0.
	maxLooks = 8
)

// Log logs the requests that the server receives and the notifications that it
// sends until the context ends. It polls, so that neither waits for the log.
func Log(ctx context.Context, server *jovepaytest.Server, log *slog.Logger) {
	newFollower(server, log).run(ctx)
}

func newFollower(server *jovepaytest.Server, log *slog.Logger) *follower {
	return &follower{server: server, log: log, logged: map[string]bool{}, looks: map[string]int{}}
}

type follower struct {
	server *jovepaytest.Server
	log    *slog.Logger

	done   string          // ID of the request up to which all are logged
	logged map[string]bool // requests logged after done, and delivery attempts
	looks  map[string]int  // how often a request had no response
}

func (f *follower) run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		f.requests(ctx)
		f.deliveries(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (f *follower) requests(ctx context.Context) {
	all := f.server.Requests()
	from := len(all)
	for from > 0 && all[from-1].ID != f.done {
		from--
	}
	gapless := true
	for _, r := range all[from:] {
		if !f.logged[r.ID] {
			if f.looks[r.ID]++; r.Status == 0 && f.looks[r.ID] < maxLooks {
				gapless = false
				continue
			}
			delete(f.looks, r.ID)
			f.logged[r.ID] = true
			f.log.InfoContext(ctx, "request", "method", r.Method, "path", r.Path, "status", r.Status, "request_id", r.ID)
		}
		if gapless {
			delete(f.logged, r.ID)
			f.done = r.ID
		}
	}
}

func (f *follower) deliveries(ctx context.Context) {
	for _, d := range f.server.Deliveries() {
		key := fmt.Sprint(d.Number, "/", d.Attempt)
		if d.Outcome == jovepaytest.DeliverySending || f.logged[key] {
			continue
		}
		f.logged[key] = true
		f.log.InfoContext(ctx, "notification", "number", d.Number, "attempt", d.Attempt, "payment", string(d.PaymentID),
			"event", string(d.Status), "url", d.URL, "form", string(d.Form), "outcome", string(d.Outcome), "status", d.StatusCode)
	}
}
