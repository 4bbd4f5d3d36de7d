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
	StatusWaiting       PaymentStatus = "waiting"        // for the customer's coins
	StatusConfirming    PaymentStatus = "confirming"     // coins seen on the blockchain
	StatusConfirmed     PaymentStatus = "confirmed"      // enough confirmations
	StatusSending       PaymentStatus = "sending"        // on the way to the payout wallet
	StatusFinished      PaymentStatus = "finished"       // arrived in the payout wallet
	StatusPartiallyPaid PaymentStatus = "partially_paid" // money came, but not enough
	StatusFailed        PaymentStatus = "failed"
	StatusRefunded      PaymentStatus = "refunded"
	StatusExpired       PaymentStatus = "expired" // no coins in time
	StatusCancelled     PaymentStatus = "cancelled"
	StatusCanceled      PaymentStatus = "canceled" // StatusCancelled in the other spelling: JovePay may use either

	// StatusWrongAssetConfirmed: coins of another asset than the one asked for
	// have enough confirmations. A person decides.
	StatusWrongAssetConfirmed PaymentStatus = "wrong_asset_confirmed"
)

// Known reports whether s is one of this package's constants.
func (s PaymentStatus) Known() bool {
	switch s {
	case StatusWaiting, StatusConfirming, StatusConfirmed, StatusSending:
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
	case StatusFinished, StatusPartiallyPaid, StatusFailed, StatusRefunded, StatusExpired,
		StatusCancelled, StatusCanceled, StatusWrongAssetConfirmed:
		return true
	}
	return false
}
