package page

import "github.com/jovepay/jovepay-go"

// step is one stage of a payment.
type step struct {
	Label string
	State string // "done", "now", "" if it is to come; "partly" or "bad" if the payment ended here
}

// outlook is what the status of a payment means to the customer.
type outlook struct {
	Label    string // a word or two
	Tone     string // waiting, moving, good, partly or bad: selects the icon and the color
	Headline string
	Detail   string
	Steps    []step
}

// outlookOf puts a status into words.
func outlookOf(status jovepay.PaymentStatus) outlook {
	switch status {
	case jovepay.PaymentWaiting:
		return outlook{"Waiting", "waiting", "Waiting for your payment",
			"Send the amount below. This page updates when it arrives.", way(0)}
	case jovepay.PaymentConfirming:
		return outlook{"Confirming", "moving", "Payment detected",
			"The network is confirming it. You don't need to do anything.", way(1)}
	case jovepay.PaymentConfirmed:
		return outlook{"Confirmed", "moving", "Payment confirmed",
			"The network has confirmed the coins. They go to the shop next.", way(2)}
	case jovepay.PaymentSending:
		return outlook{"Sending", "moving", "Sending to the shop",
			"JovePay is sending the coins to the shop.", way(3)}
	case jovepay.PaymentFinished:
		return outlook{"Finished", "good", "Paid", "The shop has received your payment. Thank you.", way(5)}
	case jovepay.PaymentPartiallyPaid:
		return outlook{"Partially paid", "partly", "Partially paid",
			"You sent less than the amount due. The shop will tell you what to do next.", way(4, "Partially paid", "partly")}
	case jovepay.PaymentFailed:
		return outlook{"Failed", "bad", "Payment failed",
			"JovePay could not complete the payment. Please contact the shop.", way(1, "Failed", "bad")}
	case jovepay.PaymentExpired:
		return outlook{"Expired", "bad", "Payment expired",
			"No coins arrived in time. Please don't send any now; place a new order instead.", way(0, "Expired", "bad")}
	case jovepay.PaymentRefunded:
		return outlook{"Refunded", "partly", "Payment refunded",
			"JovePay has sent the coins back to you.", way(2, "Refunded", "partly")}
	case jovepay.PaymentCancelled, jovepay.PaymentCanceled:
		return outlook{"Canceled", "bad", "Payment canceled",
			"Please don't send coins to this address.", way(0, "Canceled", "bad")}
	case jovepay.PaymentWrongAssetConfirmed:
		return outlook{"Wrong coin", "partly", "Wrong coin received",
			"This isn't the coin that the shop asked for. The shop will tell you what to do next.", way(3, "Wrong coin", "partly")}
	}
	return outlook{string(status), "moving", "Status: " + string(status),
		"This page doesn't know the status. JovePay may add new ones, and the sandbox can set any.", nil}
}

// way returns the stages of a payment, of which the first n are done. If the
// payment ended early, end is the label and the state of its last stage.
func way(n int, end ...string) []step {
	labels := []string{"Waiting", "Confirming", "Confirmed", "Sending", "Finished"}
	var steps []step
	for i, label := range labels {
		switch {
		case i < n:
			steps = append(steps, step{label, "done"})
		case len(end) > 0:
			return append(steps, step{end[0], end[1]})
		case i == n:
			steps = append(steps, step{label, "now"})
		default:
			steps = append(steps, step{label, ""})
		}
	}
	return steps
}
