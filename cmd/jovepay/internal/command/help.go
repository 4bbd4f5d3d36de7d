package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
)

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Help for a command or a topic",
		Long: `Prints the help of a command, which "--help" after the command prints as well,
or of a topic: exit-codes or settings.`,
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
				return fail.Usage("there is no help for %q", strings.Join(args, " "))
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
		Short: "What the exit codes say",
		Long: `A command tells by its exit code how it ended, and prints an error to the
standard error; with --json the error is a document with the name of the code
as its kind:
` + codes.String() + `

If a request that creates something was interrupted on its way, the code is 5,
not 130: that there may be a payment is what matters.`,
	}
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

func settingsTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "Keys, files and the environment",
		Long: `Settings come from flags, and where there is no flag from the environment:

  JOVEPAY_API_KEY     --api-key-file     from JovePay's dashboard
  JOVEPAY_EMAIL       --email            to log in, for the payment list
  JOVEPAY_PASSWORD    --password-file
  JOVEPAY_BASE_URL    --base-url         default https://api.jovepay.io
  JOVEPAY_IPN_SECRET  --ipn-secret-file  what notifications are signed with
  JOVEPAY_SANDBOX     --sandbox          1, or an address: use a sandbox
  JOVEPAY_VERBOSE     --verbose          1: log each request

A secret is never a flag's value: other users of the machine can read command
lines, and shells remember them. A file can come from a password store:

  jovepay payment list --api-key-file <(pass show jovepay/api-key)

With --sandbox, address and account come from the sandbox that "jovepay
sandbox" runs on this machine, and the keys of a real account are not used. It
is looked for at http://127.0.0.1:4010 unless the flag has another address:
--sandbox=127.0.0.1:4011.

Secrets are not printed, with --verbose neither. That logs method, path,
status, duration and request id of each request. The one exception is
"jovepay sandbox env", whose keys open nothing but that sandbox.

NO_COLOR draws QR codes without colors, for light text on a dark background.`,
	}
}
