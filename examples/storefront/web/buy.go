package web

import (
	"errors"
	"net/http"

	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

func (p *pages) catalog(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "catalog", shop.Items())
}

// itemPage is the page of an item.
type itemPage struct {
	shop.Item

	OrderID string
	Ways    []shop.Way
	Problem string // with the previous choice, or empty
}

// Payable reports whether there is any way to pay.
func (i *itemPage) Payable() bool {
	for _, way := range i.Ways {
		if way.Payable() {
			return true
		}
	}
	return false
}

func (p *pages) item(w http.ResponseWriter, r *http.Request) {
	p.showItem(w, r, http.StatusOK, "")
}

func (p *pages) showItem(w http.ResponseWriter, r *http.Request, status int, problem string) {
	item, err := shop.FindItem(r.PathValue("item"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	ways, err := p.Shop.Ways(r.Context(), item)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, r, status, "item", &itemPage{item, shop.NewOrderID(), ways, problem})
}

// place takes an order and redirects to its page, even if there is no payment.
func (p *pages) place(w http.ResponseWriter, r *http.Request) {
	item, err := shop.FindItem(r.PathValue("item"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	choice := shop.Choice{
		OrderID:     r.PostFormValue("order"),
		Item:        item,
		PayCurrency: r.PostFormValue("currency"),
		Method:      shop.Method(r.PostFormValue("method")),
	}
	if choice.PayCurrency == "" {
		p.showItem(w, r, http.StatusUnprocessableEntity, "Please choose a currency.")
		return
	}
	err = p.Shop.Place(r.Context(), choice)
	if errors.Is(err, shop.ErrInvalidOrder) {
		p.showItem(w, r, http.StatusUnprocessableEntity, "You can't pay in this currency. Please choose another one.")
		return
	}
	p.redirect(w, r, choice.OrderID, err)
}

// retry creates the payment of an order that has none.
func (p *pages) retry(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	p.redirect(w, r, id, p.Shop.Retry(r.Context(), id))
}

// redirect leads to the page of an order, or to JovePay's.
func (p *pages) redirect(w http.ResponseWriter, r *http.Request, id string, err error) {
	if err != nil {
		p.Log.WarnContext(r.Context(), "payment not created", "order", id, "error", err)
	}
	order, found := p.Shop.Find(r.Context(), id)
	if found != nil {
		p.fail(w, r, errors.Join(found, err))
		return
	}
	to := "/orders/" + order.ID
	if err == nil && order.Method == shop.ByInvoice && order.InvoiceURL != "" {
		to += "/go"
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // always below /orders/
}
