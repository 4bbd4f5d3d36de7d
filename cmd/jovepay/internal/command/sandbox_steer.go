package command

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

// step is a command that does something to a payment of the sandbox.
type step struct {
	name, args, short, long, example string

	least, most int // of arguments after the id
	path        string
	body        func(args []string) (any, error)
}

type amountBody struct {
	Amount jovepay.Amount `json:"amount,omitzero"`
}

type wrongAssetBody struct {
	Currency string         `json:"currency"`
	Amount   jovepay.Amount `json:"amount"`
}

type statusBody struct {
	Status string `json:"status"`
}

type checkOutBody struct {
	PayCurrency string `json:"pay_currency,omitzero"`
}

func none([]string) (any, error) { return struct{}{}, nil }

func oneAmount(args []string) (any, error) {
	if len(args) == 0 {
		return amountBody{}, nil
	}
	paid, err := amount("AMOUNT", args[0])
	return amountBody{paid}, err
}

func steps() []step {
	return []step{
		{
			"pay", " [AMOUNT]", "The customer pays",
			"Sends coins to a payment's address and lets it go on to its end: exactly what is\nasked for, or AMOUNT. Less leaves it partially_paid; paid again, or late, the coins\nbecome a payment of their own, with parent_payment_id.",
			"  jovepay sandbox pay 5745459419\n  jovepay sandbox pay 5745459419 0.0001", 0, 1, "payments/%s/pay", oneAmount,
		},
		{
			"deposit", " AMOUNT", "The customer's coins come in, and nothing else yet",
			"Sends coins to a payment's address, without the confirmations that \"pay\" brings:\n\"advance\" does those, one by one.",
			"  jovepay sandbox deposit 5745459419 0.0001", 1, 1, "payments/%s/deposit", oneAmount,
		},
		{
			"wrong-asset", " COIN AMOUNT", "The customer sends another coin",
			"Sends another coin to a payment's address. It becomes a payment of its own that\nwaits for a person; the first one goes on waiting for the right coin.",
			"  jovepay sandbox wrong-asset 5745459419 eth 0.01", 2, 2, "payments/%s/wrong-asset",
			func(args []string) (any, error) {
				sent, err := amount("AMOUNT", args[1])
				return wrongAssetBody{args[0], sent}, err
			},
		},
		{
			"advance", "", "The payment goes on by one status",
			"Takes a payment one status further on its ordinary way. One that waits is taken as\npaid exactly.",
			"  jovepay sandbox advance 5745459419", 0, 0, "payments/%s/advance", none,
		},
		{
			"refund", "", "The coins go back to the customer",
			"Sends the coins of a payment back.",
			"  jovepay sandbox refund 5745459419", 0, 0, "payments/%s/refund", none,
		},
		{
			"expire", "", "The payment's time is over",
			"Ends a payment that waits, as if its time were over.",
			"  jovepay sandbox expire 5745459419", 0, 0, "payments/%s/expire", none,
		},
		{
			"status", " STATUS", "Give a payment any status",
			"Gives a payment a status, and changes nothing else: no coins come or go.",
			"  jovepay sandbox status 5745459419 failed", 1, 1, "payments/%s/status",
			func(args []string) (any, error) { return statusBody{args[0]}, nil },
		},
		{
			"checkout", " [COIN]", "The customer opens an invoice and chooses a coin",
			"Makes the payment that an invoice's page makes once the customer has chosen a coin.\nWithout COIN it is the invoice's own.",
			"  jovepay sandbox checkout 6012345678 btc", 0, 1, "invoices/%s/checkout",
			func(args []string) (any, error) { return checkOutBody{strings.Join(args, "")}, nil },
		},
	}
}

func (c *cli) steeringCommands() []*cobra.Command {
	commands := []*cobra.Command{c.sandboxCallCommand(), c.sandboxClockCommand(), c.sandboxEnvCommand(), c.sandboxJournalCommand()}
	for _, s := range steps() {
		places := []values{c.payments, nothing}
		switch s.name {
		case "status":
			places[1] = statuses
		case "wrong-asset", "checkout":
			places[1] = c.coins
		}
		if s.name == "checkout" {
			places[0] = nothing
		}
		commands = append(commands, &cobra.Command{
			Use: s.name + " ID" + s.args, Short: s.short, Long: s.long, Example: s.example,
			Args:              cobra.RangeArgs(1+s.least, 1+s.most),
			ValidArgsFunction: c.completeAtSandbox(places),
			RunE:              func(cmd *cobra.Command, args []string) error { return c.steer(cmd.Context(), s, args) },
		})
	}
	return commands
}

// completeAtSandbox asks the sandbox, since that is what the command steers.
func (c *cli) completeAtSandbox(places []values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if address, err := c.sources().SandboxAddress(); err == nil && address == "" {
			c.flags.Sandbox = "1"
		}
		return c.complete(places...)(cmd, args, typed)
	}
}

func (c *cli) steer(ctx context.Context, s step, args []string) error {
	body, err := s.body(args[1:])
	if err != nil {
		return err
	}
	sandbox, _, err := c.sandboxControl()
	if err != nil {
		return err
	}
	answer, err := sandbox.Call(ctx, http.MethodPost, fmt.Sprintf(s.path, url.PathEscape(args[0])), body)
	if err != nil {
		return err
	}
	payment := &jovepay.Payment{}
	if err := json.Unmarshal(answer, payment); err != nil {
		return fmt.Errorf("the sandbox's answer: %w", err)
	}
	return c.showPayment(payment, false)
}

func (c *cli) sandboxCallCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "call METHOD PATH",
		Short: "Make any call of the sandbox's control API",
		Long: `Makes a call of the control API, with the path after /sandbox/v1/: prices and
minimums, faults, how notifications are sent, withdrawals and recurring
payments. docs/sandbox.md has all calls. The body is JSON: in the argument of
--data, in a file (@name), or from the standard input (@-).`,
		Example: `  jovepay sandbox call PUT prices/btc --data '{"usd": 97000}'
  jovepay sandbox call POST faults --data '{"path": "/v1/estimate", "status": 503, "times": 1}'
  jovepay sandbox call PUT ipn --data '{"forms": ["php"]}'
  jovepay sandbox call GET deliveries`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: c.complete(func(context.Context) []cobra.Completion { return []cobra.Completion{"GET", "POST", "PUT", "DELETE"} }),
		RunE: func(cmd *cobra.Command, args []string) error {
			address := strings.TrimPrefix(args[1], "/")
			if isAccount(address) {
				return fail.Usage("keys are printed by \"jovepay sandbox env\" alone")
			}
			body := any(nil)
			if data != "" {
				content, err := c.jsonInput("--data", data)
				if err != nil {
					return err
				}
				body = content
			}
			sandbox, _, err := c.sandboxControl()
			if err != nil {
				return err
			}
			answer, err := sandbox.Call(cmd.Context(), strings.ToUpper(args[0]), address, body)
			if err != nil {
				return err
			}
			return c.showResponse(answer)
		},
	}
	cmd.Flags().StringVarP(&data, "data", "d", "", "`body` as JSON, @file or @- for the standard input")
	return cmd
}

// isAccount reports whether a path of the control API leads to the keys,
// however it is spelled.
func isAccount(address string) bool {
	u, err := url.Parse("/sandbox/v1/" + address)
	return err == nil && strings.HasPrefix(path.Clean(u.Path)+"/", "/sandbox/v1/account/")
}

func (c *cli) sandboxClockCommand() *cobra.Command {
	var advance time.Duration
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Show the sandbox's clock, or move it on",
		Long: `Shows what time it is in the sandbox. With --advance the clock is moved on, and
what falls due happens at once: payments expire, confirmations come in. A clock
cannot be moved back.`,
		Example: `  jovepay sandbox clock
  jovepay sandbox clock --advance 168h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if advance < 0 {
				return fail.Usage("--advance: a clock cannot be moved back")
			}
			sandbox, _, err := c.sandboxControl()
			if err != nil {
				return err
			}
			method, body := http.MethodGet, any(nil)
			if advance > 0 {
				method, body = http.MethodPost, struct {
					Advance string `json:"advance"`
				}{advance.String()}
			}
			answer, err := sandbox.Call(cmd.Context(), method, "clock", body)
			if err != nil {
				return err
			}
			var clock struct {
				Now jovepay.Time `json:"now"`
			}
			if err := json.Unmarshal(answer, &clock); err != nil {
				return fmt.Errorf("the sandbox's answer: %w", err)
			}
			return c.print.Show(clock, func(t *output.Text) { t.Line("%s", output.Time(clock.Now)) })
		},
	}
	cmd.Flags().DurationVar(&advance, "advance", 0, "`time` to move the clock on, such as 1h30m")
	return cmd
}

func (c *cli) sandboxEnvCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "The sandbox's address and keys, for a shop's environment",
		Long: `Prints the sandbox's address and keys as a shell's export lines, or as JSON. These
keys open nothing but this sandbox; those of a real account are never printed.`,
		Example: `  eval "$(jovepay sandbox env)"
  jovepay sandbox env --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sandbox, address, err := c.sandboxControl()
			if err != nil {
				return err
			}
			account, err := sandbox.Account(cmd.Context())
			if err != nil {
				return err
			}
			account.BaseURL = address
			return c.print.Show(account, func(t *output.Text) {
				for _, line := range [][2]string{
					{"JOVEPAY_BASE_URL", account.BaseURL},
					{"JOVEPAY_API_KEY", account.APIKey},
					{"JOVEPAY_EMAIL", account.Email},
					{"JOVEPAY_PASSWORD", account.Password},
					{"JOVEPAY_IPN_SECRET", account.IPNSecret},
				} {
					t.Line("export %s=%s", line[0], quoted(line[1]))
				}
			})
		},
	}
}

// quoted writes a value for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (c *cli) sandboxJournalCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "journal",
		Short: "What has happened in the sandbox",
		Long: `Prints what has happened in the sandbox, in order, one JSON document a line: the
requests, what the customer and the network did, and the notifications. Two runs
with the same seed, clock and calls give the same journal.`,
		Example: `  jovepay sandbox journal
  jovepay sandbox journal >journal.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sandbox, _, err := c.sandboxControl()
			if err != nil {
				return err
			}
			answer, err := sandbox.Call(cmd.Context(), http.MethodGet, "journal", nil)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(answer)) {
				entry := jsontext.Value(strings.TrimSpace(line))
				if len(entry) == 0 {
					continue
				}
				if !entry.IsValid() {
					return fmt.Errorf("the sandbox's journal has a line that is no JSON")
				}
				// People read it as programs do.
				if err := c.print.Document(entry); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
