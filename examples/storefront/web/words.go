package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/examples/storefront/shop"
)

// words are the functions of the templates.
func words() template.FuncMap {
	return template.FuncMap{
		"coin":   coin,
		"upper":  strings.ToUpper,
		"amount": amount,
		"moment": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// amount writes an amount with its currency, on one line.
func amount(a jovepay.Amount, currency string) string {
	return a.String() + "\u00a0" + strings.ToUpper(currency)
}

// coin returns the name of a coin, with its network where there are several.
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

// look is what happens to a payment that does not fit.
const look = "A person here will look at it and put it right. Please do not send anything more."

// tell says how an order stands.
func tell(o *shop.Order) (title string, text []string) {
	main := decisive(o)
	came, asked := arrived(&main.News), coin(o.PayCurrency)
	switch o.State {
	case shop.StatePending:
		return pending(o)
	case shop.StateWaiting:
		if o.Method == shop.ByInvoice {
			return "Waiting for your payment", []string{"You pay on JovePay’s page. This page tells when your coins have arrived."}
		}
		with := ""
		if o.Memo != "" {
			with = ", with the memo " + o.Memo
		}
		return "Waiting for your payment", []string{fmt.Sprintf("Send exactly %s to this address%s. This page tells when your coins have arrived.", amount(o.PayAmount, o.PayCurrency), with)}
	case shop.StateConfirming:
		return "Your coins are being confirmed", []string{fmt.Sprintf("%s arrived on the network. This takes some minutes, and there is nothing left for you to do.", came)}
	case shop.StatePaid:
		return "Paid, thank you", []string{"Here is your ticket. Show its code at the door."}
	case shop.StateOverpaid:
		return "Paid, and more than was asked", []string{"Here is your ticket. Show its code at the door."}
	case shop.StateUnderpaid:
		text = []string{fmt.Sprintf("%s came, which is not the whole price.", came)}
		if o.Method == shop.ByAddress {
			return missing(main), append(text, "You can send what is missing to the same address. It arrives as a second payment, so a person here checks it before you get your ticket.")
		}
		return missing(main), append(text, "Write to us with the number of your order: we tell you how to pay the rest, or send back what came.")
	case shop.StateWrongAsset:
		return "A person will look at your payment", []string{fmt.Sprintf("%s came, but we asked for %s.", came, asked), look}
	case shop.StateRepeated:
		return "A person will look at your payment", []string{fmt.Sprintf("%s came as a further payment.", came), look}
	case shop.StateReview:
		return "A person will look at your payment", []string{"A payment came that does not fit this order.", look}
	case shop.StateExpired:
		return "This order has expired", []string{"No coins came in time, and nothing was charged. Please do not send any to the old address."}
	case shop.StateFailed:
		return "The payment failed", []string{"It was not completed, and you have no ticket. If coins have left your wallet, write to us with the number of your order."}
	case shop.StateReturned, shop.StateRefunded:
		return "Your payment was sent back", []string{"This order is closed, and no ticket is valid for it."}
	}
	return "Your order", nil
}

// excess says what is with coins beyond the price.
func excess(n shop.Deposit) string {
	return fmt.Sprintf("You sent %s too much. Write to us with the number of your order, and we send it back.", amount(n.Difference, n.PayCurrency))
}

func missing(n shop.Deposit) string {
	return amount(n.Difference, n.PayCurrency) + " are missing"
}

func pending(o *shop.Order) (title string, text []string) {
	switch o.Trouble {
	case shop.TroubleUnknown:
		return "We do not know yet whether your payment was set up", []string{
			"The answer got lost on the way. Nothing was charged. Try again: if the payment is there, we find it, and you will not pay twice.",
		}
	case shop.TroubleRefused:
		return "Your payment could not be set up", []string{"Nothing was charged. Try again, or choose another currency."}
	default:
		return "Your payment is being set up", []string{"This takes a few seconds."}
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

// deposited says what is with a deposit beside the one that counts.
func deposited(d shop.Deposit) string {
	came := arrived(&d.News)
	switch d.State {
	case shop.StateRepeated:
		return came + " came as a further payment. " + look
	case shop.StateWrongAsset:
		return came + " came, in another currency than we asked for. " + look
	default:
		return "A payment came that does not fit this order. " + look
	}
}

// line is one of the history.
type line struct {
	At   time.Time
	Text string
}

// history tells what happened to an order, the oldest first.
func history(o *shop.Order) []line {
	lines := []line{{o.Created, "Order placed"}}
	told := map[jovepay.ID]bool{} // payments that do not fit are told of once
	for i := range o.News {
		n := &o.News[i]
		text, odd := note(n)
		if odd && told[n.PaymentID] {
			continue
		}
		told[n.PaymentID] = odd
		lines = append(lines, line{n.At, text})
	}
	return lines
}

// arrived begins a sentence with the coins of a payment. JovePay does not tell
// in all news how many there are.
func arrived(n *shop.News) string {
	if n.ActuallyPaid.Sign() > 0 {
		return amount(n.ActuallyPaid, n.PayCurrency)
	}
	return "Coins"
}

// note puts news into words, and says whether they are of a payment that does
// not fit.
func note(n *shop.News) (text string, odd bool) {
	came := arrived(n)
	switch {
	case n.Decision == shop.DecisionIssued:
		return "Ticket issued, after a person here looked at what came", false
	case n.Status == jovepay.PaymentRefunded:
		return "Payment sent back", false
	case n.Decision == jovepay.DecisionRepeated:
		return came + " came as a further payment", true
	case n.Decision == jovepay.DecisionWrongAsset:
		return came + " came in another currency", true
	case n.Decision == jovepay.DecisionMismatch || n.Decision == jovepay.DecisionUnknown:
		return "A payment came that does not fit", true
	}
	return happened(n.Status, came), false
}

// happened tells of a payment that is on its ordinary way.
func happened(status jovepay.PaymentStatus, came string) string {
	switch status {
	case jovepay.PaymentWaiting:
		return "Payment set up"
	case jovepay.PaymentConfirming:
		return came + " seen on the network"
	case jovepay.PaymentConfirmed:
		return came + " confirmed"
	case jovepay.PaymentSending:
		return came + " being paid out"
	case jovepay.PaymentFinished:
		return came + " received"
	case jovepay.PaymentPartiallyPaid:
		return came + " received, which is not enough"
	default:
		return "Payment " + string(status)
	}
}
