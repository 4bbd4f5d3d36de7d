// Package command is the tree of commands, one file for each noun.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/control"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

// Streams are the standard streams of the program.
type Streams struct{ In, Out, Err *os.File }

// cli is what the commands share.
type cli struct {
	in      *os.File
	env     func(string) string
	flags   setup.Flags
	verbose bool
	print   *output.Printer
	began   bool  // a command has got as far as doing something
	unread  error // help could not be printed
}

// Main runs a command line and returns the exit code. The context ends when
// the program is to end, with a [fail.SignalError] as its cause.
func Main(ctx context.Context, args []string, streams Streams) int {
	c := &cli{in: streams.In, env: os.Getenv, print: output.New(streams.Out, streams.Err, os.Getenv)}
	root := c.root() //nolint:contextcheck // commands get the context when they run
	root.SetArgs(args)
	called, err := root.ExecuteContextC(ctx)
	if own := (*fail.Error)(nil); err != nil && !c.began && !errors.As(err, &own) {
		err = fail.Usage("%w", err) // flags and arguments are all that can be wrong before
	}
	if err == nil {
		err = c.unread
	}
	code := fail.CodeOf(ctx, err)
	if err != nil && code != fail.Unread {
		c.report(ctx, called, err)
	}
	return int(code)
}

// Tree returns the commands for those who describe them.
func Tree() *cobra.Command {
	c := &cli{in: os.Stdin, env: func(string) string { return "" }, print: output.New(os.Stdout, os.Stderr, os.Getenv)}
	return c.root()
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "jovepay",
		Short: "JovePay on the command line",
		Long: `jovepay talks to JovePay, a crypto payment gateway: it makes payments and
watches them, sends and checks notifications (IPN), and runs a whole JovePay on
this machine to try a shop against.

Two shells and no account are enough for a first payment. In one:

  jovepay sandbox

In the other:

  jovepay --sandbox payment create 49.99 usd btc --order-id order-1001
  jovepay --sandbox payment watch ID
  jovepay sandbox pay ID

For a real account set JOVEPAY_API_KEY; see "jovepay help settings".`,
		Example: `  jovepay status
  jovepay --sandbox payment list
  jovepay help exit-codes`,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(c.print.Out)
	root.SetErr(c.print.Err)
	root.SetIn(c.in)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	c.globalFlags(root)
	root.AddCommand(
		c.statusCommand(), c.currenciesCommand(), c.minCommand(), c.estimateCommand(),
		c.paymentCommand(), c.invoiceCommand(), c.ipnCommand(),
		c.requestCommand(), c.sandboxCommand(), c.completionCommand(), c.versionCommand(),
		exitCodesTopic(), settingsTopic(),
	)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		text := &bytes.Buffer{}
		cmd.SetOut(text)
		help(cmd, args)
		_, c.unread = c.print.Out.Write(text.Bytes()) // cobra has nowhere to return it to
	})
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	c.finish(root)
	return root
}

func (c *cli) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVar(&c.print.JSON, "json", false, "print JSON: one document, or one document a line")
	flags.BoolVarP(&c.verbose, "verbose", "v", truth(c.env("JOVEPAY_VERBOSE")), "log each request to the standard error")
	flags.StringVar(&c.flags.Sandbox, "sandbox", "", "use the sandbox that runs on this machine, or at this `address`")
	flags.Lookup("sandbox").NoOptDefVal = setup.DefaultSandbox
	flags.StringVar(&c.flags.BaseURL, "base-url", "", "`address` of the API (JOVEPAY_BASE_URL)")
	flags.StringVar(&c.flags.APIKeyFile, "api-key-file", "", "`file` with the API key (or JOVEPAY_API_KEY)")
	flags.StringVar(&c.flags.Email, "email", "", "`e-mail` to log in with (JOVEPAY_EMAIL)")
	flags.StringVar(&c.flags.PasswordFile, "password-file", "", "`file` with the password (or JOVEPAY_PASSWORD)")
	flags.StringVar(&c.flags.IPNSecretFile, "ipn-secret-file", "", "`file` with the IPN secret (or JOVEPAY_IPN_SECRET)")
	flags.BoolVar(&c.flags.InsecureHTTP, "insecure-http", false, "send keys over plain http to another machine")
	flags.DurationVar(&c.flags.Timeout, "request-timeout", 30*time.Second, "`time` for each attempt of a request")
	for _, name := range []string{"api-key-file", "password-file", "ipn-secret-file"} {
		must(root.MarkPersistentFlagFilename(name))
	}
}

// finish gives every command what all have in common: wrong arguments are
// wrong use, and a group of commands refuses what is not one of them.
func (c *cli) finish(cmd *cobra.Command) {
	cmd.Args = usageOf(cmd)
	cmd.SuggestionsMinimumDistance = 2
	if !cmd.Runnable() && cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			c.began = true
			return run(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		c.finish(child)
	}
}

func usageOf(cmd *cobra.Command) cobra.PositionalArgs {
	check := cmd.Args
	return func(cmd *cobra.Command, args []string) error {
		if cmd.HasSubCommands() && len(args) > 0 {
			text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				text += ": did you mean " + strings.Join(near, " or ") + "?"
			}
			return fail.With(fail.WrongUse, looseAddress(cmd, args), errors.New(text))
		}
		if check == nil {
			return nil
		}
		if err := check(cmd, args); err != nil {
			hint := looseAddress(cmd, args)
			if hint == "" {
				hint = "Usage: " + strings.TrimSuffix(cmd.UseLine(), " [flags]")
			}
			return fail.With(fail.WrongUse, hint, err)
		}
		return nil
	}
}

// looseAddress returns what to do about an address that stands beside --sandbox
// as if it were the flag's value. The flag has a value of its own, so that the
// address is taken for an argument.
func looseAddress(cmd *cobra.Command, args []string) string {
	if !cmd.Flags().Changed("sandbox") {
		return ""
	}
	for _, arg := range args {
		address := strings.TrimPrefix(arg, "http://")
		if setup.LoopbackAddress(address) && !strings.Contains(address, "/") {
			return "The address of --sandbox is written after a =: --sandbox=" + arg + "."
		}
	}
	return ""
}

// report tells of an error on the standard error.
func (c *cli) report(ctx context.Context, called *cobra.Command, err error) {
	r := fail.ReportOf(ctx, err)
	text := r.Message
	if !strings.HasPrefix(text, "jovepay: ") {
		text = "jovepay: " + text
	}
	if r.ID != "" {
		text += fmt.Sprintf("\nThe answer names the id %s: it may exist.", r.ID)
	}
	if r.Hint != "" {
		text += "\n" + r.Hint
	}
	if r.ExitCode == fail.WrongUse && called != nil {
		text += fmt.Sprintf("\nTry \"%s --help\".", called.CommandPath())
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = output.Plain(lines[i])
	}
	c.print.Note("error", r, strings.Join(lines, "\n"))
}

// sources is where the settings come from.
func (c *cli) sources() setup.Sources {
	return setup.Sources{
		Flags: c.flags,
		Env:   c.env,
		Hide:  c.print.Vault.Hide,
		Account: func(ctx context.Context, address string) (setup.Settings, string, error) {
			sandbox, err := c.controlOf(address)
			if err != nil {
				return setup.Settings{}, "", err
			}
			account, err := sandbox.Account(ctx)
			if err != nil {
				return setup.Settings{}, "", err
			}
			for _, secret := range []string{account.APIKey, account.Password, account.IPNSecret} {
				c.print.Vault.Hide(secret)
			}
			return setup.Settings{
				BaseURL: address, APIKey: account.APIKey,
				Email: account.Email, Password: account.Password, Sandbox: address,
			}, account.IPNSecret, nil
		},
	}
}

// controlOf returns a client for the control API of the sandbox at an address.
func (c *cli) controlOf(address string) (*control.Client, error) {
	if c.flags.Timeout <= 0 {
		return nil, fail.Usage("--request-timeout: want a positive value such as 30s")
	}
	return control.New(address, c.transport(), c.flags.Timeout), nil
}

// client returns a client that may have no key, and what it was made from.
func (c *cli) client(ctx context.Context, opts ...jovepay.Option) (*jovepay.Client, setup.Settings, error) {
	settings, err := c.sources().Settings(ctx)
	if err != nil {
		return nil, settings, err
	}
	opts = append(settings.Options(c.flags, c.log()), opts...)
	client, err := jovepay.NewClient(opts...)
	if err == nil {
		return client, settings, nil
	}
	hint := ""
	if _, other := jovepay.NewClient(append(opts, jovepay.WithInsecureHTTP())...); other == nil {
		hint = "If the network in between is your own, add --insecure-http."
	}
	return nil, settings, fail.With(fail.WrongUse, hint, err)
}

// account returns a client that can authenticate itself.
func (c *cli) account(ctx context.Context) (*jovepay.Client, setup.Settings, error) {
	client, settings, err := c.client(ctx)
	if err == nil && settings.APIKey == "" && !settings.CanLogIn() {
		err = fail.With(fail.Unauthorized, "Set JOVEPAY_API_KEY or --api-key-file, or add --sandbox. See \"jovepay help settings\".", errors.New("there is no API key"))
	}
	return client, settings, err
}

// log returns where requests are logged to, or nil.
func (c *cli) log() *slog.Logger {
	switch {
	case !c.verbose:
		return nil
	case c.print.JSON:
		return slog.New(slog.NewJSONHandler(c.print.Log(), nil))
	}
	return slog.New(slog.NewTextHandler(c.print.Err, nil))
}

func truth(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// must is for what only a mistake in this source can break: a flag that is
// named and not there.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // a mistake in source code, found by any test
	}
}
