package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// proof is one run.
type proof struct {
	settings
	printing sync.Mutex // holds out
	out      io.Writer
	dir      string
	begun    time.Time
	database *database
	market   *market
	courier  *courier
	shops    []*process
	queue    *queue // nil without a broker
	chaos    *chaos
	env      []string
}

// prove runs a proof, from building the programs to dropping the database.
func prove(ctx context.Context, s settings, out io.Writer) (r result, err error) {
	dir, err := os.MkdirTemp("", "proof")
	if err != nil {
		return r, err
	}
	p := &proof{settings: s, out: out, dir: dir, begun: time.Now()}
	defer func() {
		if err == nil && r.verdict() == nil {
			err = os.RemoveAll(dir)
			return
		}
		_, _ = fmt.Fprintf(out, "the logs of the processes are in %s\n", dir)
	}()
	if err := p.build(ctx); err != nil {
		return r, err
	}
	server, err := jovepaytest.NewServer(jovepaytest.WithSeed(s.seed)) //nolint:contextcheck // it runs until Close
	if err != nil {
		return r, err
	}
	defer server.Close()
	if err := p.open(ctx, server); err != nil {
		return r, errors.Join(err, p.close(ctx))
	}
	r, err = p.run(ctx)
	return r, errors.Join(err, p.close(ctx))
}

// build builds the programs that chaos will kill.
func (p *proof) build(ctx context.Context) error {
	const service = "../../examples/orders" // another module
	programs := map[string][2]string{
		"orders":     {service, "."},
		"reconcile":  {service, "."},
		"natsserver": {".", "./natsserver"},
	}
	if p.sabotage {
		programs["orders"] = [2]string{".", "./sabotaged"}
	}
	for name, at := range programs {
		cmd := exec.CommandContext(ctx, "go", "build", "-C", at[0], "-o", filepath.Join(p.dir, name), at[1]) //nolint:gosec // programs of this repository
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, text)
		}
	}
	return nil
}

// open starts everything except the customers.
func (p *proof) open(ctx context.Context, server *jovepaytest.Server) error {
	client, err := server.Client()
	if err != nil {
		return err
	}
	if err := p.openStores(ctx); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	callback := "http://" + listener.Addr().String() + "/ipn"
	if err := p.openShops(ctx, server, callback); err != nil {
		return errors.Join(err, listener.Close())
	}
	p.courier = newCourier(p.seed, p.shops, listener)
	p.chaos = &chaos{shops: p.shops, database: p.database, queue: p.queue}
	p.market = &market{
		server: server, jovepay: client,
		client:   &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: customers}},
		replicas: p.shops, courier: p.courier, callback: callback, seed: p.seed, orders: p.orders,
	}
	return nil
}

// openStores opens what the shops share: the database and, with a broker, the
// queue.
func (p *proof) openStores(ctx context.Context) (err error) {
	replicas := 3
	if p.store == "sqlite" {
		replicas = 1
	}
	if p.database, err = openDatabase(ctx, p.settings, p.dir, replicas); err != nil {
		return err
	}
	if p.broker != "" {
		if p.queue, err = openQueue(ctx, p.dir); err != nil {
			return err
		}
	}
	return nil
}

// openShops starts the processes of the service, which have their notifications
// sent to callback.
func (p *proof) openShops(ctx context.Context, server *jovepaytest.Server, callback string) error {
	p.env = []string{
		"JOVEPAY_BASE_URL=" + server.URL, "JOVEPAY_API_KEY=" + server.APIKey,
		"JOVEPAY_EMAIL=" + server.Email, "JOVEPAY_PASSWORD=" + server.Password,
		"JOVEPAY_IPN_SECRET=" + server.IPNSecret,
	}
	for i, name := range p.database.names {
		command := []string{
			filepath.Join(p.dir, "orders"), "serve", "-listen", "127.0.0.1:0", "-db", name,
			"-callback", callback, "-every", "30s", "-since", "30s",
		}
		if p.queue != nil {
			command = append(command, "-broker", "jetstream", "-nats", p.queue.url())
		}
		shop, err := newProcess(p.dir, fmt.Sprintf("orders-%d", i+1), p.env, command...)
		if err != nil {
			return err
		}
		p.shops = append(p.shops, shop)
		if err := shop.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// run serves the customers while chaos breaks things, and then counts.
func (p *proof) run(ctx context.Context) (r result, err error) {
	begun := time.Now()
	life, stop := context.WithCancel(ctx)
	defer stop()
	group, life := errgroup.WithContext(life)
	group.Go(func() error { return p.courier.run(life) })
	group.Go(func() error { return p.report(life) })
	group.Go(func() error { return p.chaos.run(life, p.seed, p.progress) })
	group.Go(func() error {
		defer stop()
		if err := p.market.open(life); err != nil {
			return err
		}
		if err := p.market.server.WaitDeliveries(life); err != nil {
			return err
		}
		return p.courier.finish(life)
	})
	if err := group.Wait(); err != nil {
		return r, err
	}
	if err := ctx.Err(); err != nil {
		return r, err
	}
	if err := p.finish(ctx); err != nil {
		return r, err
	}
	if r, err = p.database.check(ctx, p.settings); err != nil {
		return r, err
	}
	r.deliveries, r.kills = p.courier.delivered.Load(), p.chaos.kills.Load()
	r.seconds = time.Since(begun).Seconds()
	return r, nil
}

// finish lets the processes complete their work, and then reconciles what was
// never delivered.
func (p *proof) finish(ctx context.Context) error {
	p.say("delivered: %d events, %d of them lost on purpose; %d copies given up", p.courier.events.Load(), p.courier.lost.Load(), p.courier.givenUp.Load())
	p.say("chaos: %s", p.chaos)
	if p.queue != nil {
		if err := p.queue.drain(ctx); err != nil {
			return err
		}
	}
	before, err := p.database.check(ctx, p.settings)
	if err != nil {
		return err
	}
	p.say("before reconciliation: %d paid orders not fulfilled, %d in a wrong state", before.lost, before.wrong)
	if err := p.reconcile(ctx); err != nil {
		return err
	}
	for _, shop := range p.shops {
		if err := shop.stop(); err != nil {
			return err
		}
	}
	return nil
}

// reconcile runs the service's own command for each process, all at once.
func (p *proof) reconcile(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	since := time.Since(p.begun) + time.Minute
	for _, name := range p.database.names {
		group.Go(func() error {
			cmd := exec.CommandContext(ctx, filepath.Join(p.dir, "reconcile"), "reconcile", "-db", name, "-since", since.String()) //nolint:gosec // built here
			cmd.Env = append(os.Environ(), p.env...)                                                                               //nolint:forbidigo // a child needs the environment
			text, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("reconcile: %w: %s", err, text)
			}
			p.say("reconciled: %s", text)
			return nil
		})
	}
	return group.Wait()
}

// progress is the fraction of the customers that have been served.
func (p *proof) progress() float64 { return float64(p.market.done.Load()) / float64(p.orders) }

// report prints the progress from time to time.
func (p *proof) report(ctx context.Context) error {
	for pause(ctx, 10*time.Second) == nil {
		p.say("%d orders, %d deliveries, %d parcels waiting, %d failed attempts, %s",
			p.market.done.Load(), p.courier.delivered.Load(), p.courier.waiting(), p.courier.failed.Load(), p.chaos)
	}
	return nil
}

// say prints a line with the time since the start.
func (p *proof) say(format string, args ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	p.printing.Lock()
	defer p.printing.Unlock()
	_, _ = fmt.Fprintf(p.out, "%6.1fs %s\n", time.Since(p.begun).Seconds(), text)
}

// close stops what is still running.
func (p *proof) close(ctx context.Context) (err error) {
	for _, shop := range p.shops {
		shop.close()
	}
	if p.courier != nil {
		err = p.courier.close()
	}
	if p.queue != nil {
		p.queue.server.close()
	}
	if p.database != nil {
		err = errors.Join(err, p.database.close(ctx))
	}
	return err
}
