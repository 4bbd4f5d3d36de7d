package engine

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Coin says how a currency is paid. It never changes.
type Coin struct {
	Ticker    string
	Name      string // for people
	Network   string
	Precision int32  // decimal places on the chain
	Contract  string // of a token; "" for the chain's own coin
	Memo      bool   // the customer must add an extra id to the deposit
	address   addressForm
}

// addressForm is what the addresses of a coin look like. What follows the
// prefix is random, so checksums do not hold and a wallet rejects to send
// real coins there.
type addressForm struct {
	prefix, alphabet string
	length           int
}

// currency is a coin or a fiat currency on the price list.
type currency struct {
	Coin
	fiat    bool
	offered bool            // customers may pay with it
	usd     decimal.Decimal // price of one unit
	minimum decimal.Decimal // smallest payment in this coin; 0 follows the price
}

// The account's own settings, which a merchant would make in the dashboard.
const payoutTicker = "usdttrc20"

// minimumUSD is what the smallest payment is worth in a coin for which no
// minimum was set.
func minimumUSD() decimal.Decimal { return decimal.New(2, 0) }

func defaultCurrencies() []*currency {
	usd := decimal.RequireFromString
	fiat := func(ticker, price string) *currency {
		return &currency{Coin: Coin{Ticker: ticker, Precision: 2}, fiat: true, usd: usd(price)}
	}
	coin := func(price string, c Coin) *currency {
		return &currency{Coin: c, usd: usd(price), offered: true}
	}
	// Mixed-case hex is an Ethereum checksum, which random case does not meet.
	evm := addressForm{"0x", hexits + "ABCDEF", 42}
	tron := addressForm{"T", base58, 34}
	return []*currency{
		fiat("usd", "1"),
		fiat("eur", "1.08"),
		fiat("gbp", "1.27"),
		coin("64000", Coin{Ticker: "btc", Name: "Bitcoin", Network: "btc", Precision: 8, address: addressForm{"3", base58, 34}}),
		coin("3100", Coin{Ticker: "eth", Name: "Ethereum", Network: "eth", Precision: 18, address: evm}),
		coin("82.5", Coin{Ticker: "ltc", Name: "Litecoin", Network: "ltc", Precision: 8, address: addressForm{"M", base58, 34}}),
		coin("0.125", Coin{Ticker: "trx", Name: "TRON", Network: "trx", Precision: 6, address: tron}),
		coin("1", Coin{Ticker: "usdttrc20", Name: "Tether (TRON)", Network: "trx", Precision: 6, address: tron,
			Contract: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}),
		coin("1", Coin{Ticker: "usdterc20", Name: "Tether (Ethereum)", Network: "eth", Precision: 6, address: evm,
			Contract: "0xdac17f958d2ee523a2206206994597c13d831ec7"}),
		coin("0.52", Coin{Ticker: "xrp", Name: "XRP", Network: "xrp", Precision: 6, Memo: true, address: addressForm{"r", base58, 34}}),
		coin("0.11", Coin{Ticker: "xlm", Name: "Stellar", Network: "xlm", Precision: 7, Memo: true, address: addressForm{"G", base32, 56}}),
		coin("580", Coin{Ticker: "bnbbsc", Name: "BNB (BNB Smart Chain)", Network: "bsc", Precision: 18, address: evm}),
		// Solana has no checksum, but no key of 32 bytes begins with z.
		coin("145", Coin{Ticker: "sol", Name: "Solana", Network: "sol", Precision: 9, address: addressForm{"z", base58, 44}}),
		coin("0.125", Coin{Ticker: "doge", Name: "Dogecoin", Network: "doge", Precision: 8, address: addressForm{"D", base58, 34}}),
		coin("165", Coin{Ticker: "xmr", Name: "Monero", Network: "xmr", Precision: 12, address: addressForm{"4", base58, 95}}),
	}
}

func (e *Engine) addCurrency(c *currency) {
	e.currencies[c.Ticker] = c
	if !c.fiat {
		e.tickers = append(e.tickers, c.Ticker)
	}
}

// lookup finds a currency by its ticker, in any case; field is where the
// ticker was read.
func (e *Engine) lookup(field, ticker string) (*currency, error) {
	if c, ok := e.currencies[strings.ToLower(ticker)]; ok {
		return c, nil
	}
	return nil, reject(CodeCurrencyUnavailable, "%s: currency %.20q is not available", field, ticker)
}

// lookupOffered is lookup for a coin that the customer pays with.
func (e *Engine) lookupOffered(field, ticker string) (*currency, error) {
	c, err := e.lookup(field, ticker)
	if err == nil && !c.offered {
		return nil, reject(CodeCurrencyUnavailable, "%s: customers cannot pay with %s", field, c.Ticker)
	}
	return c, err
}

// convert changes an amount of one currency into another, at eight decimal
// places, or fewer where the coin has fewer.
func convert(amount decimal.Decimal, from, to *currency) decimal.Decimal {
	places := min(to.Precision, 8)
	if to.fiat {
		places = 8
	}
	return amount.Mul(from.usd).DivRound(to.usd, places)
}

// least is the smallest payment in the currency, never zero.
func (c *currency) least() decimal.Decimal {
	if !c.minimum.IsZero() {
		return c.minimum
	}
	places := min(c.Precision, 8)
	return decimal.Max(minimumUSD().DivRound(c.usd, places), decimal.New(1, -places))
}

// Limits are the bounds within which a coin can be paid.
type Limits struct {
	*Coin
	Min, Max decimal.Decimal
}

// Currencies returns the coins that customers may pay with.
func (e *Engine) Currencies() []Limits {
	e.begin()
	defer e.mu.Unlock()
	// The largest payment is a round multiple of the smallest.
	const span = 1_000_000
	offered := make([]Limits, 0, len(e.tickers))
	for _, ticker := range e.tickers {
		if c := e.currencies[ticker]; c.offered {
			least := c.least()
			offered = append(offered, Limits{&c.Coin, least, least.Mul(decimal.New(span, 0))})
		}
	}
	return offered
}

// Estimate is the price of an amount in another currency.
type Estimate struct {
	From, To         string
	Amount, Estimate decimal.Decimal
	FromFiat         bool
}

// Estimate returns what amount of one currency is worth in another.
func (e *Engine) Estimate(amount decimal.Decimal, from, to string) (Estimate, error) {
	e.begin()
	defer e.mu.Unlock()
	if err := checkAmount("amount", amount); err != nil {
		return Estimate{}, err
	}
	source, err := e.lookup("currency_from", from)
	if err != nil {
		return Estimate{}, err
	}
	target, err := e.lookup("currency_to", to)
	if err != nil {
		return Estimate{}, err
	}
	return Estimate{
		From: source.Ticker, To: target.Ticker, Amount: amount,
		Estimate: convert(amount, source, target), FromFiat: source.fiat,
	}, nil
}

// Minimum is the smallest payment for a pair of currencies.
type Minimum struct {
	From, To  string
	Min, Fiat decimal.Decimal // Fiat is zero if it was not asked for
}

// Minimum returns the smallest payment in the currency from. An empty to is
// the account's payout currency; fiat may be empty.
func (e *Engine) Minimum(from, to, fiat string) (Minimum, error) {
	e.begin()
	defer e.mu.Unlock()
	source, err := e.lookup("currency_from", from)
	if err != nil {
		return Minimum{}, err
	}
	if to == "" {
		to = payoutTicker
	}
	target, err := e.lookup("currency_to", to)
	if err != nil {
		return Minimum{}, err
	}
	m := Minimum{From: source.Ticker, To: target.Ticker, Min: source.least()}
	if fiat == "" {
		return m, nil
	}
	money, err := e.lookup("fiat_equivalent", fiat)
	if err != nil {
		return Minimum{}, err
	}
	if !money.fiat {
		return Minimum{}, InvalidParam("fiat_equivalent must be a fiat currency")
	}
	m.Fiat = convert(m.Min, source, money)
	return m, nil
}

// SetPrice sets the price of one unit in US dollars. A ticker that was not
// known becomes a coin of that name that customers may pay with.
func (e *Engine) SetPrice(ticker string, usd decimal.Decimal) error {
	if err := checkAmount("price", usd); err != nil {
		return err
	}
	ticker = strings.ToLower(ticker)
	if !isTicker(ticker) {
		return InvalidParam("currency %.20q must be letters and digits", ticker)
	}
	e.begin()
	defer e.mu.Unlock()
	e.touchCurrency(ticker)
	if c, ok := e.currencies[ticker]; ok {
		c.usd = usd
		return nil
	}
	c := newCurrency(ticker)
	c.usd = usd
	e.addCurrency(c)
	return nil
}

// newCurrency is a coin that nothing is known of, without a price.
func newCurrency(ticker string) *currency {
	return &currency{offered: true, Coin: Coin{
		Ticker: ticker, Name: strings.ToUpper(ticker), Network: ticker, Precision: 8,
		address: addressForm{ticker + "-", base58, len(ticker) + 33},
	}}
}

func isTicker(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, letters) == ""
}

// SetMinimum sets the smallest payment in a currency; zero makes it follow
// the price again.
func (e *Engine) SetMinimum(ticker string, amount decimal.Decimal) error {
	if !amount.IsZero() {
		if err := checkAmount("minimum", amount); err != nil {
			return err
		}
	}
	e.begin()
	defer e.mu.Unlock()
	c, err := e.lookup("minimum", ticker)
	if err != nil {
		return err
	}
	c.minimum = amount
	e.touchCurrency(c.Ticker)
	return nil
}

// SetCurrencies says with which coins customers may pay, from now on.
func (e *Engine) SetCurrencies(tickers ...string) error {
	e.begin()
	defer e.mu.Unlock()
	chosen := make(map[string]bool, len(tickers))
	for _, ticker := range tickers {
		c, err := e.lookup("currencies", ticker)
		if err != nil {
			return err
		}
		if c.fiat {
			return InvalidParam("currencies: %s is not a coin", c.Ticker)
		}
		chosen[c.Ticker] = true
	}
	for _, ticker := range e.tickers {
		e.currencies[ticker].offered = chosen[ticker]
		e.touchCurrency(ticker)
	}
	return nil
}
