package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
	"github.com/jovepay/jovepay-go/orders"
)

// words returns the functions of the templates.
func words() template.FuncMap {
	return template.FuncMap{
		"coin":   coin,
		"ticker": ticker,
		"amount": amount,
		"moment": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// amount returns an amount with its currency, joined by a no-break space.
func amount(a jovepay.Amount, currency string) string {
	return a.String() + "\u00a0" + ticker(currency)
}

// ticker returns the ticker of a currency as wallets show it, without a network.
func ticker(currency string) string {
	switch currency {
	case "usdttrc20", "usdterc20":
		return "USDT"
	case "bnbbsc":
		return "BNB"
	}
	return strings.ToUpper(currency)
}

// coin returns the name of a coin, with its network if it has several.
func coin(ticker string) string {
	switch ticker {
	case "btc":
		return "Bitcoin"
	case "eth":
		return "Ether"
	case "ltc":
		return "Litecoin"
	case "trx":
		return "Tron"
	case "usdttrc20":
		return "Tether USD on Tron"
	case "usdterc20":
		return "Tether USD on Ethereum"
	case "xrp":
		return "XRP"
	case "xlm":
		return "Stellar"
	case "bnbbsc":
		return "BNB on BSC"
	case "sol":
		return "Solana"
	case "doge":
		return "Dogecoin"
	case "xmr":
		return "Monero"
	}
	return strings.ToUpper(ticker)
}

// review is what happens to a payment that does not fit.
const review = "We will check it and get back to you. Please don't send anything else."

// describe returns the title and the text for the state of an order.
func describe(o *shop.Order) (title string, text []string) {
	main := decisive(o)
	got := received(o, main)
	switch o.State {
	case shop.StatePending:
		return pending(o)
	case shop.StateWaiting:
		if o.Method == shop.ByInvoice {
			return "Waiting for your payment", []string{"Pay on JovePay’s page. This page updates when your coins arrive."}
		}
		with := ""
		if o.Memo != "" {
			with = ", with the memo " + o.Memo
		}
		return "Waiting for your payment", []string{fmt.Sprintf("Send exactly %s to this address%s. This page updates when your coins arrive.", amount(o.PayAmount, o.PayCurrency), with)}
	case shop.StateConfirming:
		return "Confirming your payment", []string{fmt.Sprintf("We have detected %s on the network. Confirmation takes a few minutes. You don't need to do anything.", detected(o))}
	case shop.StatePaid:
		return "Paid, thank you", []string{"Here is your ticket. Show the code at the door."}
	case shop.StateOverpaid:
		return "Paid, and more than the price", []string{"Here is your ticket. Show the code at the door."}
	case shop.StateUnderpaid:
		text = []string{fmt.Sprintf("We received %s, which is less than the price.", got)}
		missing := amount(missing(o), o.PayCurrency) + " missing"
		if o.Method == shop.ByAddress {
			return missing, append(text, "You can send the rest to the same address. It counts as a second payment, so we check it before you get your ticket.")
		}
		return missing, append(text, "Write to us with your order number. We will tell you how to pay the rest, or refund you.")
	case shop.StateWrongAsset:
		return "We are checking your payment", []string{fmt.Sprintf("We received %s, but we asked for %s.", got, coin(o.PayCurrency)), review}
	case shop.StateRepeated:
		return "We are checking your payment", []string{fmt.Sprintf("We received %s as an additional payment.", got), review}
	case shop.StateReview:
		return "We are checking your payment", []string{"We received a payment that doesn't match this order.", review}
	case shop.StateExpired:
		return "This order has expired", []string{"No coins arrived in time, and you were not charged. Please don't send any to the old address."}
	case shop.StateFailed:
		return "The payment failed", []string{"You were not given a ticket. If coins have left your wallet, write to us with your order number."}
	case shop.StateReturned, shop.StateRefunded:
		return "Your payment was refunded", []string{"This order is closed, and its ticket is not valid."}
	case shop.StateCanceled:
		return "This order was canceled", []string{"Please don't send any coins for it."}
	}
	return "Your order", nil
}

func pending(o *shop.Order) (title string, text []string) {
	switch o.Trouble {
	case shop.TroubleUnknown:
		return "We don't know yet whether your payment was created", []string{
			"The connection to JovePay was lost. You have not been charged. Try again: if the payment exists, we will find it, and you won't pay twice.",
		}
	case shop.TroubleRejected:
		return "Your payment could not be created", []string{"You have not been charged. Try again, or choose another currency."}
	default:
		return "Creating your payment", []string{"This takes a few seconds."}
	}
}

// decisive returns the open case that put the order in its state, or nil.
func decisive(o *shop.Order) *orders.Case {
	for _, c := range o.OpenCases() {
		if shop.CaseState(c) == o.State {
			return c
		}
	}
	return nil
}

// received returns the coins that a case is about in words: of a sum, those that
// came later.
func received(o *shop.Order, c *orders.Case) string {
	if c == nil || len(c.Deposits) == 0 {
		return "coins"
	}
	deposits := slices.DeleteFunc(slices.Clone(c.Deposits), func(d orders.Deposit) bool {
		p := o.Payment(d.PaymentID)
		return c.Kind == orders.CaseTopUp && p != nil && p.ParentID == ""
	})
	var parts []string
	for _, d := range deposits {
		parts = append(parts, coins(d.Amount, d.Coin))
	}
	return strings.Join(parts, " and ")
}

// detected returns the coins that are being confirmed in words.
func detected(o *shop.Order) string {
	for _, p := range o.Payments {
		switch p.Status {
		case jovepay.PaymentConfirming, jovepay.PaymentConfirmed, jovepay.PaymentSending:
			return coins(p.Received, p.Coin)
		}
	}
	return "coins"
}

// missing returns what is missing of an underpaid order.
func missing(o *shop.Order) jovepay.Amount {
	if c := decisive(o); c != nil && len(c.Deposits) > 0 {
		if p := o.Payment(c.Deposits[0].PaymentID); p != nil {
			return p.Left
		}
	}
	return jovepay.Amount{}
}

// notes returns what the customer should know besides the state.
func notes(o *shop.Order) (notes []string) {
	for _, b := range o.Money {
		if b.Bucket == orders.BucketExcess {
			notes = append(notes, fmt.Sprintf("You sent %s too much. Write to us with your order number for a refund.", amount(b.Amount, b.Coin)))
		}
	}
	for _, c := range o.OpenCases() {
		got := received(o, c)
		switch state := shop.CaseState(c); {
		case state == o.State || c.Kind == orders.CaseHook:
		case state == shop.StateRepeated:
			notes = append(notes, "We received "+got+" as an additional payment. "+review)
		case state == shop.StateWrongAsset:
			notes = append(notes, "We received "+got+" in another currency than we asked for. "+review)
		case state == shop.StateReview:
			notes = append(notes, "We received a payment that doesn't match this order. "+review)
		}
	}
	return notes
}

// line is an entry of the history.
type line struct {
	At   time.Time
	Text string
}

// history returns what happened to an order, the oldest first.
func history(o *shop.Order) []line {
	lines := []line{{o.Created, "Order placed"}}
	listed := map[string]bool{} // a payment that does not fit is listed once
	for _, e := range o.History {
		text, once := note(o, e)
		if text == "" || once != "" && listed[once] {
			continue
		}
		listed[once] = true
		lines = append(lines, line{e.At, text})
	}
	return lines
}

// coins returns coins in words. JovePay does not report their amount in all
// events.
func coins(a jovepay.Amount, ticker string) string {
	if a.Sign() > 0 {
		return amount(a, ticker)
	}
	return "coins"
}

// note puts an event into words. It returns no text for those that are not for the
// customer, and a key for those that are listed once.
func note(o *shop.Order, e orders.Event) (text, once string) {
	switch {
	case e.Kind == orders.EventDecided && e.Decision == orders.DecisionAccept:
		return "Ticket issued after a manual review", "accepted"
	case e.Kind == orders.EventCanceled:
		return "Order canceled", ""
	case e.Kind == orders.EventPayment:
		return noteOf(o, e)
	}
	return "", ""
}

// noteOf puts the news of a payment into words.
func noteOf(o *shop.Order, e orders.Event) (text, once string) {
	p := o.Payment(e.PaymentID)
	if p == nil {
		return "", ""
	}
	switch {
	case e.Status == jovepay.PaymentRefunded:
		return "Payment refunded", ""
	case p.ParentID != "":
		return "Received " + coins(p.Received, p.Coin) + " as an additional payment", string(p.ID)
	case p.ShownFor == "" && p.InvoiceID == "":
		return "Received a payment that doesn't match", string(p.ID)
	case e.Coin != cmp.Or(p.ShownFor, o.PayCurrency):
		return "Received " + coins(e.Received, e.Coin) + " in another currency", string(p.ID)
	}
	return progress(e.Status, coins(e.Received, e.Coin)), ""
}

// progress puts a status of the order's own payment into words.
func progress(status jovepay.PaymentStatus, got string) string {
	switch status {
	case jovepay.PaymentWaiting:
		return "Payment created"
	case jovepay.PaymentConfirming:
		return "Detected " + got + " on the network"
	case jovepay.PaymentConfirmed:
		return "Confirmed " + got
	case jovepay.PaymentSending:
		return "JovePay is sending us " + got
	case jovepay.PaymentFinished:
		return "Received " + got
	case jovepay.PaymentPartiallyPaid:
		return "Received " + got + ", which is not enough"
	default:
		return "Payment " + string(status)
	}
}
