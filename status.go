package jovepay

// PaymentStatus is the status of a payment. Values that JovePay may add later survive a
// round trip; see [PaymentStatus.Known]. JovePay's guide shows only "finished"; the
// others are not documented by JovePay. Its shop plugins use them, or the API that
// JovePay's mirrors, or published notifications of that API.
type PaymentStatus string

// The statuses of a payment. The first five are those of a successful payment, in
// order; the others end it in another way.
const (
	PaymentWaiting       PaymentStatus = "waiting"        // for the customer's coins
	PaymentConfirming    PaymentStatus = "confirming"     // coins seen on the blockchain
	PaymentConfirmed     PaymentStatus = "confirmed"      // enough confirmations
	PaymentSending       PaymentStatus = "sending"        // in transit to the payout wallet
	PaymentFinished      PaymentStatus = "finished"       // arrived in the payout wallet
	PaymentPartiallyPaid PaymentStatus = "partially_paid" // money arrived, but not enough
	PaymentFailed        PaymentStatus = "failed"
	PaymentRefunded      PaymentStatus = "refunded"
	PaymentExpired       PaymentStatus = "expired" // no coins in time
	PaymentCancelled     PaymentStatus = "cancelled"
	PaymentCanceled      PaymentStatus = "canceled" // PaymentCancelled in the other spelling; JovePay may use either

	// PaymentWrongAssetConfirmed: coins of another asset than the requested one
	// have enough confirmations. A person decides.
	PaymentWrongAssetConfirmed PaymentStatus = "wrong_asset_confirmed"
)

// Known reports whether s is one of this package's constants.
func (s PaymentStatus) Known() bool {
	switch s {
	case PaymentWaiting, PaymentConfirming, PaymentConfirmed, PaymentSending:
		return true
	}
	return s.Final()
}

// Final reports whether the payment normally changes no more. A refund can still follow
// finished; more coins can follow partially_paid, as a repeated deposit with its own
// payment id; and coins can arrive after expired or failed, for the same payment.
func (s PaymentStatus) Final() bool {
	switch s {
	case PaymentFinished, PaymentPartiallyPaid, PaymentFailed, PaymentRefunded, PaymentExpired,
		PaymentCancelled, PaymentCanceled, PaymentWrongAssetConfirmed:
		return true
	}
	return false
}
