package command

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

// listOptions are the flags of "payment list".
type listOptions struct {
	jovepay.PaymentListOptions
	from, to, sort, order, invoice string
	status                         []string
	orderID                        string
	all                            bool
}

func (c *cli) listPaymentsCommand() *cobra.Command {
	l := listOptions{sort: string(jovepay.SortByCreatedAt), order: string(jovepay.Descending)}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List payments",
		Long: `List payments, newest first, one page at a time. Needs an email and a password
in addition to the API key.

With --all, list all pages; with --json, print one payment per line.
With --order-id, list the payments of an order, including repeated deposits.
JovePay cannot filter by order, so this reads all payments since --from.`,
		Example: `  jovepay payment list
  jovepay payment list --limit 5 --sort price_amount --order asc
  jovepay payment list --all --status waiting --status confirming
  jovepay payment list --order-id order-1001 --from 2026-11-01
  jovepay payment list --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.parse(); err != nil {
				return err
			}
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			return addLoginHint(c.list(cmd.Context(), client, l))
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&l.Limit, "limit", 20, "list `n` payments per page, 1 to 500")
	flags.IntVar(&l.Page, "page", 0, "list page `n`, counting from 0")
	flags.StringVar(&l.from, "from", "", "list only payments created at or after `time`, such as 2026-11-01 or 2026-11-01T12:00:00Z")
	flags.StringVar(&l.to, "to", "", "list only payments created at or before `time`")
	flags.StringVar(&l.invoice, "invoice-id", "", "list only payments of invoice `id`")
	flags.StringArrayVar(&l.status, "status", nil, "show only payments with `status`; may be repeated")
	flags.StringVar(&l.orderID, "order-id", "", "list only payments of order `id`")
	flags.BoolVar(&l.all, "all", false, "list all pages")
	c.choiceFlag(cmd, &l.sort, "sort", "field", "sort by `field`", words("created_at", "payment_id", "order_id", "purchase_id", "price_amount", "price_currency"))
	c.choiceFlag(cmd, &l.order, "order", "asc|desc", "sort in ascending or descending order", words("desc", "asc"))
	exclude(cmd, "all", "limit")
	exclude(cmd, "order-id", "limit", "page", "invoice-id", "to", "sort", "order") // FindOrder has no use for them
	c.completeFlag(cmd, "status", statuses)
	return cmd
}

// parse sets the options of the request from the flags.
func (l *listOptions) parse() (err error) {
	l.SortBy, l.OrderBy, l.InvoiceID = jovepay.SortField(l.sort), jovepay.SortOrder(l.order), jovepay.ID(l.invoice)
	if l.DateFrom, err = date("--from", l.from); err != nil {
		return err
	}
	if l.DateTo, err = date("--to", l.to); err != nil {
		return err
	}
	if l.all {
		l.Limit = 0
	}
	return nil
}

// matches reports whether a payment has one of the requested statuses.
func (l *listOptions) matches(p *jovepay.Payment) bool {
	return len(l.status) == 0 || slices.Contains(l.status, string(p.Status))
}

func (c *cli) list(ctx context.Context, client *jovepay.Client, l listOptions) error {
	switch {
	case l.orderID != "":
		found, err := client.Payments.FindOrder(ctx, l.orderID, l.DateFrom)
		if err != nil {
			return err
		}
		return c.stream(func(yield func(*jovepay.Payment, error) bool) {
			for _, p := range found {
				if l.matches(p) && !yield(p, nil) {
					return
				}
			}
		})
	case l.all:
		return c.stream(func(yield func(*jovepay.Payment, error) bool) {
			for p, err := range client.Payments.All(ctx, l.PaymentListOptions) {
				if (err != nil || l.matches(p)) && !yield(p, err) {
					return
				}
			}
		})
	}
	page, err := client.Payments.List(ctx, l.PaymentListOptions)
	if err != nil {
		return err
	}
	shown := []*jovepay.Payment{} // not nil, which JSON would write as null
	for _, p := range page.Payments {
		if l.matches(p) {
			shown = append(shown, p)
		}
	}
	page.Payments = shown
	return c.print.Show(page, func(t *output.Text) {
		rows := make([][]string, len(shown))
		for i, p := range shown {
			rows[i] = output.PaymentRow(p)
		}
		t.Table(output.PaymentHeadings(), rows)
		t.Line("page %d of %d, %d payments in total", page.Page+1, max(1, page.PagesCount), page.Total)
	})
}

// stream prints payments as they arrive. If reading fails, those that arrived
// before are printed nevertheless.
func (c *cli) stream(payments iter.Seq2[*jovepay.Payment, error]) error {
	if c.print.JSON {
		for p, err := range payments {
			if err != nil {
				return err
			}
			if err := c.print.Document(p); err != nil {
				return err
			}
		}
		return nil
	}
	table := paymentTable{print: c.print}
	for p, err := range payments {
		if err != nil && len(table.rows) == 0 {
			return err
		}
		if err != nil {
			return errors.Join(err, table.flush())
		}
		if err := table.add(p); err != nil {
			return err
		}
	}
	return table.flush()
}

// paymentTable prints payments in batches of 100. The columns fit the first
// batch.
type paymentTable struct {
	print  *output.Printer
	rows   [][]string
	widths []int
}

func (t *paymentTable) add(p *jovepay.Payment) error {
	if t.rows = append(t.rows, output.PaymentRow(p)); len(t.rows) < 100 {
		return nil
	}
	return t.flush()
}

func (t *paymentTable) flush() error {
	rows := t.rows
	t.rows = nil
	if t.widths == nil {
		if len(rows) == 0 {
			return t.print.Text(func(text *output.Text) { text.Line("no matching payments") })
		}
		t.widths = output.Columns(output.PaymentHeadings(), rows)
		rows = append([][]string{output.PaymentHeadings()}, rows...)
	}
	return t.print.Text(func(text *output.Text) {
		for _, row := range rows {
			text.Row(t.widths, row)
		}
	})
}

// addLoginHint adds to the error of a payment list without a login what to set.
func addLoginHint(err error) error {
	if invalid, ok := errors.AsType[*jovepay.ValidationError](err); ok && invalid.Field == "credentials" {
		return fail.With(fail.Unauthorized, "To list payments, set JOVEPAY_EMAIL and JOVEPAY_PASSWORD, or --email and --password-file.", err)
	}
	return err
}
