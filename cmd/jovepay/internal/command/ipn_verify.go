package command

import (
	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

// verdict is what is known of a notification.
type verdict struct {
	Genuine  bool              `json:"genuine"`
	Form     jovepay.IPNForm   `json:"form,omitzero"`
	Secret   int               `json:"secret,omitzero"` // which one matched, 0 is the first
	Kind     string            `json:"kind,omitzero"`
	Key      string            `json:"key,omitzero"`
	Event    any               `json:"event,omitzero"`
	Error    string            `json:"error,omitzero"`
	Tried    []jovepay.IPNForm `json:"tried,omitzero"`
	Findings []string          `json:"findings,omitzero"`
}

func (c *cli) verifyIPNCommand() *cobra.Command {
	var signature string
	var only, others []string
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check a signature, and say why it does not match",
		Long: `Checks the signature of a notification whose body is in FILE, or comes from the
standard input. If it matches, prints the form that was signed and the event,
read from what was signed. If not, the exit code is 6, and what is known of it is
printed: whether another secret, form or rule would match, and whether the body
looks changed on its way.

The body has to be what arrived, byte for byte: save it before anything parses
it. The signature is the value of the header x-jovepay-sig.`,
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
				return fail.Usage("--signature is needed: the value of the header %s", jovepay.IPNSignatureHeader)
			}
			verifier, err := c.verifier(cmd, only)
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
			var body []byte
			if len(args) == 1 && args[0] != "-" {
				body, err = readFile("FILE", args[0])
			} else {
				body, err = bounded("the standard input", c.in)
			}
			if err != nil {
				return err
			}
			return c.verify(verifier, body, signature, secrets)
		},
	}
	cmd.Flags().StringVarP(&signature, "signature", "s", "", "`signature` to check")
	cmd.Flags().StringArrayVar(&only, "form", nil, "accept this `form` only; can be repeated")
	cmd.Flags().StringArrayVar(&others, "other-secret-file", nil, "`file` with a secret to look for in the diagnosis; can be repeated")
	must(cmd.MarkFlagFilename("other-secret-file"))
	c.completeFlag(cmd, "form", forms)
	return cmd
}

// verifier returns a verifier with the secret of the settings.
func (c *cli) verifier(cmd *cobra.Command, only []string) (*jovepay.IPNVerifier, error) {
	secret, err := c.sources().IPNSecret(cmd.Context())
	if err != nil {
		return nil, err
	}
	var opts []jovepay.IPNOption
	if len(only) > 0 {
		accepted := make([]jovepay.IPNForm, len(only))
		for i, form := range only {
			accepted[i] = jovepay.IPNForm(form)
		}
		opts = append(opts, jovepay.WithIPNForms(accepted...))
	}
	verifier, err := jovepay.NewIPNVerifier(secret, opts...)
	if err != nil {
		return nil, fail.Usage("%w", err)
	}
	return verifier, nil
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
	found := verifier.Diagnose(body, signature, otherSecrets...)
	v := verdict{Error: err.Error(), Tried: found.Tried, Findings: found.Findings}
	shown := c.print.Show(v, func(t *output.Text) {
		t.Line("not genuine")
		for _, finding := range found.Findings {
			t.Line("- %s", finding)
		}
	})
	if shown != nil {
		return shown
	}
	return err
}

func genuine(event jovepay.Event) verdict {
	how := event.Verification()
	v := verdict{Genuine: true, Form: how.Form, Secret: how.Secret, Kind: kindOf(event), Key: event.Key(), Event: event}
	if unknown, ok := event.(*jovepay.UnknownEvent); ok {
		v.Event = unknown.Raw
	}
	return v
}

func kindOf(event jovepay.Event) string {
	switch event.(type) {
	case *jovepay.PaymentEvent:
		return "payment"
	case *jovepay.WithdrawalEvent:
		return "withdrawal"
	case *jovepay.RecurringPaymentEvent:
		return "recurring"
	}
	return "unknown"
}

// eventFields are what matters of an event to people.
func eventFields(event jovepay.Event) []output.Field {
	fields := []output.Field{{Name: "key", Value: event.Key()}}
	add := func(name, value string) { fields = append(fields, output.Field{Name: name, Value: value}) }
	switch e := event.(type) {
	case *jovepay.PaymentEvent:
		add("payment", string(e.ID))
		add("status", string(e.Status))
		add("order", e.OrderID)
		add("second deposit to", string(e.ParentPaymentID))
		add("price", output.Money(e.PriceAmount, e.PriceCurrency))
		add("to pay", output.Money(e.PayAmount, e.PayCurrency))
		add("paid", output.Money(e.ActuallyPaid, e.PayCurrency))
		add("you get", output.Money(e.OutcomeAmount, e.OutcomeCurrency))
	case *jovepay.WithdrawalEvent:
		add("withdrawal", string(e.ID))
		add("status", string(e.Status))
		add("amount", output.Money(e.Amount, e.Currency))
		add("to", e.Address)
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
