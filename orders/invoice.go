package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jovepay/jovepay-go"
)

// InvoiceOptions are what an order's invoice can have. The first call of
// [Book.Invoice] for an order decides. The zero value lets the customer choose the
// coin.
type InvoiceOptions struct {
	Coin             string // ticker, to leave the customer no choice
	SuccessURL       string // where to send the customer after paying
	CancelURL        string // after giving up
	PartiallyPaidURL string // after paying too little
}

// Invoice returns the hosted page for the order, and creates it if there is none.
// Everyone gets the same one: if it is not known whether JovePay created an
// invoice, another is created, since nobody saw the first. For invoices the wait
// for that is the send time of [WithTimes].
//
// Errors are those of [Book.Pay], without ErrCoinsSeen and ErrTooManyPayments.
func (b *Book[Tx]) Invoice(ctx context.Context, orderID string, opts InvoiceOptions) (*Invoice, error) {
	return fly(ctx, b, orderID+"\x00"+invoiceCoin, func(ctx context.Context) (*Invoice, error) {
		for waits := 0; ; waits++ {
			began := time.Now()
			invoice, intent, err := b.lookForInvoice(ctx, orderID)
			switch {
			case err != nil:
				return nil, err
			case invoice != nil:
				return invoice, nil
			case intent != nil:
				err = b.sendInvoice(ctx, orderID, opts, intent, began)
			default:
				err = sleep(ctx, min(10*time.Millisecond<<min(waits, 10), 500*time.Millisecond))
			}
			if err != nil {
				return nil, err
			}
		}
	})
}

// lookForInvoice returns the order's invoice, or an intent to create it that this
// call has begun, or neither while another process creates it.
func (b *Book[Tx]) lookForInvoice(ctx context.Context, orderID string) (invoice *Invoice, begun *intentDoc, err error) {
	judge := func(d *draft) error {
		invoice, begun = nil, nil
		pic := b.derive(d.known())
		i := d.intents[invoiceCoin]
		switch {
		case pic.state.isClosed():
			return closed(orderID, pic.state)
		case i != nil && i.State == intentOpen:
			invoice = &Invoice{ID: i.InvoiceID, OrderID: orderID, URL: i.URL}
			return errUnchanged
		case i != nil && i.State == intentSending && !i.isPast(d.now):
			return errUnchanged
		}
		begun = &intentDoc{State: intentSending, Token: newToken(), Began: d.now, Deadline: d.now.Add(b.sendTime)}
		d.intents[invoiceCoin] = begun
		return nil
	}
	d, err := b.read(ctx, orderID)
	if err != nil {
		return nil, nil, err
	}
	if err := judge(d); err != nil {
		if errors.Is(err, errUnchanged) {
			err = nil
		}
		return invoice, nil, err
	}
	err = b.record(ctx, orderID, judge)
	return invoice, begun, err
}

// sendInvoice creates the invoice of an intent that is committed.
func (b *Book[Tx]) sendInvoice(ctx context.Context, orderID string, opts InvoiceOptions, i *intentDoc, began time.Time) error {
	order, err := b.load(ctx, orderID)
	if err != nil {
		return err
	}
	deadline := began.Add(b.sendTime)
	sending, cancel := context.WithDeadline(jovepay.SendBefore(ctx, deadline), deadline)
	created, err := b.client.Invoices.Create(sending, jovepay.InvoiceRequest{
		PriceAmount: order.PriceAmount, PriceCurrency: order.PriceCurrency, PayCurrency: opts.Coin,
		OrderID: orderID, OrderDescription: order.Description, IPNCallbackURL: b.callback,
		SuccessURL: opts.SuccessURL, CancelURL: opts.CancelURL, PartiallyPaidURL: opts.PartiallyPaidURL,
	})
	cancel()
	if err == nil && created.URL == "" {
		err = fmt.Errorf("invoice %s has no URL", created.ID)
	}
	if err != nil {
		freed := b.endIntent(ctx, orderID, invoiceCoin, i.Token, func(_ *draft, own *intentDoc) { own.free() })
		return errors.Join(fmt.Errorf("orders: invoice for order %.100q: %w", orderID, err), freed)
	}
	return b.endIntent(ctx, orderID, invoiceCoin, i.Token, func(d *draft, own *intentDoc) {
		own.State, own.InvoiceID, own.URL = intentOpen, created.ID, created.URL
		d.note(Event{Kind: EventInvoice})
	})
}
