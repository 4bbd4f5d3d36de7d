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
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go/jovepaytest"
)

// proof is one run.
type proof struct {
	*settings
	printing sync.Mutex // holds out
	out      io.Writer
	dir      string
	begun    time.Time
	server   *jovepaytest.Server
	database *database
	market   *market
	staff    *staff
	exchange *exchange
	wires    []*wire
	courier  *courier
	shops    []*process
	queue    *queue // nil without a broker
	chaos    *chaos
}

// prove runs a proof, from building the programs to dropping the database.
func prove(ctx context.Context, s *settings, out io.Writer) (r result, err error) {
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
	p.server, err = jovepaytest.NewServer(jovepaytest.WithSeed(s.seed), jovepaytest.WithListLag(listLag)) //nolint:contextcheck // it runs until Close
	if err != nil {
		return r, err
	}
	defer p.server.Close()
	if err := p.open(ctx); err != nil {
		return r, errors.Join(err, p.close(ctx))
	}
	r, err = p.run(ctx)
	return r, errors.Join(err, p.close(ctx))
}

// listLag is how far JovePay's list of payments lags behind. With the time after which
// a create takes effect, it is within the settle window.
const listLag = 500 * time.Millisecond

// build builds the programs that chaos will kill.
func (p *proof) build(ctx context.Context) error {
	overlay := ""
	if p.sabotage != nil {
		file, err := p.sabotage.overlay(p.dir)
		if err != nil {
			return err
		}
		overlay = file
	}
	for name, at := range map[string][2]string{
		"orders":     {"../../examples/orders", "."}, // another module
		"natsserver": {".", "./natsserver"},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-C", at[0], "-overlay="+overlay, "-o", filepath.Join(p.dir, name), at[1]) //nolint:gosec // programs of this repository
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, text)
		}
	}
	return nil
}

// open starts everything except the customers.
func (p *proof) open(ctx context.Context) error {
	if err := p.openStores(ctx); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	callback := "http://" + listener.Addr().String() + "/ipn"
	p.chaos = &chaos{settings: p.settings, database: p.database, queue: p.queue, server: p.server}
	p.exchange = newExchange(p.server.URL, p.chaos.faulty())
	if err := p.openShops(ctx, callback); err != nil {
		return errors.Join(err, listener.Close())
	}
	p.chaos.shops, p.chaos.wires = p.shops, p.wires
	p.courier = newCourier(p.settings, p.shops, listener, p.server)
	return p.openMarket(callback)
}

func (p *proof) openMarket(callback string) error {
	client, err := p.server.Client()
	if err != nil {
		return err
	}
	p.market = &market{
		settings: p.settings, server: p.server, jovepay: client,
		client:   &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: idleConns}},
		replicas: p.shops, courier: p.courier, exchange: p.exchange, callback: callback,
	}
	p.staff = &staff{market: p.market}
	p.market.staff = p.staff
	return p.market.plantLate()
}

// openStores opens what the shops share: the database and, with a broker, the
// queue.
func (p *proof) openStores(ctx context.Context) (err error) {
	replicas := 3
	if p.store == sqlite {
		replicas = 2
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

// failFulfill is the percentage of the shipments that fail.
const failFulfill = 10

// openShops starts the processes of the service, which have their notifications
// sent to callback.
func (p *proof) openShops(ctx context.Context, callback string) error {
	for i, name := range p.database.names {
		wire, err := newWire(ctx, p.exchange)
		if err != nil {
			return err
		}
		p.wires = append(p.wires, wire)
		command := append(p.command("serve", name, "-every", "30s", "-since", "30s"),
			"-listen", "127.0.0.1:0", "-callback", callback, "-fail-fulfill", strconv.Itoa(failFulfill))
		if p.queue != nil {
			command = append(command, "-broker", "jetstream", "-nats", p.queue.url())
		}
		shop, err := newProcess(p.dir, fmt.Sprintf("orders-%d", i+1), p.env(wire.url), command...)
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

// command returns a command of the service.
func (p *proof) command(name, database string, args ...string) []string {
	return append([]string{
		filepath.Join(p.dir, "orders"), name, "-db", database, "-topups=" + strconv.FormatBool(p.topUps), "-interval", "2s",
		"-send", p.send.String(), "-settle", p.settle.String(), "-crash", p.crash.String(),
	}, args...)
}

// env returns the environment of the service, with JovePay at url.
func (p *proof) env(url string) []string {
	return []string{
		"JOVEPAY_BASE_URL=" + url, "JOVEPAY_API_KEY=" + p.server.APIKey,
		"JOVEPAY_EMAIL=" + p.server.Email, "JOVEPAY_PASSWORD=" + p.server.Password,
		"JOVEPAY_IPN_SECRET=" + p.server.IPNSecret,
	}
}

// run serves the customers while chaos breaks things, and then counts.
func (p *proof) run(ctx context.Context) (r result, err error) {
	begun := time.Now()
	life, stop := context.WithCancel(ctx)
	defer stop()
	group, life := errgroup.WithContext(life)
	group.Go(func() error { return p.courier.run(life) })
	group.Go(func() error { return p.report(life) })
	group.Go(func() error { return p.chaos.run(life, p.progress) })
	group.Go(func() error { return p.staff.run(life) })
	group.Go(func() error {
		defer stop()
		if err := p.market.open(life); err != nil {
			return err
		}
		if err := pause(life, soon); err != nil { // for the last create that is applied late
			return err
		}
		if err := p.server.WaitDeliveries(life); err != nil {
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
	if r, err = p.check(ctx); err != nil {
		return r, err
	}
	r.seconds = time.Since(begun).Seconds()
	for _, line := range r.sample {
		p.say("wrong: %s", line)
	}
	return r, nil
}

// check judges the orders and the payments, and counts what happened.
func (p *proof) check(ctx context.Context) (result, error) {
	r, err := p.database.check(ctx, p.settings)
	if err != nil {
		return r, err
	}
	payments, err := p.server.Payments()
	if err != nil {
		return r, err
	}
	if err := p.database.audit(ctx, &r, payments); err != nil {
		return r, err
	}
	if err := p.database.count(ctx, &r, p.server, p.exchange.strays()); err != nil {
		return r, err
	}
	r.shown = int(p.market.shown.Load())
	r.deliveries, r.kills, r.freezes = p.courier.delivered.Load(), p.chaos.kills.Load(), p.chaos.freezes.Load()
	return r, nil
}

// finish lets the processes complete their work, reconciles what was never
// delivered, and has staff decide about what is left.
func (p *proof) finish(ctx context.Context) error {
	p.say("delivered: %d events, %d of them lost on purpose, %d without their amount; %d copies given up",
		p.courier.events.Load(), p.courier.lost.Load(), p.courier.emptied.Load(), p.courier.givenUp.Load())
	p.say("asked for payments %d times, retried %d, in doubt %d; staff decided %d times", p.market.asked.Load(), p.market.retried.Load(), p.market.doubts.Load(), p.staff.done.Load())
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
	if err := p.server.SetListLag(0); err != nil {
		return err
	}
	if err := p.reconcile(ctx); err != nil {
		return err
	}
	if err := p.complete(ctx); err != nil {
		return err
	}
	for _, shop := range p.shops {
		if err := shop.stop(); err != nil {
			return err
		}
	}
	return nil
}

// complete has staff decide about the remaining cases, and waits for the hooks that
// failed. What is not done then is found to be wrong.
func (p *proof) complete(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, p.settings.complete)
	defer cancel()
	if err := p.staff.finish(waiting); err != nil {
		p.say("staff: %v", err)
	}
	for {
		n, err := p.database.pending(ctx)
		if err != nil || n == 0 {
			return err
		}
		if pause(waiting, 200*time.Millisecond) != nil {
			p.say("%d orders still have hooks to be called", n)
			return ctx.Err()
		}
	}
}

// reconcile runs the service's own command for each process, all at once.
func (p *proof) reconcile(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	since := time.Since(p.begun) + time.Minute
	for range p.shops {
		group.Go(func() error {
			command := p.command("reconcile", p.database.direct, "-since", since.String())
			cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // built here
			cmd.Env = append(os.Environ(), p.env(p.wires[0].url)...)    //nolint:forbidigo // a child needs the environment
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
		p.say("%d orders, %d deliveries, %d on their way, %d failed attempts, %s",
			p.market.done.Load(), p.courier.delivered.Load(), p.courier.left(), p.courier.failed.Load(), p.chaos)
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
	for _, wire := range p.wires {
		wire.close()
	}
	if p.exchange != nil {
		p.exchange.client.CloseIdleConnections()
	}
	if p.courier != nil {
		err = p.courier.close()
	}
	if p.market != nil {
		p.market.client.CloseIdleConnections()
	}
	if p.queue != nil {
		p.queue.server.close()
	}
	if p.database != nil {
		err = errors.Join(err, p.database.close(ctx))
	}
	return err
}
