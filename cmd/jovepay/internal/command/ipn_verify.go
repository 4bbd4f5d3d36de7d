package command

import (
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/testevent"
)

// verdict is the result of verifying a notification.
type verdict struct {
	Genuine  bool              `json:"genuine"`
	Form     jovepay.IPNForm   `json:"form,omitzero"`
	Secret   int               `json:"secret,omitzero"` // index of the secret that matched
	Kind     string            `json:"kind,omitzero"`
	Key      string            `json:"key,omitzero"`
	Event    any               `json:"event,omitzero"`
	Error    string            `json:"error,omitzero"`
	Tried    []jovepay.IPNForm `json:"tried,omitzero"`
	Findings []string          `json:"findings,omitzero"`
}

func (c *cli) verifyIPNCommand() *cobra.Command {
	var signature string
	var accepted, others []string
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Verify a signature, or explain why it doesn't match",
		Long: `Verify the signature of a notification whose body is in FILE or on standard
input. If it matches, print its form and the event. Otherwise, explain the
mismatch: whether another secret, form or rule would match, and whether the body
seems to have been changed in transit. The exit code is then 6.

Save the body exactly as it arrived, before anything parses it. The signature is
the value of the x-jovepay-sig header.`,
		Example: `  jovepay ipn verify body.json --signature "$SIGNATURE"
  jovepay ipn verify --signature "$SIGNATURE" <body.json
  jovepay ipn verify body.json --signature "$SIGNATURE" --other-secret-file old-secret.txt
  jovepay ipn verify body.json --signature "$SIGNATURE" --json`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("signature") {
				return fail.Usage("--signature is required: the value of the %s header", jovepay.IPNSignatureHeader)
			}
			verifier, err := c.verifier(cmd.Context(), accepted)
			if err != nil {
				return err
			}
			var secrets []string
			for _, path := range others {
				secret, err := c.sources().SecretFile("--other-secret-file", path)
				if err != nil {
					return err
				}
				secrets = append(secrets, secret)
			}
			body, err := c.readBody(args)
			if err != nil {
				return err
			}
			return c.verify(verifier, body, signature, secrets)
		},
	}
	cmd.Flags().StringVarP(&signature, "signature", "s", "", "verify `signature`")
	cmd.Flags().StringArrayVar(&others, "other-secret-file", nil, "if there is no match, also try the secret in `file`; may be repeated")
	must(cmd.MarkFlagFilename("other-secret-file"))
	c.formFlag(cmd, &accepted)
	return cmd
}

// readBody reads FILE or standard input.
func (c *cli) readBody(args []string) ([]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		return readFile("FILE", args[0])
	}
	return readAll("standard input", c.in)
}

func (c *cli) verify(verifier *jovepay.IPNVerifier, body []byte, signature string, otherSecrets []string) error {
	event, err := verifier.Parse(body, signature)
	if err == nil {
		v := genuine(event)
		return c.print.Show(v, func(t *output.Text) {
			t.Line("genuine: form %s", v.Form)
			t.Fields(eventFields(event)...)
		})
	}
	v := notGenuine(err, verifier.Diagnose(body, signature, otherSecrets...))
	printErr := c.print.Show(v, func(t *output.Text) {
		t.Line("not genuine")
		for _, finding := range v.Findings {
			t.Line("- %s", finding)
		}
	})
	if printErr != nil {
		return printErr
	}
	return err
}

// genuine is the verdict on a verified event.
func genuine(event jovepay.Event) verdict {
	how := event.Verification()
	return verdict{Genuine: true, Form: how.Form, Secret: how.Secret, Kind: kind(event), Key: event.Key(), Event: event}
}

// notGenuine is the verdict on a notification that did not verify.
func notGenuine(err error, d *jovepay.Diagnosis) verdict {
	return verdict{Error: err.Error(), Tried: d.Tried, Findings: d.Findings}
}

func kind(event jovepay.Event) string {
	switch event.(type) {
	case *jovepay.PaymentEvent:
		return testevent.Payment
	case *jovepay.WithdrawalEvent:
		return testevent.Withdrawal
	case *jovepay.RecurringPaymentEvent:
		return testevent.Recurring
	}
	return "unknown"
}

// eventFields returns the fields of an event that are shown to people.
func eventFields(event jovepay.Event) []output.Field {
	fields := []output.Field{{Name: "key", Value: event.Key()}}
	add := func(name, value string) { fields = append(fields, output.Field{Name: name, Value: value}) }
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		add("payment", string(e.ID))
		add("status", string(e.Status))
		add("order", e.OrderID)
		add("parent payment", string(e.ParentPaymentID))
		add("price", output.Money(e.PriceAmount, e.PriceCurrency))
		add("requested", output.Money(e.PayAmount, e.PayCurrency))
		add("paid", output.Money(e.ActuallyPaid, e.PayCurrency))
		add("you receive", output.Money(e.OutcomeAmount, e.OutcomeCurrency))
	case *jovepay.WithdrawalEvent:
		add("withdrawal", string(e.ID))
		add("status", string(e.Status))
		add("amount", output.Money(e.Amount, e.Currency))
		add("address", e.Address)
		add("error", e.Error)
	case *jovepay.RecurringPaymentEvent:
		add("recurring payment", string(e.ID))
		add("status", string(e.Status))
		add("amount", output.Money(e.Amount, e.Currency))
	case *jovepay.UnknownEvent:
		add("body", string(e.Raw))
	}
	return fields
}
