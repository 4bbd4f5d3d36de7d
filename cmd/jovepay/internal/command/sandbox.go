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

// inspect is the group of the commands that are no actions.
const inspect = "Inspection"

// box is how to run a sandbox.
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
		Short: "Run a JovePay on this machine, and play the customer",
		Long: `Run a JovePay on this machine: the API, signed notifications to any port of this
machine, and the payment pages, where you pay with a click. Its coins are
invented; no wallet accepts them. It runs until Ctrl-C and then exits with 0.
With --verbose it logs each request and each notification.

In another shell, give any command the flag --sandbox, which sets address and
keys:

  jovepay --sandbox payment create 49.99 usd btc

The commands below act on a running sandbox: they play the customer, the network
and JovePay's staff. Programs in any language get the address and the keys from
"jovepay sandbox env".

With --state everything is kept in a file for the next run. The same --seed gives
the same ids and keys, so that a shop's settings keep working.`,
		Example: `  jovepay sandbox
  jovepay sandbox --address 127.0.0.1:0 --auto-advance 5s
  jovepay sandbox --address 127.0.0.1:0 --state sandbox.db --seed 7 --verbose`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runSandbox(cmd.Context(), &b) },
	}
	flags := cmd.Flags()
	flags.StringVar(&b.address, "address", strings.TrimPrefix(setup.DefaultSandbox, "http://"), "listen at this `host:port`; port 0 is any free one")
	flags.StringSliceVar(&b.hosts, "host", nil, "accept requests for this `host` too, such as host.docker.internal")
	flags.StringVar(&b.state, "state", "", "keep everything in this `file`")
	flags.Uint64Var(&b.seed, "seed", 0, "derive ids, addresses and keys from the number `n`")
	flags.DurationVar(&b.advance, "auto-advance", 0, "move paid payments on by one status every `duration`; 0 runs them to their end immediately")
	flags.StringVar(&b.frozen, "frozen-clock", "", "stop the clock at this `time`; \"sandbox clock\" moves it")
	flags.IntVar(&b.retries, "ipn-retries", 3, "retry an undelivered notification up to `n` times")
	flags.DurationVar(&b.interval, "ipn-interval", time.Second, "pause for this `duration` between two attempts")
	flags.DurationVar(&b.timeout, "ipn-timeout", 10*time.Second, "give a shop this `duration` to respond to a notification")
	flags.BoolVar(&b.wrongAsset, "process-wrong-assets", false, "move wrong-asset deposits on without a person")
	flags.BoolVar(&b.remote, "remote-callbacks", false, "send notifications to other machines too")
	must(cmd.MarkFlagFilename("state"))
	for _, group := range append(jovepaytest.Groups(), inspect) {
		cmd.AddGroup(&cobra.Group{ID: group, Title: group + ":"})
	}
	cmd.AddCommand(c.actionCommands()...)
	cmd.AddCommand(c.sandboxCallCommand(), c.sandboxEnvCommand(), c.sandboxJournalCommand())
	return cmd
}

func (b *box) options() ([]sandbox.Option, error) {
	if !setup.LoopbackAddress(b.address) {
		return nil, fail.Usage("--address: want an address of this machine only, such as 127.0.0.1:4010, got %q", b.address)
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
		return fail.Usage("\"jovepay sandbox\" starts a sandbox: omit --sandbox, or add one of the commands below it")
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
		flag, act := "--sandbox", "" // to act on it, the usual address needs no flag
		if address != setup.DefaultSandbox {
			flag += "=" + strings.TrimPrefix(address, "http://")
			act = flag + " "
		}
		t.Line("JovePay's sandbox is running at %s. Press Ctrl-C to stop it.", address)
		t.Line("\nIn another shell:\n")
		t.Line("  jovepay %s payment create 49.99 usd btc --order-id order-1001", flag)
		t.Line("  jovepay %s payment watch ID", flag)
		t.Line("  jovepay %ssandbox pay ID", act)
		t.Line("\nFor a program in any language: jovepay %ssandbox env", act)
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
