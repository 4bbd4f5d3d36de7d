package command

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/jovepaytest"
)

// action is a command that does something to the sandbox: everything about it
// is read from the action.
//
// Required arguments are positional, and so is an optional one if there is no
// other; several optional ones are flags.
type action struct {
	jovepaytest.Action
	cli        *cli
	positional []jovepaytest.Argument
	required   int // of the positional ones
	flags      []*actionFlag
	timeout    timeout // of one that waits
}

func (c *cli) actionCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, a := range jovepaytest.Actions() {
		commands = append(commands, c.newAction(a).command())
	}
	return commands
}

func (c *cli) newAction(of jovepaytest.Action) *action {
	a := &action{Action: of, cli: c}
	var optional []jovepaytest.Argument
	for _, argument := range of.Arguments {
		if argument.Optional {
			optional = append(optional, argument)
		} else {
			a.positional = append(a.positional, argument)
		}
	}
	a.required = len(a.positional)
	if len(optional) == 1 {
		a.positional = append(a.positional, optional...)
		return a
	}
	for _, argument := range optional {
		a.flags = append(a.flags, &actionFlag{argument: argument})
	}
	return a
}

func (a *action) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:     a.Command,
		GroupID: a.Group,
		Short:   a.Summary,
		Long:    paragraph(a.Details),
		Example: a.example(),
		Args:    a.args(),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), args) },
	}
	if a.Returns == "time" { // shown without an argument
		cmd.Short = "Show the clock, or move it forward"
		cmd.Long = paragraph(a.Details + " Without a duration, shows the clock.")
	}
	var places []values
	for i, argument := range a.positional {
		place := strings.ToUpper(argument.Placeholder)
		if i == 0 {
			cmd.Long += "\n"
		}
		cmd.Long += "\n" + wrap(fmt.Sprintf("  %-10s", place), argument.Usage)
		if argument.Optional {
			place = "[" + place + "]"
		}
		cmd.Use += " " + place
		places = append(places, a.values(argument))
	}
	cmd.ValidArgsFunction = a.cli.completeAtSandbox(places)
	for _, flag := range a.flags {
		added := cmd.Flags().VarPF(flag, strings.ReplaceAll(flag.argument.Name, "_", "-"), "", flag.argument.Usage)
		if flag.argument.Placeholder == "" {
			added.NoOptDefVal = "true"
		}
		if of := a.values(flag.argument); of != nil {
			a.cli.completeFlag(cmd, added.Name, of)
		}
	}
	if a.Waits {
		cmd.Long += "\n\n" + paragraph("Waits for the shop as long as it takes, or up to --timeout. The --request-timeout does not apply.")
		a.timeout.addTo(cmd)
	}
	return cmd
}

// args accepts the positional arguments, by their number.
func (a *action) args() cobra.PositionalArgs {
	if a.required == len(a.positional) {
		return cobra.ExactArgs(a.required)
	}
	return cobra.RangeArgs(a.required, len(a.positional))
}

// paragraph breaks text into lines.
func paragraph(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+wrap("", text), "\n ", "\n"), "\n")
}

// example is the command with all arguments that have an example and, if one
// of those is optional, without it.
func (a *action) example() string {
	line := "  jovepay sandbox " + a.Command
	lines := ""
	for i, argument := range a.positional {
		if i == a.required {
			lines = line + "\n"
		}
		line += " " + shellWord(argument.Example)
	}
	for _, flag := range a.flags {
		if flag.argument.Example != "" {
			line += " --" + strings.ReplaceAll(flag.argument.Name, "_", "-") + " " + shellWord(flag.argument.Example)
		}
	}
	return lines + line
}

// shellWord quotes a value for a shell, if that is necessary.
func shellWord(s string) string {
	if strings.ContainsAny(s, " \"'{}$*") {
		return quoted(s)
	}
	return s
}

// values completes an argument; nil if nothing is known about it.
func (a *action) values(argument jovepaytest.Argument) values {
	switch argument.Placeholder {
	case "id":
		if strings.Contains(a.Route, "payments/") {
			return a.cli.payments
		}
	case "coin", "coins":
		return a.cli.coins
	case "status":
		if a.Returns == "payment" {
			return statuses
		}
		return eventStatuses
	case "forms":
		return forms
	case "kind":
		return kinds
	}
	return nothing
}

// completeAtSandbox asks the sandbox, since the command acts on it.
func (c *cli) completeAtSandbox(places []values) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if address, err := c.sources().SandboxAddress(); err == nil && address == "" {
			c.flags.Sandbox = "1"
		}
		return c.complete(places...)(cmd, args, typed)
	}
}

func (a *action) run(ctx context.Context, args []string) error {
	method, path, _ := strings.Cut(a.Route, " ")
	body := make(map[string]jsontext.Value)
	for i, text := range args {
		argument := a.positional[i]
		if text == "" { // as of a shell's variable that is not set
			return fail.Usage("%s is empty", argument.Name)
		}
		value, err := argument.JSON(text)
		if err != nil {
			return fail.Usage("%w", err)
		}
		if place := "{" + argument.Name + "}"; strings.Contains(path, place) {
			path = strings.Replace(path, place, url.PathEscape(text), 1)
		} else {
			body[argument.Name] = value
		}
	}
	for _, flag := range a.flags {
		if flag.value != nil {
			body[flag.argument.Name] = flag.value
		}
	}
	if a.Returns == "time" && len(args) == 0 {
		return a.cli.callSandbox(ctx, http.MethodGet, path, nil, a.show)
	}
	if a.Waits {
		return a.wait(ctx, method, path, body)
	}
	return a.cli.callSandbox(ctx, method, path, body, a.show)
}

// wait makes a call that may take as long as the shop does.
func (a *action) wait(ctx context.Context, method, path string, body any) error {
	if err := a.timeout.validate(); err != nil {
		return err
	}
	sandbox, _, err := a.cli.sandboxControl()
	if err != nil {
		return err
	}
	waiting, cancel := a.timeout.context(ctx)
	defer cancel()
	response, err := sandbox.Patient().Call(waiting, method, path, body)
	switch {
	case err == nil:
		return a.show(response)
	case a.timeout.passed(ctx, waiting.Err()): // err may be a connection's own timeout
		return fail.With(fail.TimedOut, "", fmt.Errorf("sandbox %s has not finished after %v", a.Command, a.timeout))
	}
	return err
}

// callSandbox makes a call of the control API and shows the response.
func (c *cli) callSandbox(ctx context.Context, method, path string, body any, show func(response []byte) error) error {
	sandbox, _, err := c.sandboxControl()
	if err != nil {
		return err
	}
	response, err := sandbox.Call(ctx, method, path, body)
	if err != nil {
		return err
	}
	return show(response)
}

func (a *action) show(response []byte) error {
	switch a.Returns {
	case "payment":
		payment := &jovepay.Payment{}
		if err := json.Unmarshal(response, payment); err != nil {
			return fmt.Errorf("the sandbox's response: %w", err)
		}
		return a.cli.showPayment(payment, false)
	case "time":
		var clock struct {
			Now jovepay.Time `json:"now"`
		}
		if err := json.Unmarshal(response, &clock); err != nil {
			return fmt.Errorf("the sandbox's response: %w", err)
		}
		return a.cli.print.Show(clock, func(t *output.Text) { t.Line("%s", output.Time(clock.Now)) })
	case "":
		return nil
	default:
		return a.cli.showResponse(response)
	}
}

// actionFlag is the flag of an optional argument.
type actionFlag struct {
	argument jovepaytest.Argument
	value    []byte // JSON; nil if the flag was not given
}

// String returns the default, which the sandbox knows.
func (*actionFlag) String() string { return "" }

// Set reads the value.
func (f *actionFlag) Set(text string) (err error) {
	f.value, err = f.argument.JSON(text)
	return err
}

// Type returns the placeholder.
func (f *actionFlag) Type() string {
	if f.argument.Placeholder == "" {
		return "bool"
	}
	return f.argument.Placeholder
}
