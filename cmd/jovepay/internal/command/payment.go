package command

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/fail"
	"github.com/jovepay/jovepay-go/cmd/jovepay/internal/output"
)

// paymentStatuses lists the statuses in the order of a payment's life.
func paymentStatuses() []jovepay.PaymentStatus {
	return []jovepay.PaymentStatus{
		jovepay.PaymentWaiting, jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending, jovepay.PaymentFinished,
		jovepay.PaymentPartiallyPaid, jovepay.PaymentFailed, jovepay.PaymentRefunded, jovepay.PaymentExpired, jovepay.PaymentCancelled,
		jovepay.PaymentCanceled, jovepay.PaymentWrongAssetConfirmed,
	}
}

func (c *cli) paymentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "payment",
		Short: "Make payments, list them and watch them",
		Long: `A payment asks a customer for coins at an address of its own. "create" makes one,
"watch" follows it to its end, "get" shows it and "list" finds it again.`,
		Example: `  jovepay payment create 49.99 usd btc --order-id order-1001
  jovepay payment list`,
	}
	cmd.AddCommand(c.createPaymentCommand(), c.getPaymentCommand(), c.listPaymentsCommand(), c.watchPaymentCommand())
	return cmd
}

// when says when QR codes are drawn.
type when string

func (c *cli) qrFlag(cmd *cobra.Command, value *when, what string) {
	cmd.Flags().StringVar((*string)(value), "qr", "auto", what+": auto (on a terminal), always or never")
	c.completeFlag(cmd, "qr", func(context.Context) []cobra.Completion { return []cobra.Completion{"auto", "always", "never"} })
}

// draw reports whether there is to be a QR code.
func (w when) draw(p *output.Printer) (bool, error) {
	switch w {
	case "auto":
		return p.Terminal, nil
	case "always":
		return true, nil
	case "never":
		return false, nil
	}
	return false, fail.Usage("--qr: want auto, always or never, got %q", string(w))
}

// qrWidth is the room for a QR code: without a terminal there is enough.
func (c *cli) qrWidth() int {
	if c.print.Terminal {
		return c.print.Width()
	}
	return 1 << 10
}

func (c *cli) showPayment(p *jovepay.Payment, qr bool) error {
	return c.print.Show(p, func(t *output.Text) { t.Payment(p, qr, c.qrWidth(), c.print.Color) })
}

func (c *cli) getPaymentCommand() *cobra.Command {
	var qr when
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Show a payment",
		Long: `Shows where a payment stands. One that still waits for coins is shown with its
address as a QR code, if the output is a terminal, and with a warning if the
coins need a memo. With --json it is printed as JovePay tells it, with amounts
to the last digit.`,
		Example: `  jovepay payment get 5745459419
  jovepay payment get 5745459419 --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.complete(c.payments),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, err := qr.draw(c.print)
			if err != nil {
				return err
			}
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			p, err := client.Payments.Get(cmd.Context(), jovepay.ID(args[0]))
			if err != nil {
				return err
			}
			return c.showPayment(p, draw)
		},
	}
	c.qrFlag(cmd, &qr, "draw the address as a QR code")
	return cmd
}

// listing is what the list is asked for.
type listing struct {
	jovepay.PaymentListOptions
	from, to, sort, order, invoice string
	status                         []string
	orderID                        string
	all                            bool
}

func (c *cli) listPaymentsCommand() *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List payments",
		Long: `Lists payments, newest first, a page at a time. With --all it reads to the end,
however long the list is, and with --json prints one payment a line. The list
wants e-mail and password as well as the key.

--order-id finds the payments of one order, second deposits among them. JovePay
has no filter for it: all payments since --from are read.`,
		Example: `  jovepay payment list
  jovepay payment list --limit 5 --sort price_amount --order asc
  jovepay payment list --all --status waiting --status confirming
  jovepay payment list --order-id order-1001 --from 2026-11-01
  jovepay payment list --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.read(); err != nil {
				return err
			}
			client, _, err := c.account(cmd.Context())
			if err != nil {
				return err
			}
			return withoutLogin(c.list(cmd.Context(), client, l))
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&l.Limit, "limit", 20, "payments on a page, 1 to 500")
	flags.IntVar(&l.Page, "page", 0, "`number` of the page, from 0")
	flags.StringVar(&l.sort, "sort", string(jovepay.SortByCreatedAt), "`field` to sort by")
	flags.StringVar(&l.order, "order", string(jovepay.Descending), "asc or desc")
	flags.StringVar(&l.from, "from", "", "only payments created at this `time` or later (2026-11-01, 2026-11-01T12:00:00Z)")
	flags.StringVar(&l.to, "to", "", "only payments created at this `time` or earlier")
	flags.StringVar(&l.invoice, "invoice", "", "only payments on the invoice with this `id`")
	flags.StringArrayVar(&l.status, "status", nil, "only payments with this `status`, of those that are read; can be repeated")
	flags.StringVar(&l.orderID, "order-id", "", "only payments of this `order`")
	flags.BoolVar(&l.all, "all", false, "read all pages")
	cmd.MarkFlagsMutuallyExclusive("all", "limit")
	for _, flag := range []string{"limit", "page", "invoice", "to", "sort", "order"} {
		cmd.MarkFlagsMutuallyExclusive("order-id", flag) // it has no use for them
	}
	c.completeFlag(cmd, "status", statuses)
	c.completeFlag(cmd, "order", func(context.Context) []cobra.Completion { return []cobra.Completion{"desc", "asc"} })
	c.completeFlag(cmd, "sort", func(context.Context) []cobra.Completion {
		return []cobra.Completion{"created_at", "payment_id", "order_id", "purchase_id", "price_amount", "price_currency"}
	})
	return cmd
}

func (l *listing) read() (err error) {
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

// date reads a day or a point in time; a day begins at midnight UTC.
func date(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fail.Usage("%s: want a day such as 2026-11-01 or a time such as 2026-11-01T12:00:00Z, got %q", flag, text)
}

func (l *listing) wanted(p *jovepay.Payment) bool {
	return len(l.status) == 0 || slices.Contains(l.status, string(p.Status))
}

func (c *cli) list(ctx context.Context, client *jovepay.Client, l listing) error {
	switch {
	case l.orderID != "":
		found, err := client.Payments.FindOrder(ctx, l.orderID, l.DateFrom)
		if err != nil {
			return err
		}
		return c.stream(func(yield func(*jovepay.Payment, error) bool) {
			for _, p := range found {
				if l.wanted(p) && !yield(p, nil) {
					return
				}
			}
		})
	case l.all:
		return c.stream(func(yield func(*jovepay.Payment, error) bool) {
			for p, err := range client.Payments.All(ctx, l.PaymentListOptions) {
				if (err != nil || l.wanted(p)) && !yield(p, err) {
					return
				}
			}
		})
	}
	page, err := client.Payments.List(ctx, l.PaymentListOptions)
	if err != nil {
		return err
	}
	shown := page.Payments[:0:0]
	for _, p := range page.Payments {
		if l.wanted(p) {
			shown = append(shown, p)
		}
	}
	page.Payments = append([]*jovepay.Payment{}, shown...)
	return c.print.Show(page, func(t *output.Text) {
		rows := make([][]string, len(shown))
		for i, p := range shown {
			rows[i] = output.PaymentRow(p)
		}
		t.Table(output.PaymentHeadings(), rows)
		t.Line("page %d of %d, %d payments in all", page.Page+1, max(1, page.PagesCount), page.Total)
	})
}

// stream prints payments as they come: one document a line, or rows of a table
// whose columns fit the first hundred.
func (c *cli) stream(payments iter.Seq2[*jovepay.Payment, error]) error {
	var rows [][]string
	var widths []int
	flush := func() error {
		if widths == nil && len(rows) == 0 {
			return c.print.Text(func(t *output.Text) { t.Line("no such payment") })
		}
		if widths == nil {
			widths = output.Columns(output.PaymentHeadings(), rows)
			rows = append([][]string{output.PaymentHeadings()}, rows...)
		}
		waiting := rows
		rows = nil
		return c.print.Text(func(t *output.Text) {
			for _, row := range waiting {
				t.Row(widths, row)
			}
		})
	}
	for p, err := range payments {
		if err != nil {
			return errors.Join(err, flushed(c.print.JSON, flush))
		}
		if c.print.JSON {
			if err := c.print.Show(p, nil); err != nil {
				return err
			}
			continue
		}
		if rows = append(rows, output.PaymentRow(p)); len(rows) == 100 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flushed(c.print.JSON, flush)
}

func flushed(isJSON bool, flush func() error) error {
	if isJSON {
		return nil
	}
	return flush()
}

// withoutLogin adds what to do to the error of a payment list that needs
// credentials.
func withoutLogin(err error) error {
	if invalid := (*jovepay.ValidationError)(nil); errors.As(err, &invalid) && invalid.Field == "credentials" {
		return fail.With(fail.Unauthorized, "The payment list wants a login: set JOVEPAY_EMAIL and JOVEPAY_PASSWORD, or --email and --password-file.", err)
	}
	return err
}
