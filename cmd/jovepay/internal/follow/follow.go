// Package follow logs what happens in a server.
package follow

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

const (
	lookEvery = 250 * time.Millisecond
	// patientLooks is how often a request may be found unanswered before it is
	// logged as it is.
	patientLooks = 8
)

// Log logs what the server is asked and what it sends, until the context ends.
// It looks every now and then: nothing waits for a log.
func Log(ctx context.Context, server *jovepaytest.Server, log *slog.Logger) {
	newFollower(server, log).run(ctx)
}

func newFollower(server *jovepaytest.Server, log *slog.Logger) *follower {
	return &follower{server: server, log: log, told: map[string]bool{}, looks: map[string]int{}}
}

type follower struct {
	server *jovepaytest.Server
	log    *slog.Logger

	done  string          // id of the request up to which all are logged
	told  map[string]bool // what was logged after that, and attempts to deliver
	looks map[string]int  // how often a request was found unanswered
}

func (f *follower) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
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
		if !f.told[r.ID] {
			if f.looks[r.ID]++; r.Status == 0 && f.looks[r.ID] < patientLooks {
				gapless = false
				continue
			}
			delete(f.looks, r.ID)
			f.told[r.ID] = true
			f.log.InfoContext(ctx, "request", "method", r.Method, "path", r.Path, "status", r.Status, "request_id", r.ID)
		}
		if gapless {
			delete(f.told, r.ID)
			f.done = r.ID
		}
	}
}

func (f *follower) deliveries(ctx context.Context) {
	for _, d := range f.server.Deliveries() {
		key := fmt.Sprint(d.Number, "/", d.Attempt)
		if d.Outcome == jovepaytest.DeliverySending || f.told[key] {
			continue
		}
		f.told[key] = true
		f.log.InfoContext(ctx, "notification", "number", d.Number, "attempt", d.Attempt, "payment", string(d.PaymentID),
			"event", string(d.Status), "url", d.URL, "form", string(d.Form), "outcome", string(d.Outcome), "status", d.StatusCode)
	}
}
