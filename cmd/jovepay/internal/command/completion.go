package command

import (
	"context"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/testevent"
)

func (c *cli) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a shell completion script",
		Long: `Print a script that completes commands, flags and values with the Tab key.
Coins and the IDs of recent payments are loaded from JovePay; without an API key,
common coins are offered.

Run this in the current session, or add it to the shell's startup file:

  bash         source <(jovepay completion bash)     (needs bash-completion)
  zsh          source <(jovepay completion zsh)      (after compinit)
  fish         jovepay completion fish | source
  PowerShell   jovepay completion powershell | Out-String | Invoke-Expression`,
		Example: `  jovepay completion bash
  jovepay completion zsh
  jovepay completion fish
  jovepay completion powershell`,
		Args:                  cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs:             []string{"bash", "zsh", "fish", "powershell"},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.print.Out, true)
			case "zsh":
				return root.GenZshCompletion(c.print.Out)
			case "fish":
				return root.GenFishCompletion(c.print.Out, true)
			default:
				return root.GenPowerShellCompletionWithDesc(c.print.Out)
			}
		},
	}
}

// completionTimeout limits how long the Tab key waits for a server.
const completionTimeout = 2 * time.Second

// values returns the completions of one argument or flag.
type values func(context.Context) []cobra.Completion

// complete completes arguments by position; beyond the last one it offers
// nothing.
func (c *cli) complete(places ...values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(places) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.offer(cmd, places[len(args)])
	}
}

func (c *cli) completeFlag(cmd *cobra.Command, flag string, of values) {
	must(cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c.offer(cmd, of)
	}))
}

func (c *cli) offer(cmd *cobra.Command, of values) ([]cobra.Completion, cobra.ShellCompDirective) {
	c.verbose = false // the shell would show log lines in the middle of the command line
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	return of(ctx), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// words returns the given completions.
func words(list ...cobra.Completion) values {
	return func(context.Context) []cobra.Completion { return list }
}

func nothing(context.Context) []cobra.Completion { return nil }

func fiats(context.Context) []cobra.Completion { return []cobra.Completion{"usd", "eur", "gbp"} }

func kinds(context.Context) []cobra.Completion { return testevent.Kinds() }

// forms lists the forms of a signature.
func forms(context.Context) []cobra.Completion {
	return []cobra.Completion{
		cobra.CompletionWithDesc(string(jovepay.FormJS), "the guide's Node example"),
		cobra.CompletionWithDesc(string(jovepay.FormJSArrays), "the Node example, keeping arrays"),
		cobra.CompletionWithDesc(string(jovepay.FormPHP), "the guide's PHP example"),
		cobra.CompletionWithDesc(string(jovepay.FormPython), "the guide's Python example"),
		cobra.CompletionWithDesc(string(jovepay.FormRaw), "JovePay's shop plugins"),
	}
}

func statuses(context.Context) []cobra.Completion {
	var list []cobra.Completion
	for _, status := range paymentStatuses() {
		list = append(list, string(status))
	}
	return list
}

// eventStatuses lists the statuses of payments, and of withdrawals and
// recurring payments.
func eventStatuses(ctx context.Context) []cobra.Completion {
	list := statuses(ctx)
	for _, status := range []jovepay.WithdrawalStatus{
		jovepay.WithdrawalCreating, jovepay.WithdrawalCreated, jovepay.WithdrawalWaiting, jovepay.WithdrawalProcessing,
		jovepay.WithdrawalSending, jovepay.WithdrawalFinished, jovepay.WithdrawalFailed, jovepay.WithdrawalRejected,
	} {
		list = append(list, string(status))
	}
	return list
}

// safeWord matches the values from a server that are offered: a shell may
// evaluate completions.
var safeWord = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// coins offers JovePay's coins, or common ones if they cannot be loaded.
func (c *cli) coins(ctx context.Context) []cobra.Completion {
	var list []cobra.Completion
	if client, _, err := c.account(ctx); err == nil {
		if available, err := client.Currencies.List(ctx, jovepay.CurrencyListOptions{}); err == nil {
			for _, currency := range available.Currencies {
				if safeWord.MatchString(currency.Code) {
					list = append(list, cobra.CompletionWithDesc(currency.Code, output.Plain(currency.Name)))
				}
			}
		}
	}
	if len(list) == 0 {
		list = []cobra.Completion{"btc", "eth", "ltc", "trx", "usdttrc20", "xrp"}
	}
	return list
}

// payments offers the IDs of recent payments.
func (c *cli) payments(ctx context.Context) []cobra.Completion {
	client, _, err := c.account(ctx)
	if err != nil {
		return nil
	}
	page, err := client.Payments.List(ctx, jovepay.PaymentListOptions{Limit: 20, SortBy: jovepay.SortByCreatedAt, OrderBy: jovepay.Descending})
	if err != nil {
		return nil
	}
	var list []cobra.Completion
	for _, p := range page.Payments {
		if !safeWord.MatchString(string(p.ID)) {
			continue
		}
		about := string(p.Status) + ", " + output.Money(p.PriceAmount, p.PriceCurrency) + " in " + p.PayCurrency + " " + p.OrderID
		list = append(list, cobra.CompletionWithDesc(string(p.ID), output.Plain(about)))
	}
	return list
}
