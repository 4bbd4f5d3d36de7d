package command

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/setup"
)

func (c *cli) requestCommand() *cobra.Command {
	var data string
	var query []string
	cmd := &cobra.Command{
		Use:   "request METHOD PATH",
		Short: "Call any endpoint of the API",
		Long: `Call an endpoint and print the response, with the same keys, login, retries and
errors as all commands. PATH starts with the version, and its variable parts
are escaped. The body is JSON: the value of --data, a file (@name) or standard
input (@-).

Every method but GET and HEAD is treated as a create: it is not retried if it
may have been processed, and then the exit code is 5.

/v1/auth cannot be called: the program logs in by itself and never prints a
token.`,
		Example: `  jovepay request GET /v1/status
  jovepay request GET '/v1/payment?limit=1'
  jovepay request GET /v1/min-amount --query currency_from=btc
  jovepay request POST /v1/invoice --data '{"price_amount": 49.99, "price_currency": "usd"}'
  echo '{"price_amount": 5, "price_currency": "usd"}' | jovepay request POST /v1/invoice --data @-`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: c.complete(words("GET", "POST"),
			words("/v1/status", "/v1/currencies", "/v1/min-amount", "/v1/estimate", "/v1/payment", "/v1/invoice")),
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := parseCall(args[0], args[1], query)
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
			return addKeyHint(settings, c.request(cmd.Context(), client, settings, call))
		},
	}
	cmd.Flags().StringVarP(&data, "data", "d", "", "send JSON `body`, @file or @- for standard input")
	cmd.Flags().StringArrayVarP(&query, "query", "q", nil, "add `name=value` to the query; may be repeated")
	return cmd
}

// call is a request to an endpoint.
type call struct {
	method, path string
	query        url.Values
	body         any
}

func parseCall(method, address string, query []string) (*call, error) {
	address, inPath, _ := strings.Cut(address, "?")
	values, err := url.ParseQuery(inPath)
	if err != nil {
		return nil, fail.Usage("PATH: %w", err)
	}
	for _, pair := range query {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fail.Usage("--query: want name=value, got %q", pair)
		}
		values.Add(name, value)
	}
	unescaped, err := url.PathUnescape(address)
	if err == nil && strings.HasPrefix(strings.ToLower(path.Clean(unescaped))+"/", "/v1/auth/") {
		return nil, fail.Usage("PATH: want any endpoint but /v1/auth: set JOVEPAY_EMAIL and JOVEPAY_PASSWORD to log in")
	}
	return &call{method: strings.ToUpper(method), path: address, query: values}, nil
}

func (c *cli) request(ctx context.Context, client *jovepay.Client, settings setup.Settings, call *call) error {
	created := aPayment
	if strings.Trim(call.path, "/") == "v1/invoice" {
		created = anInvoice
	}
	var response []byte
	if err := client.Do(ctx, call.method, call.path, call.query, call.body, &response); err != nil {
		return unknownOutcome(err, created)
	}
	if settings.CanLogIn() {
		// The request carried this token, and a server may echo it.
		if token, err := client.Authenticate(ctx); err == nil {
			c.print.Vault.Hide(token.Reveal())
		}
	}
	err := c.showResponse(response)
	if call.method == http.MethodGet || call.method == http.MethodHead {
		return err
	}
	return printFailure(err, findID(response, string(created)))
}

// showResponse prints any response body; JSON is indented for people.
func (c *cli) showResponse(response []byte) error {
	value := jsontext.Value(response)
	switch {
	case len(response) == 0 && !c.print.JSON:
		return nil
	case !value.IsValid():
		return c.print.Show(string(response), func(t *output.Text) {
			for line := range strings.Lines(string(response)) {
				t.Line("%s", strings.TrimSuffix(line, "\n"))
			}
		})
	case c.print.JSON:
		return c.print.Document(value)
	}
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	return c.print.Text(func(t *output.Text) {
		for line := range strings.Lines(string(value)) {
			t.Block(indentation(line) + output.Plain(strings.TrimSpace(line)) + "\n")
		}
	})
}

func indentation(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " "))] }

// addKeyHint adds to the error of a rejected request without a key what to set.
func addKeyHint(settings setup.Settings, err error) error {
	if err != nil && settings.APIKey == "" && fail.CodeOf(context.Background(), err) == fail.Unauthorized {
		return fail.With(fail.Unauthorized, setKeyHint, err)
	}
	return err
}
