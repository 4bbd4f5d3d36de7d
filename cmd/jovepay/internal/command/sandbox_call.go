package command

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

func (c *cli) sandboxCallCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:     "call METHOD PATH",
		GroupID: inspect,
		Short:   "Call the sandbox's control API",
		Long: `Call the control API, with the path after /sandbox/v1/. docs/sandbox.md has all
calls. The body is JSON: the value of --data, a file (@name), or the standard
input (@-).`,
		Example: `  jovepay sandbox call PUT prices/btc --data '{"usd": 97000}'
  jovepay sandbox call POST faults --data '{"path": "/v1/estimate", "status": 503, "times": 1}'
  jovepay sandbox call PUT ipn --data '{"forms": ["php"]}'
  jovepay sandbox call GET deliveries`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: c.complete(func(context.Context) []cobra.Completion { return []cobra.Completion{"GET", "POST", "PUT", "DELETE"} }),
		RunE: func(cmd *cobra.Command, args []string) error {
			address := strings.TrimPrefix(args[1], "/")
			if isAccount(address) {
				return fail.Usage("only \"jovepay sandbox env\" prints keys")
			}
			body := any(nil)
			if data != "" {
				content, err := c.jsonInput("--data", data)
				if err != nil {
					return err
				}
				body = content
			}
			return c.callSandbox(cmd.Context(), strings.ToUpper(args[0]), address, body, c.showResponse)
		},
	}
	cmd.Flags().StringVarP(&data, "data", "d", "", "send this `json`, or that of @file, or @- for the standard input")
	return cmd
}

// isAccount reports whether a path of the control API leads to the keys,
// however it is spelled.
func isAccount(address string) bool {
	u, err := url.Parse("/sandbox/v1/" + address)
	return err == nil && strings.HasPrefix(path.Clean(u.Path)+"/", "/sandbox/v1/account/")
}

func (c *cli) sandboxEnvCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "env",
		GroupID: inspect,
		Short:   "Print the sandbox's address and keys for a shop",
		Long: `Print the sandbox's address and keys as lines for a shell, or as JSON. The keys
work with this sandbox only. Those of a real account are never printed.`,
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
		Use:     "journal",
		GroupID: inspect,
		Short:   "Print everything that has happened in the sandbox",
		Long: `Print everything that has happened in the sandbox, in order, one JSON document a
line: requests, actions and notifications. Two runs with the same seed, clock and
calls have the same journal.`,
		Example: `  jovepay sandbox journal
  jovepay sandbox journal >journal.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.callSandbox(cmd.Context(), http.MethodGet, "journal", nil, c.showJournal)
		},
	}
}

func (c *cli) showJournal(lines []byte) error {
	for line := range strings.Lines(string(lines)) {
		entry := jsontext.Value(strings.TrimSpace(line))
		if len(entry) == 0 {
			continue
		}
		if !entry.IsValid() {
			return errors.New("the sandbox's journal has a line that is not JSON")
		}
		if err := c.print.Document(entry); err != nil { // people read it as programs do
			return err
		}
	}
	return nil
}
