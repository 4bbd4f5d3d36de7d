package shop

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jovepay/jovepay-go"
)

const (
	// priceLife is how long an estimate is shown. JovePay converts the price
	// again when it creates the payment.
	priceLife = time.Minute

	// atOnce is the number of quotes to request at the same time.
	atOnce = 8
)

// Way is a coin to pay an item with.
type Way struct {
	Code      string         // ticker
	PayAmount jovepay.Amount // the estimated price in this coin; null if there is no estimate now
	MinAmount jovepay.Amount // the least that can be paid
}

// Payable reports whether an item can be paid in this coin.
func (w Way) Payable() bool {
	return !w.PayAmount.IsNull() && w.PayAmount.Cmp(w.MinAmount) >= 0
}

// Ways returns the coins that the shop accepts and JovePay offers now, with the
// price of an item in each.
func (s *Shop) Ways(ctx context.Context, item Item) ([]Way, error) {
	codes, err := s.prices.codes(ctx)
	if err != nil {
		return nil, err
	}
	ways := make([]Way, len(codes))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, code := range codes {
		group.Go(func() error {
			way, err := s.prices.way(ctx, item.Price, code)
			if err != nil {
				way = Way{Code: code} // the others can still be chosen
			}
			ways[i] = way
			return ctx.Err()
		})
	}
	return ways, group.Wait()
}

// prices gets currencies and quotes from JovePay and keeps them for a while.
type prices struct {
	client   *jovepay.Client
	accepted []string // tickers; empty for all that JovePay offers

	offers cache[[]string] // with one entry
	quotes cache[Way]      // by price and ticker
}

// codes returns the tickers that the shop accepts and JovePay offers.
func (p *prices) codes(ctx context.Context) ([]string, error) {
	offered, err := p.offers.get(ctx, "", func(ctx context.Context) (codes []string, err error) {
		list, err := p.client.Currencies.List(ctx, jovepay.CurrencyListOptions{})
		if err != nil {
			return nil, err
		}
		for _, currency := range list.Currencies {
			codes = append(codes, currency.Code)
		}
		return codes, nil
	})
	if err != nil || len(p.accepted) == 0 {
		return offered, err
	}
	var codes []string // in the shop's order
	for _, code := range p.accepted {
		if slices.Contains(offered, code) {
			codes = append(codes, code)
		}
	}
	return codes, nil
}

// way returns the price in a coin, or [ErrInvalidOrder] if the shop does not
// accept the coin.
func (p *prices) way(ctx context.Context, price jovepay.Amount, code string) (Way, error) {
	codes, err := p.codes(ctx)
	if err != nil {
		return Way{}, err
	}
	if !slices.Contains(codes, code) {
		return Way{}, ErrInvalidOrder
	}
	return p.quotes.get(ctx, price.String()+" "+code, func(ctx context.Context) (Way, error) {
		quote, err := p.client.Estimates.Quote(ctx, jovepay.QuoteOptions{
			PriceAmount: price, PriceCurrency: priceCurrency, PayCurrency: code,
		})
		if err != nil {
			return Way{}, err
		}
		return Way{code, quote.PayAmount, quote.MinAmount}, nil
	})
}
