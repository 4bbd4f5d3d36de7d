package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/control"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/follow"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
	"github.com/jovepay/jovepay-go/jovepaytest"
	"github.com/jovepay/jovepay-go/sandbox"
)

// box is how a sandbox is to be run.
type box struct {
	address, state, frozen string
	hosts                  []string
	seed                   uint64
	advance                time.Duration
	retries                int
	interval, timeout      time.Duration
	wrongAsset, remote     bool
}

func (c *cli) sandboxCommand() *cobra.Command {
	var b box
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a JovePay on this machine, and steer it",
		Long: `Runs a JovePay on this machine: the API, signed notifications to any port of this
machine, and the pages that an invoice's address opens, where payments can be
paid with a click. Its coins are invented; no wallet accepts them. It runs until
Ctrl-C, and that is no failure. With --verbose it logs each request and each
notification.

In another shell every command takes --sandbox, which brings address and keys:

  jovepay --sandbox payment create 49.99 usd btc

The commands below are the customer, the network and the clock. Programs in any
language get the address and the keys from "jovepay sandbox env".

With --state everything is kept in a file for the next run. The same --seed gives
the same ids and keys, so that a shop's settings go on working.`,
		Example: `  jovepay sandbox
  jovepay sandbox --address 127.0.0.1:0 --auto-advance 5s
  jovepay sandbox --address 127.0.0.1:0 --state sandbox.db --seed 7 --verbose`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runSandbox(cmd.Context(), &b) },
	}
	flags := cmd.Flags()
	flags.StringVar(&b.address, "address", strings.TrimPrefix(setup.DefaultSandbox, "http://"), "`address` to listen at; port 0 is any free one")
	flags.StringSliceVar(&b.hosts, "host", nil, "further `name` that requests may use for this machine, such as host.docker.internal")
	flags.StringVar(&b.state, "state", "", "`file` to keep everything in")
	flags.Uint64Var(&b.seed, "seed", 0, "`number` that ids, addresses and keys follow from")
	flags.DurationVar(&b.advance, "auto-advance", 0, "let paid payments go on by themselves, a step in every `time`; 0 goes to the end at once")
	flags.StringVar(&b.frozen, "frozen-clock", "", "let the clock stand at this `time`, until \"sandbox clock\" moves it")
	flags.IntVar(&b.retries, "ipn-retries", 3, "how `often` a notification is sent again that was not taken")
	flags.DurationVar(&b.interval, "ipn-interval", time.Second, "`time` between two attempts to deliver a notification")
	flags.DurationVar(&b.timeout, "ipn-timeout", 10*time.Second, "`time` that a shop may take to answer a notification")
	flags.BoolVar(&b.wrongAsset, "process-wrong-assets", false, "let wrong-asset deposits go on by themselves")
	flags.BoolVar(&b.remote, "remote-callbacks", false, "send notifications to other machines, too")
	must(cmd.MarkFlagFilename("state"))
	cmd.AddCommand(c.steeringCommands()...)
	return cmd
}

func (b *box) options() ([]sandbox.Option, error) {
	if !setup.LoopbackAddress(b.address) {
		return nil, fail.Usage("--address: want one of this machine only, such as 127.0.0.1:4010, got %q", b.address)
	}
	server := []jovepaytest.Option{
		jovepaytest.WithAddress(b.address),
		jovepaytest.WithHost(b.hosts...),
		jovepaytest.WithSeed(b.seed),
		jovepaytest.WithIPNRetries(b.retries, b.interval),
		jovepaytest.WithIPNTimeout(b.timeout),
	}
	if b.advance != 0 {
		server = append(server, jovepaytest.WithAutoAdvance(b.advance))
	}
	if b.frozen != "" {
		at, err := date("--frozen-clock", b.frozen)
		if err != nil {
			return nil, err
		}
		server = append(server, jovepaytest.WithFrozenClock(at))
	}
	if b.wrongAsset {
		server = append(server, jovepaytest.WithWrongAssetProcessing())
	}
	if b.remote {
		server = append(server, jovepaytest.WithRemoteCallbacks())
	}
	opts := []sandbox.Option{sandbox.WithServer(server...)}
	if b.state != "" {
		opts = append(opts, sandbox.WithStateFile(b.state))
	}
	return opts, nil
}

func (c *cli) runSandbox(ctx context.Context, b *box) error {
	if c.flags.Sandbox != "" {
		return fail.Usage("\"jovepay sandbox\" runs a sandbox of its own: leave out --sandbox, or name one of the commands below it")
	}
	opts, err := b.options()
	if err != nil {
		return err
	}
	s, err := sandbox.New(opts...) //nolint:contextcheck // it lives until it is closed
	if err != nil {
		return err
	}
	if err := c.welcome(s.URL); err != nil {
		return errors.Join(err, s.Close())
	}
	if log := c.log(); log != nil {
		follow.Log(ctx, s.Server, log)
	}
	<-ctx.Done()
	return s.Close()
}

func (c *cli) welcome(address string) error {
	document := struct {
		BaseURL string `json:"base_url"`
	}{address}
	return c.print.Show(document, func(t *output.Text) {
		flag, steer := "--sandbox", "" // to steer, the usual address needs no flag
		if address != setup.DefaultSandbox {
			flag += "=" + strings.TrimPrefix(address, "http://")
			steer = flag + " "
		}
		t.Line("JovePay's sandbox is at %s. Ctrl-C ends it.", address)
		t.Line("\nIn another shell:\n")
		t.Line("  jovepay %s payment create 49.99 usd btc --order-id order-1001", flag)
		t.Line("  jovepay %s payment watch ID", flag)
		t.Line("  jovepay %ssandbox pay ID", steer)
		t.Line("\nFor a program in any language: jovepay %ssandbox env", steer)
	})
}

// sandboxControl returns a client for the control API of a running sandbox.
func (c *cli) sandboxControl() (*control.Client, string, error) {
	address, err := c.sources().SandboxAddress()
	if err != nil {
		return nil, "", err
	}
	if address == "" {
		address = setup.DefaultSandbox
	}
	sandbox, err := c.controlOf(address)
	return sandbox, address, err
}
