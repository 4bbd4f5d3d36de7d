package page

import "github.com/jovepay/jovepay-go"

// step is one stage on the way of a payment.
type step struct {
	Label string
	State string // "done", "now", "partly" or "bad" where it ended, "" for what is to come
}

// outlook is what the status of a payment means to the customer.
type outlook struct {
	Label    string // a word or two
	Tone     string // waiting, moving, good, partly or bad: the sign and the color
	Headline string
	Detail   string
	Steps    []step
}

// outlookOf puts the status of a payment into words.
func outlookOf(p *jovepay.Payment) outlook {
	switch p.Status {
	case jovepay.PaymentWaiting:
		return outlook{"Waiting", "waiting", "Waiting for your payment",
			"Send the amount below. This page tells when it arrives.", way(0)}
	case jovepay.PaymentConfirming:
		return outlook{"Confirming", "moving", "Payment seen, being confirmed",
			"The network confirms the coins. You need not do anything.", way(1)}
	case jovepay.PaymentConfirmed:
		return outlook{"Confirmed", "moving", "Payment confirmed",
			"The coins have arrived for good, and go on to the shop.", way(2)}
	case jovepay.PaymentSending:
		return outlook{"Sending", "moving", "On the way to the shop",
			"The coins are being sent to the shop.", way(3)}
	case jovepay.PaymentFinished:
		return outlook{"Finished", "good", "Paid", "The shop has its money. Thank you.", way(5)}
	case jovepay.PaymentPartiallyPaid:
		return outlook{"Partially paid", "partly", "Paid only in part",
			"Less arrived than was asked for. The shop will tell you how to go on.", way(4, "Paid in part", "partly")}
	case jovepay.PaymentFailed:
		return outlook{"Failed", "bad", "The payment failed",
			"Something went wrong on the way. Please ask the shop.", way(1, "Failed", "bad")}
	case jovepay.PaymentExpired:
		return outlook{"Expired", "bad", "The time is over",
			"No coins arrived in time. Please do not send any now, and order again.", way(0, "Expired", "bad")}
	case jovepay.PaymentRefunded:
		return outlook{"Refunded", "partly", "Paid back",
			"The coins were sent back to you.", way(2, "Paid back", "partly")}
	case jovepay.PaymentCancelled, jovepay.PaymentCanceled:
		return outlook{"Cancelled", "bad", "The payment was cancelled",
			"Please do not send coins to this address.", way(0, "Cancelled", "bad")}
	case jovepay.PaymentWrongAssetConfirmed:
		return outlook{"Wrong coin", "partly", "Another coin arrived",
			"Another coin than was asked for arrived. The shop will tell you how to go on.", way(3, "Wrong coin", "partly")}
	}
	return outlook{string(p.Status), "moving", "Status: " + string(p.Status),
		"This page does not know the status. JovePay may add new ones; so may this sandbox's user.", nil}
}

// way returns the stages of a payment of which so many are done. If it ended
// before its goal, the end with its state stands in the place of what was to
// come.
func way(done int, end ...string) []step {
	labels := []string{"Waiting", "Confirming", "Confirmed", "Sending", "Finished"}
	var steps []step
	for i, label := range labels {
		switch {
		case i < done:
			steps = append(steps, step{label, "done"})
		case len(end) > 0:
			return append(steps, step{end[0], end[1]})
		case i == done:
			steps = append(steps, step{label, "now"})
		default:
			steps = append(steps, step{label, ""})
		}
	}
	return steps
}
