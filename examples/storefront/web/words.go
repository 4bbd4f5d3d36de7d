package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
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
	got, wanted := coins(&main.News), coin(o.PayCurrency)
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
		return "Confirming your payment", []string{fmt.Sprintf("We have detected %s on the network. Confirmation takes a few minutes. You don't need to do anything.", got)}
	case shop.StatePaid:
		return "Paid, thank you", []string{"Here is your ticket. Show the code at the door."}
	case shop.StateOverpaid:
		return "Paid, and more than the price", []string{"Here is your ticket. Show the code at the door."}
	case shop.StateUnderpaid:
		text = []string{fmt.Sprintf("We received %s, which is less than the price.", got)}
		if o.Method == shop.ByAddress {
			return missing(main), append(text, "You can send the rest to the same address. It counts as a second payment, so we check it before you get your ticket.")
		}
		return missing(main), append(text, "Write to us with your order number. We will tell you how to pay the rest, or refund you.")
	case shop.StateWrongAsset:
		return "We are checking your payment", []string{fmt.Sprintf("We received %s, but we asked for %s.", got, wanted), review}
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
	}
	return "Your order", nil
}

// excess returns the note on coins beyond the price.
func excess(n shop.Deposit) string {
	return fmt.Sprintf("You sent %s too much. Write to us with your order number for a refund.", amount(n.Difference, n.PayCurrency))
}

func missing(n shop.Deposit) string {
	return amount(n.Difference, n.PayCurrency) + " missing"
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

// decisive returns the deposit that put the order in its state.
func decisive(o *shop.Order) shop.Deposit {
	for _, deposit := range o.Deposits() {
		if deposit.State == o.State {
			return deposit
		}
	}
	return shop.Deposit{}
}

// additional returns the note on a deposit besides the one that counts.
func additional(d shop.Deposit) string {
	got := coins(&d.News)
	switch d.State {
	case shop.StateRepeated:
		return "We received " + got + " as an additional payment. " + review
	case shop.StateWrongAsset:
		return "We received " + got + " in another currency than we asked for. " + review
	default:
		return "We received a payment that doesn't match this order. " + review
	}
}

// line is an entry of the history.
type line struct {
	At   time.Time
	Text string
}

// history returns what happened to an order, the oldest first.
func history(o *shop.Order) []line {
	lines := []line{{o.Created, "Order placed"}}
	listed := map[jovepay.ID]bool{} // a payment that does not fit is listed once
	for i := range o.News {
		n := &o.News[i]
		text, odd := note(n)
		if odd && listed[n.PaymentID] {
			continue
		}
		listed[n.PaymentID] = odd
		lines = append(lines, line{n.At, text})
	}
	return lines
}

// coins returns the coins of a payment in words. JovePay does not report their
// amount in all events.
func coins(n *shop.News) string {
	if n.ActuallyPaid.Sign() > 0 {
		return amount(n.ActuallyPaid, n.PayCurrency)
	}
	return "coins"
}

// note puts news into words and reports whether they are about a payment that
// does not fit.
func note(n *shop.News) (text string, odd bool) {
	got := coins(n)
	switch {
	case n.Decision == shop.DecisionIssued:
		return "Ticket issued after a manual review", false
	case n.Status == jovepay.PaymentRefunded:
		return "Payment refunded", false
	case n.Decision == jovepay.DecisionRepeated:
		return "Received " + got + " as an additional payment", true
	case n.Decision == jovepay.DecisionWrongAsset:
		return "Received " + got + " in another currency", true
	case n.Decision == jovepay.DecisionMismatch || n.Decision == jovepay.DecisionUnknown:
		return "Received a payment that doesn't match", true
	}
	return progress(n.Status, got), false
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
