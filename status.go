package jovepay

// PaymentStatus is where a payment stands. Values that JovePay may add later
// survive a round trip; see [PaymentStatus.Known]. The guide shows "finished"
// only; the others are not documented by JovePay, but its shop plugins and the
// API that JovePay's mirrors use them, or published notifications of that API
// have them.
type PaymentStatus string

// The statuses of a payment. The first five are a normal life in its order,
// the others end it in another way.
const (
	PaymentWaiting       PaymentStatus = "waiting"        // for the customer's coins
	PaymentConfirming    PaymentStatus = "confirming"     // coins seen on the blockchain
	PaymentConfirmed     PaymentStatus = "confirmed"      // enough confirmations
	PaymentSending       PaymentStatus = "sending"        // on the way to the payout wallet
	PaymentFinished      PaymentStatus = "finished"       // arrived in the payout wallet
	PaymentPartiallyPaid PaymentStatus = "partially_paid" // money came, but not enough
	PaymentFailed        PaymentStatus = "failed"
	PaymentRefunded      PaymentStatus = "refunded"
	PaymentExpired       PaymentStatus = "expired" // no coins in time
	PaymentCancelled     PaymentStatus = "cancelled"
	PaymentCanceled      PaymentStatus = "canceled" // PaymentCancelled in the other spelling: JovePay may use either

	// PaymentWrongAssetConfirmed: coins of another asset than the one asked for
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

// Final reports whether the payment's normal life is over. A refund can still
// follow finished; more coins can follow partially_paid, as a repeated deposit
// with its own payment id; and coins can arrive after expired or failed, on
// the same payment.
func (s PaymentStatus) Final() bool {
	switch s {
	case PaymentFinished, PaymentPartiallyPaid, PaymentFailed, PaymentRefunded, PaymentExpired,
		PaymentCancelled, PaymentCanceled, PaymentWrongAssetConfirmed:
		return true
	}
	return false
}
