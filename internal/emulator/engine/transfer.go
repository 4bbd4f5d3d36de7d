package engine

import (
	"time"

	"github.com/shopspring/decimal"
)

// The statuses of a transfer that the engine knows something about.
const (
	TransferCreating = "CREATING"
	TransferWaiting  = "WAITING"
	TransferSending  = "SENDING"
	TransferFinished = "FINISHED"
	TransferFailed   = "FAILED"
	TransferRejected = "REJECTED"
)

// TransferRequest is what a transfer was made for.
type TransferRequest struct {
	// Recurring makes it a custodial recurring payment; otherwise it is a
	// withdrawal, which needs an Address.
	Recurring      bool
	Currency       string
	Amount         decimal.Decimal
	Address        string
	ExtraID        string
	IPNCallbackURL string
}

// Transfer is coins of the merchant's that move: a withdrawal, or a custodial
// recurring payment.
type Transfer struct {
	TransferRequest

	ID      int64
	BatchID int64 // of a withdrawal
	Status  string
	Error   string          // why it failed, or ""
	Fee     decimal.Decimal // 0 until it is sent
	Hash    string          // on the chain; "" until it is sent

	CreatedAt   time.Time
	RequestedAt time.Time // zero while it is being created
	UpdatedAt   time.Time // zero until its first change
}

// CreateTransfer makes a withdrawal, which is being created then, or a custodial
// recurring payment, which waits.
func (e *Engine) CreateTransfer(req TransferRequest) (Transfer, error) {
	now := e.begin()
	defer e.mu.Unlock()
	if err := e.checkTransfer(&req); err != nil {
		return Transfer{}, err
	}
	t := &Transfer{TransferRequest: req, Status: TransferWaiting, CreatedAt: now}
	if req.Recurring {
		t.UpdatedAt = now
	} else {
		t.Status = TransferCreating
		t.BatchID = e.ids.next()
	}
	t.ID = e.ids.next()
	e.transfers[t.ID] = t
	e.notifyTransfer(t)
	return *t, nil
}

func (e *Engine) checkTransfer(req *TransferRequest) error {
	coin, err := e.lookup("currency", req.Currency)
	if err != nil {
		return err
	}
	if coin.fiat {
		return InvalidParam("currency: %s is not a coin", coin.Ticker)
	}
	req.Currency = coin.Ticker
	if err := checkDeposit("amount", req.Amount, coin); err != nil {
		return err
	}
	if !req.Recurring && req.Address == "" {
		return InvalidParam("address is required")
	}
	return checkCallback("ipn_callback_url", req.IPNCallbackURL)
}

// SetTransferStatus gives a transfer any status, known or not. One that is
// sending or finished has a fee and a hash from then on, and one that failed
// has a reason.
func (e *Engine) SetTransferStatus(id int64, recurring bool, status string) (Transfer, error) {
	if err := checkStatus(status); err != nil {
		return Transfer{}, err
	}
	now := e.begin()
	defer e.mu.Unlock()
	t, ok := e.transfers[id]
	if !ok || t.Recurring != recurring {
		return Transfer{}, reject(CodeTransferNotFound, "%s %d not found", kindOf(recurring), id)
	}
	if status == t.Status {
		return *t, nil
	}
	t.Status, t.UpdatedAt, t.Error = status, now, ""
	if status != TransferCreating && t.RequestedAt.IsZero() {
		t.RequestedAt = now
	}
	switch status {
	case TransferSending, TransferFinished:
		coin := e.currencies[t.Currency]
		t.Hash = draw(e.seed, streamPayout, t.ID, hexits, 64)
		t.Fee = t.Amount.Mul(decimal.New(1, -3)).RoundUp(min(coin.Precision, 8)) // a network fee of 0.1 %
	case TransferFailed:
		t.Error = "the transaction failed"
	case TransferRejected:
		t.Error = "rejected"
	}
	e.notifyTransfer(t)
	return *t, nil
}

func kindOf(recurring bool) string {
	if recurring {
		return "recurring payment"
	}
	return "withdrawal"
}

func checkStatus(status string) error {
	if status == "" || len(status) > maxAmountLength {
		return InvalidParam("status must have 1 to %d characters", maxAmountLength)
	}
	return nil
}

// WatchTransfers is [Engine.Watch] for transfers. None of them changes by
// itself.
func (e *Engine) WatchTransfers(fn func(t Transfer)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchTransfers = fn
}

func (e *Engine) notifyTransfer(t *Transfer) {
	e.touch(kindTransfer, t.ID)
	if e.watchTransfers != nil {
		e.watchTransfers(*t)
	}
}
