// Package command is the tree of commands.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	started bool  // a command's RunE was called
	helpErr error // help could not be printed
}

// Main runs a command line and returns the exit code. To stop the program,
// cancel the context with a [fail.SignalError] as its cause.
func Main(ctx context.Context, args []string, streams Streams) int {
	c := &cli{in: streams.In, env: os.Getenv, print: output.New(streams.Out, streams.Err, os.Getenv)}
	root := c.root() //nolint:contextcheck // commands get the context when they run
	root.SetArgs(args)
	called, err := root.ExecuteContextC(ctx)
	if _, ok := errors.AsType[*fail.Error](err); err != nil && !c.started && !ok {
		err = fail.Usage("%w", err) // before a command runs, only flags and arguments can be wrong
	}
	if err == nil {
		err = c.helpErr
	}
	code := fail.CodeOf(ctx, err)
	if err != nil && code != fail.BrokenPipe {
		c.report(ctx, called, err)
	}
	return int(code)
}

// Tree returns the commands, for those who document them.
func Tree() *cobra.Command {
	c := &cli{in: os.Stdin, env: func(string) string { return "" }, print: output.New(os.Stdout, os.Stderr, os.Getenv)}
	return c.root()
}

// The groups of the root's commands.
const (
	groupPayments = "payments"
	groupPrices   = "prices"
	groupShop     = "shop"
)

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "jovepay",
		Short: "Use JovePay from the command line",
		Long: `Create and watch crypto payments with JovePay, send and verify its
notifications (IPN), and run a sandbox of JovePay on this machine.

To try it without an account, start the sandbox in one shell:

  jovepay sandbox

Then, in another:

  jovepay --sandbox payment create 49.99 usd btc --order-id order-1001
  jovepay sandbox pay ID
  jovepay --sandbox payment watch ID

To use a real account, set JOVEPAY_API_KEY. See "jovepay help settings".`,
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
	root.AddGroup(
		&cobra.Group{ID: groupPayments, Title: "Payments:"},
		&cobra.Group{ID: groupPrices, Title: "Prices:"},
		&cobra.Group{ID: groupShop, Title: "Build and test a shop:"},
	)
	for id, commands := range map[string][]*cobra.Command{
		groupPayments: {c.paymentCommand(), c.invoiceCommand()},
		groupPrices:   {c.currenciesCommand(), c.estimateCommand(), c.minCommand()},
		groupShop:     {c.ipnCommand(), c.sandboxCommand()},
		"":            {c.statusCommand(), c.requestCommand(), c.completionCommand(), c.versionCommand(), exitCodesTopic(), settingsTopic()},
	} {
		for _, cmd := range commands {
			cmd.GroupID = id
			root.AddCommand(cmd)
		}
	}
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_, c.helpErr = io.WriteString(c.print.Out, helpText(cmd)) // cobra has nowhere to return it
	})
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	c.finish(root)
	return root
}

func (c *cli) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVar(&c.print.JSON, "json", false, "print JSON: one document, or one per line")
	flags.BoolVarP(&c.verbose, "verbose", "v", isTrue(c.env("JOVEPAY_VERBOSE")), "log requests to standard error ($JOVEPAY_VERBOSE)")
	flags.StringVar(&c.flags.Sandbox, "sandbox", "", "use the sandbox on this machine, at 127.0.0.1:4010 or `address` ($JOVEPAY_SANDBOX)")
	flags.Lookup("sandbox").NoOptDefVal = setup.DefaultSandbox
	flags.StringVar(&c.flags.BaseURL, "base-url", "", "call the API at `url` ($JOVEPAY_BASE_URL)")
	flags.StringVar(&c.flags.APIKeyFile, "api-key-file", "", "read the API key from `file` ($JOVEPAY_API_KEY)")
	flags.StringVar(&c.flags.Email, "email", "", "log in as `email` ($JOVEPAY_EMAIL)")
	flags.StringVar(&c.flags.PasswordFile, "password-file", "", "read the password from `file` ($JOVEPAY_PASSWORD)")
	flags.StringVar(&c.flags.IPNSecretFile, "ipn-secret-file", "", "read the IPN secret from `file` ($JOVEPAY_IPN_SECRET)")
	flags.BoolVar(&c.flags.InsecureHTTP, "insecure-http", false, "allow sending keys over plain HTTP to another machine")
	flags.DurationVar(&c.flags.Timeout, "request-timeout", 30*time.Second, "wait up to `duration` for each attempt of a request")
	for _, name := range []string{"api-key-file", "password-file", "ipn-secret-file"} {
		must(root.MarkPersistentFlagFilename(name))
	}
}

// finish sets what all commands have in common: errors in arguments are usage
// errors, and a group of commands rejects an unknown one.
func (c *cli) finish(cmd *cobra.Command) {
	cmd.Args = checkArgs(cmd.Args)
	cmd.SuggestionsMinimumDistance = 2
	if !cmd.Runnable() && cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			c.started = true
			return run(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		c.finish(child)
	}
}

func checkArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if cmd.HasSubCommands() && len(args) > 0 {
			text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				text += ": did you mean " + strings.Join(near, " or ") + "?"
			}
			return fail.With(fail.BadUsage, sandboxHint(cmd, args), errors.New(text))
		}
		if check == nil {
			return nil
		}
		if err := check(cmd, args); err != nil {
			hint := sandboxHint(cmd, args)
			if hint == "" {
				hint = "Usage: " + strings.TrimSuffix(cmd.UseLine(), " [flags]")
			}
			return fail.With(fail.BadUsage, hint, err)
		}
		return nil
	}
}

// sandboxHint returns what to do about an address after --sandbox. The value of
// that flag is optional, so the address was parsed as an argument.
func sandboxHint(cmd *cobra.Command, args []string) string {
	if !cmd.Flags().Changed("sandbox") {
		return ""
	}
	for _, arg := range args {
		address := strings.TrimPrefix(arg, "http://")
		if setup.LoopbackAddress(address) && !strings.Contains(address, "/") {
			return "To give --sandbox an address, write --sandbox=" + arg + "."
		}
	}
	return ""
}

// report prints an error to standard error.
func (c *cli) report(ctx context.Context, called *cobra.Command, err error) {
	r := fail.ReportOf(ctx, err)
	text := r.Message
	if !strings.HasPrefix(text, "jovepay: ") {
		text = "jovepay: " + text
	}
	if r.ID != "" {
		text += fmt.Sprintf("\nThe response contained the ID %s: it may exist.", r.ID)
	}
	if r.Hint != "" {
		text += "\n" + r.Hint
	}
	if r.ExitCode == fail.BadUsage && called != nil {
		text += fmt.Sprintf("\nRun \"%s --help\" for help.", called.CommandPath())
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = output.Plain(lines[i])
	}
	c.print.Note("error", r, strings.Join(lines, "\n"))
}

func isTrue(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// must panics on errors that only a mistake in this source can cause: naming a
// flag that does not exist.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // a mistake in source code, found by any test
	}
}
