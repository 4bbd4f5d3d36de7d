package page

import (
	"net/url"
	"strings"

	"github.com/jovepay/jovepay-go"
)

// coin is how a currency is shown to people.
type coin struct {
	Name    string // "Tether USD"
	Ticker  string // "USDT"
	Network string // "TRON (TRC-20)"
}

// describe returns how the currency of a ticker is shown; network is what the
// server calls its network, and may be empty.
func describe(ticker, network string) coin {
	switch ticker {
	case "btc":
		return coin{"Bitcoin", "BTC", "Bitcoin"}
	case "eth":
		return coin{"Ethereum", "ETH", "Ethereum"}
	case "ltc":
		return coin{"Litecoin", "LTC", "Litecoin"}
	case "trx":
		return coin{"TRON", "TRX", "TRON"}
	case "usdttrc20":
		return coin{"Tether USD", "USDT", "TRON (TRC-20)"}
	case "usdterc20":
		return coin{"Tether USD", "USDT", "Ethereum (ERC-20)"}
	case "xrp":
		return coin{"XRP", "XRP", "XRP Ledger"}
	case "xlm":
		return coin{"Stellar", "XLM", "Stellar"}
	case "bnbbsc":
		return coin{"BNB", "BNB", "BNB Smart Chain"}
	case "sol":
		return coin{"Solana", "SOL", "Solana"}
	case "doge":
		return coin{"Dogecoin", "DOGE", "Dogecoin"}
	case "xmr":
		return coin{"Monero", "XMR", "Monero"}
	}
	upper := strings.ToUpper(ticker)
	if network == "" {
		network = ticker
	}
	return coin{upper, upper, strings.ToUpper(network)}
}

// full tells coins apart that have the same ticker on two networks.
func (c coin) full() string {
	if c.Name == c.Network || c.Name == c.Ticker {
		return c.Ticker
	}
	return c.Ticker + ", " + c.Network
}

// code returns what the QR code of a deposit holds, and what to call that:
// the payment address in the coin's own URI scheme, amount included, where
// wallets agree on one, and otherwise the address alone. A coin with a memo
// has the address alone: where there is a scheme, not all wallets read the
// memo in it, and without it the coins are lost.
func code(ticker, address string, amount jovepay.Amount) (content, label string) {
	const whole = "address and amount"
	digits := amount.String()
	switch ticker {
	case "btc": // BIP 21, and its likes
		return "bitcoin:" + address + "?amount=" + digits, whole
	case "ltc":
		return "litecoin:" + address + "?amount=" + digits, whole
	case "doge":
		return "dogecoin:" + address + "?amount=" + digits, whole
	case "xmr":
		return "monero:" + address + "?tx_amount=" + digits, whole
	case "sol": // Solana Pay
		return "solana:" + address + "?amount=" + digits, whole
	case "eth": // EIP-681: in wei
		return "ethereum:" + address + "?value=" + amount.Decimal().Shift(18).String(), whole
	case "bnbbsc":
		return "ethereum:" + address + "@56?value=" + amount.Decimal().Shift(18).String(), whole
	}
	return address, "address"
}

// address returns the address of the page of a payment.
func address(id jovepay.ID) string { return "/payment/?pid=" + url.QueryEscape(id.String()) }
