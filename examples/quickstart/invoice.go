package main

import (
	"context"

	"github.com/jovepay/jovepay-go"
)

// invoiceFlow is the guide's "Alternative Flow (Using Invoices)": the customer
// pays on JovePay's page.
func (d *demo) invoiceFlow(ctx context.Context) error {
	price, order := jovepay.MustAmount("20"), "order-1002"
	d.expect(order, price)
	invoice, err := d.client.Invoices.Create(ctx, jovepay.InvoiceRequest{
		PriceAmount: price, PriceCurrency: "usd",
		OrderID: order, IPNCallbackURL: d.ipnURL, SuccessURL: "https://shop.example/thanks",
	})
	if err != nil {
		return err
	}
	d.say("invoice", "%s for %s: %s %s", invoice.ID, invoice.OrderID, invoice.PriceAmount, invoice.PriceCurrency)
	d.say("", "send the customer to %s", invoice.URL)
	if d.emulator == nil {
		return nil
	}
	d.say("customer", "opens it and chooses trx")
	payment, err := d.emulator.CheckOut(invoice.ID, "trx")
	if err != nil {
		return err
	}
	return d.pay(ctx, payment.ID)
}
