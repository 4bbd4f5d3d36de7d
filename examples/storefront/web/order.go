package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

// orderPage is the page of an order.
type orderPage struct {
	*shop.Order

	Item     shop.Item
	Title    string
	Text     []string       // paragraphs
	ToPay    jovepay.Amount // in PayCurrency: the price, or what is missing
	QR       template.HTML  // of the address; empty if there is none to pay to
	Notes    []string       // on excess and additional deposits
	History  []line
	Customer string // URL of the page to play the customer on; empty for real payments
}

// Refresh is the seconds after which a page without a script reloads; 0 for
// never.
func (o *orderPage) Refresh() int {
	switch {
	case o.State.Open():
		return 5
	case o.Over(), o.Ticket != "":
		return 0
	}
	return 30 // the customer or the shop may still fix it
}

// Version changes whenever the page has something new to show.
func (o *orderPage) Version() string {
	return fmt.Sprint(o.State, o.Trouble, o.PaymentID, len(o.Order.History))
}

// ShowAddress reports whether there is still something to pay to an address.
func (o *orderPage) ShowAddress() bool {
	return o.Method == shop.ByAddress && o.PayAddress != "" && (o.State == shop.StateWaiting || o.State == shop.StateUnderpaid)
}

// ShowInvoice reports whether there is still something to pay on JovePay's page.
func (o *orderPage) ShowInvoice() bool {
	return o.InvoiceURL != "" && o.State == shop.StateWaiting
}

// Over reports whether the order is closed.
func (o *orderPage) Over() bool {
	return o.State == shop.StateExpired || o.State == shop.StateFailed || o.State == shop.StateReturned || o.State == shop.StateRefunded || o.State == shop.StateCanceled
}

// order shows an order as a whole page, or only the part that changes.
func (p *pages) order(view string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		order, err := p.Shop.Find(r.Context(), r.PathValue("id"))
		if err != nil {
			p.fail(w, r, err)
			return
		}
		page, err := p.orderPage(order)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		p.show(w, r, http.StatusOK, view, page)
	}
}

func (p *pages) orderPage(order *shop.Order) (*orderPage, error) {
	item, err := shop.FindItem(order.Item)
	if err != nil {
		item = shop.Item{ID: order.Item, Name: order.Item} // no longer sold
	}
	page := &orderPage{Order: order, Item: item, History: history(order)}
	page.Title, page.Text = describe(order)
	page.Notes = notes(order)
	if page.ToPay = order.PayAmount; order.State == shop.StateUnderpaid {
		page.ToPay = missing(order)
	}
	if page.ShowAddress() {
		if page.QR, err = drawQR(order.PayAddress); err != nil {
			return nil, err
		}
		if p.Customer != nil {
			page.Customer = p.Customer(order.PaymentID)
		}
	}
	slices.Reverse(page.History) // the newest first
	return page, nil
}

// leave sends the customer to JovePay's page, with a page that goes there by
// itself: a redirect after a form would need JovePay's origin in form-action.
func (p *pages) leave(w http.ResponseWriter, r *http.Request) {
	order, err := p.Shop.Find(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		p.fail(w, r, err)
	case order.InvoiceURL == "" || order.State != shop.StateWaiting:
		http.Redirect(w, r, "/orders/"+order.ID, http.StatusSeeOther) //nolint:gosec // always below /orders/
	default:
		p.show(w, r, http.StatusOK, "leave", order)
	}
}
