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

// describe returns how to show the currency of a ticker. network is the
// server's name for its network, and may be empty.
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

// full is the ticker, and the network where the ticker alone doesn't identify
// the coin.
func (c coin) full() string {
	if c.Name == c.Network || c.Name == c.Ticker {
		return c.Ticker
	}
	return c.Ticker + ", " + c.Network
}

// code returns the content of a payment's QR code and a label for it: a URI with
// address and amount for coins whose wallets agree on a scheme, otherwise the
// address. Coins with a memo get the address: not every wallet reads the memo
// from the URI, and coins that are sent without it are lost.
func code(ticker, address string, amount jovepay.Amount) (content, label string) {
	const whole = "address and amount"
	digits := amount.String()
	switch ticker {
	case "btc": // BIP 21, which the next three follow
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

// address returns the path of a payment's page.
func address(id jovepay.ID) string { return "/payment/?pid=" + url.QueryEscape(id.String()) }
