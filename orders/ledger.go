package orders

// Bucket is the place of an amount in the ledger.
type Bucket string

// The buckets. Each amount that JovePay reports is in exactly one.
const (
	// BucketUnconfirmed: coins were seen, and their payment has not finished.
	BucketUnconfirmed Bucket = "unconfirmed"
	// BucketHeld: coins arrived, but not enough for the order.
	BucketHeld Bucket = "held"
	// BucketOrder: the coins that paid for the order.
	BucketOrder Bucket = "order"
	// BucketExcess: more than was asked, or money that a person rejected. It
	// belongs to the customer until it is refunded.
	BucketExcess Bucket = "excess"
	// BucketReview: coins about which a person has to decide.
	BucketReview Bucket = "review"
	// BucketRefunded: coins that were returned.
	BucketRefunded Bucket = "refunded"
)
