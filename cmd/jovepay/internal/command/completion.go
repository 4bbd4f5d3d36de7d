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
		Short: "The script that lets a shell complete commands",
		Long: `Prints a script that lets a shell complete commands, flags and values with the
Tab key. Coins and the ids of recent payments are asked of JovePay; without a
key, the usual coins are offered.

For this session, or in the file that the shell reads at its start:

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

// patience is how long a person waits for the Tab key.
const patience = 2 * time.Second

// values returns what can stand in one place of a command line.
type values func(context.Context) []cobra.Completion

// complete completes arguments by their place; there is nothing beyond the
// last one.
func (c *cli) complete(places ...values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(places) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.completed(cmd, places[len(args)])
	}
}

func (c *cli) completeFlag(cmd *cobra.Command, flag string, of values) {
	must(cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c.completed(cmd, of)
	}))
}

func (c *cli) completed(cmd *cobra.Command, of values) ([]cobra.Completion, cobra.ShellCompDirective) {
	c.verbose = false // the shell shows what is logged in the middle of the line
	ctx, cancel := context.WithTimeout(cmd.Context(), patience)
	defer cancel()
	return of(ctx), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func nothing(context.Context) []cobra.Completion { return nil }

func fiats(context.Context) []cobra.Completion { return []cobra.Completion{"usd", "eur", "gbp"} }

func kinds(context.Context) []cobra.Completion { return testevent.Kinds() }

func forms(context.Context) []cobra.Completion {
	return []cobra.Completion{
		cobra.CompletionWithDesc("js", "the guide's Node example"),
		cobra.CompletionWithDesc("js-arrays", "the same with arrays kept"),
		cobra.CompletionWithDesc("php", "the guide's PHP example"),
		cobra.CompletionWithDesc("python", "the guide's Python example"),
		cobra.CompletionWithDesc("raw", "JovePay's shop plugins"),
	}
}

func statuses(context.Context) []cobra.Completion {
	var list []cobra.Completion
	for _, status := range paymentStatuses() {
		list = append(list, string(status))
	}
	return list
}

// eventStatuses are those of payments, and of withdrawals and recurring ones.
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

// harmless is what is offered of what a server sends: a shell may evaluate what
// it is offered.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// coins asks JovePay, and offers the usual coins if that is of no use.
func (c *cli) coins(ctx context.Context) []cobra.Completion {
	var list []cobra.Completion
	if client, _, err := c.account(ctx); err == nil {
		if answer, err := client.Currencies.List(ctx, jovepay.CurrencyListOptions{}); err == nil {
			for _, currency := range answer.Currencies {
				if harmless.MatchString(currency.Code) {
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

// payments offers the ids of recent payments.
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
		if !harmless.MatchString(string(p.ID)) {
			continue
		}
		about := string(p.Status) + ", " + output.Money(p.PriceAmount, p.PriceCurrency) + " in " + p.PayCurrency + " " + p.OrderID
		list = append(list, cobra.CompletionWithDesc(string(p.ID), output.Plain(about)))
	}
	return list
}
