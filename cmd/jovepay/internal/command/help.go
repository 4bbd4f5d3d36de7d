package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

// helpText returns the help of a command: what it does, how to call it,
// examples, its subcommands and its own flags. The global flags are in the
// root's help only.
func helpText(cmd *cobra.Command) string {
	var out strings.Builder
	section := func(title, lines string) {
		if lines != "" {
			fmt.Fprintf(&out, "\n%s\n%s\n", title, strings.TrimRight(lines, "\n"))
		}
	}
	out.WriteString(strings.TrimSpace(cmd.Long) + "\n")
	if cmd.Runnable() {
		section("Usage:", usageLines(cmd))
	}
	section("Examples:", cmd.Example)
	for _, group := range cmd.Groups() {
		section(group.Title, commandLines(cmd, func(child *cobra.Command) bool { return child.GroupID == group.ID }))
	}
	others := "Commands:"
	if len(cmd.Groups()) > 0 {
		others = "Other commands:"
	}
	section(others, commandLines(cmd, func(child *cobra.Command) bool { return child.GroupID == "" && child.Runnable() }))
	section("Help topics:", commandLines(cmd, func(child *cobra.Command) bool { return !child.Runnable() }))
	if !cmd.HasParent() {
		section("Global flags:", flagLines(cmd.PersistentFlags()))
		out.WriteString("\nRun \"jovepay help COMMAND\" for details and examples.\n")
		return out.String()
	}
	section("Flags:", flagLines(cmd.LocalNonPersistentFlags()))
	if cmd.Runnable() {
		out.WriteString("\nRun \"jovepay help\" for the global flags.\n")
	}
	return out.String()
}

// usageLines returns the ways to call a command. A command that only groups
// others has no usage without COMMAND.
func usageLines(cmd *cobra.Command) string {
	if !cmd.HasSubCommands() {
		return "  " + cmd.UseLine()
	}
	lines := "  " + cmd.CommandPath() + " COMMAND [flags]"
	if flagLines(cmd.LocalNonPersistentFlags()) != "" {
		lines = "  " + cmd.UseLine() + "\n" + lines
	}
	return lines
}

func commandLines(cmd *cobra.Command, include func(*cobra.Command) bool) string {
	var lines strings.Builder
	for _, child := range cmd.Commands() {
		if include(child) && !child.Hidden {
			fmt.Fprintf(&lines, "  %-*s  %s\n", child.NamePadding(), child.Name(), child.Short)
		}
	}
	return lines.String()
}

// flagLines lists flags with their placeholders and defaults.
func flagLines(flags *pflag.FlagSet) string {
	type line struct{ label, usage string }
	var lines []line
	width := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		placeholder, usage := pflag.UnquoteUsage(f)
		label := "      --" + f.Name
		if f.Shorthand != "" {
			label = "  -" + f.Shorthand + ", --" + f.Name
		}
		switch {
		case placeholder != "" && f.NoOptDefVal != "":
			label += "[=" + placeholder + "]"
		case placeholder != "":
			label += " " + placeholder
		}
		if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
			usage += " (default " + f.DefValue + ")"
		}
		width = max(width, len(label))
		lines = append(lines, line{label, usage})
	})
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(wrap(fmt.Sprintf("%-*s ", width, l.label), l.usage) + "\n")
	}
	return out.String()
}

// wrap sets text in a column beside a label.
func wrap(label, text string) string {
	const width = 79
	line := label
	var out strings.Builder
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width {
			out.WriteString(line + "\n")
			line = strings.Repeat(" ", len(label))
		}
		line += " " + word
	}
	return out.String() + line
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Show help for a command or a topic",
		Long: `Show the help of a command, as "--help" after the command does, or a topic:
settings or exit-codes. Without arguments, list all commands and the global
flags.`,
		Example: `  jovepay help payment create
  jovepay help exit-codes`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var list []cobra.Completion
			for _, child := range of.Commands() {
				list = append(list, cobra.CompletionWithDesc(child.Name(), child.Short))
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return fail.Usage("want a command or a topic, got %q", strings.Join(args, " "))
			}
			return of.Help()
		},
	}
}

func exitCodesTopic() *cobra.Command {
	var codes strings.Builder
	for _, m := range fail.Meanings() {
		fmt.Fprintf(&codes, "\n%s", wrap(fmt.Sprintf("  %3d  %-16s", m.Code, m.Kind), m.Text))
	}
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "List the exit codes",
		Long: `The exit code says how a command ended. Errors go to standard error; with --json
as a document whose "kind" is the name in the second column.
` + codes.String() + `

A create that is interrupted while its request is in progress exits with 5, not
130, because the payment may exist.`,
	}
}

func settingsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "Explain flags and environment variables for accounts and keys",
		Long: `Settings come from flags or, without a flag, from the environment:

  JOVEPAY_API_KEY     --api-key-file file     API key from JovePay's dashboard
  JOVEPAY_EMAIL       --email email           login for the payment list
  JOVEPAY_PASSWORD    --password-file file
  JOVEPAY_BASE_URL    --base-url url          default https://api.jovepay.io
  JOVEPAY_IPN_SECRET  --ipn-secret-file file  secret that signs notifications
  JOVEPAY_SANDBOX     --sandbox[=address]     1 or an address: use a sandbox
  JOVEPAY_VERBOSE     --verbose               1: log requests

No flag takes a secret as its value: other users of the machine can read command
lines, and shells save them. To read a secret from a password store:

  jovepay payment list --api-key-file <(pass show jovepay/api-key)

--sandbox takes the address and the account from the sandbox that "jovepay
sandbox" runs on this machine, at http://127.0.0.1:4010 unless the flag says
otherwise (--sandbox=127.0.0.1:4011). The keys of a real account are not used.

Secrets are never printed, not even with --verbose, which logs the method, path,
status, duration and ID of each request. The exception is "jovepay sandbox env":
the keys that it prints open nothing but that sandbox.

With NO_COLOR set, QR codes are drawn without colors, for light text on a dark
background.`,
	}
}
