package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

// largestInput bounds what is read from a file or the standard input.
const largestInput = 16 << 20

func (c *cli) requestCommand() *cobra.Command {
	var data string
	var query []string
	cmd := &cobra.Command{
		Use:   "request METHOD PATH",
		Short: "Call any endpoint of the API",
		Long: `Calls an endpoint, with keys, login, retries and errors as for all commands, and
prints the answer. PATH starts with the version and has its variable parts
escaped. The body is JSON: in the argument of --data, in a file (@name), or from
the standard input (@-).

Any method but GET and HEAD counts as making something: it is not repeated if it
may have been processed, and then ends with exit code 5.

/v1/auth cannot be called: the program logs in by itself, and prints no token.`,
		Example: `  jovepay request GET /v1/status
  jovepay request GET '/v1/payment?limit=1'
  jovepay request GET /v1/min-amount --query currency_from=btc
  jovepay request POST /v1/invoice --data '{"price_amount": 49.99, "price_currency": "usd"}'
  echo '{"price_amount": 5, "price_currency": "usd"}' | jovepay request POST /v1/invoice --data @-`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: c.complete(
			func(context.Context) []cobra.Completion { return []cobra.Completion{"GET", "POST"} },
			func(context.Context) []cobra.Completion {
				return []cobra.Completion{"/v1/status", "/v1/currencies", "/v1/min-amount", "/v1/estimate", "/v1/payment", "/v1/invoice"}
			}),
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := readCall(args[0], args[1], query)
			if err != nil {
				return err
			}
			if data != "" {
				if call.body, err = c.jsonInput("--data", data); err != nil {
					return err
				}
			}
			client, settings, err := c.client(cmd.Context())
			if err != nil {
				return err
			}
			return withoutKey(settings, c.request(cmd.Context(), client, settings, call))
		},
	}
	cmd.Flags().StringVarP(&data, "data", "d", "", "`body` as JSON, @file or @- for the standard input")
	cmd.Flags().StringArrayVarP(&query, "query", "q", nil, "`name=value` for the query; can be repeated")
	return cmd
}

// call is a request in the making.
type call struct {
	method, path string
	query        url.Values
	body         any
}

func readCall(method, address string, query []string) (*call, error) {
	address, inPath, _ := strings.Cut(address, "?")
	values, err := url.ParseQuery(inPath)
	if err != nil {
		return nil, fail.Usage("PATH: its query cannot be read")
	}
	for _, pair := range query {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fail.Usage("--query: want name=value")
		}
		values.Add(name, value)
	}
	plain, err := url.PathUnescape(address)
	if err == nil && strings.HasPrefix(strings.ToLower(path.Clean(plain))+"/", "/v1/auth/") {
		return nil, fail.Usage("the program logs in by itself, and prints no token: set JOVEPAY_EMAIL and JOVEPAY_PASSWORD")
	}
	return &call{method: strings.ToUpper(method), path: address, query: values}, nil
}

func (c *cli) request(ctx context.Context, client *jovepay.Client, settings setup.Settings, call *call) error {
	made := aPayment
	if strings.Trim(call.path, "/") == "v1/invoice" {
		made = anInvoice
	}
	var answer []byte
	if err := client.Do(ctx, call.method, call.path, call.query, call.body, &answer); err != nil {
		return unknownOutcome(err, made)
	}
	if settings.CanLogIn() {
		// The request was made with this token; a server may echo it.
		if token, err := client.Authenticate(ctx); err == nil {
			c.print.Vault.Hide(token.Reveal())
		}
	}
	err := c.showAnswer(answer)
	if call.method == http.MethodGet || call.method == http.MethodHead {
		return err
	}
	return unprinted(err, findID(answer, string(made)))
}

// showAnswer prints an answer whatever it is: JSON indented for people.
func (c *cli) showAnswer(answer []byte) error {
	value := jsontext.Value(answer)
	switch {
	case len(answer) == 0 && !c.print.JSON:
		return nil
	case !value.IsValid():
		return c.print.Show(string(answer), func(t *output.Text) {
			for line := range strings.Lines(string(answer)) {
				t.Line("%s", strings.TrimSuffix(line, "\n"))
			}
		})
	case c.print.JSON:
		return c.print.Show(value, nil)
	}
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	return c.print.Text(func(t *output.Text) {
		for line := range strings.Lines(string(value)) {
			t.Block(indent(line) + output.Plain(strings.TrimSpace(line)) + "\n")
		}
	})
}

func indent(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " "))] }

// input returns what an argument names: itself, a file (@name), or the
// standard input (@-).
func (c *cli) input(flag, argument string) ([]byte, error) {
	name, isFile := strings.CutPrefix(argument, "@")
	switch {
	case !isFile:
		return []byte(argument), nil
	case name == "-":
		return bounded(flag, c.in)
	}
	return readFile(flag, name)
}

func readFile(what, name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the user's own choice
	if err != nil {
		return nil, fail.Usage("%s: %w", what, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	return bounded(what, file)
}

func bounded(what string, r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, largestInput+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if len(content) > largestInput {
		return nil, fail.Usage("%s: over %d MiB", what, largestInput>>20)
	}
	return content, nil
}

func (c *cli) jsonInput(flag, argument string) (jsontext.Value, error) {
	content, err := c.input(flag, argument)
	if err != nil {
		return nil, err
	}
	var value jsontext.Value
	if err := json.Unmarshal(content, &value); err != nil {
		return nil, fail.Usage("%s: want JSON: %w", flag, err)
	}
	return value, nil
}

// withoutKey adds what may be missing to a refusal.
func withoutKey(settings setup.Settings, err error) error {
	if err != nil && settings.APIKey == "" && fail.CodeOf(context.Background(), err) == fail.Unauthorized {
		return fail.With(fail.Unauthorized, "Set JOVEPAY_API_KEY or --api-key-file, or add --sandbox.", err)
	}
	return err
}

// transport is how the program reaches what is not JovePay's API.
func (c *cli) transport() http.RoundTripper {
	if log := c.log(); log != nil {
		return setup.Logged(http.DefaultTransport, log)
	}
	return http.DefaultTransport
}
