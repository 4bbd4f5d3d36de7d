package shop

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/jovepay/jovepay-go"
)

const (
	// priceLife is how long an estimate is shown. JovePay converts anew when
	// the payment is made.
	priceLife = time.Minute

	// atOnce is how many currencies are asked for at the same time.
	atOnce = 8
)

// Way is a coin to pay an item with.
type Way struct {
	Code      string         // ticker
	PayAmount jovepay.Amount // the price in it, estimated; null if it cannot be told at present
	MinAmount jovepay.Amount // the least that can be paid
}

// Payable reports whether an item can be paid in this coin.
func (w Way) Payable() bool {
	return !w.PayAmount.IsNull() && w.PayAmount.Cmp(w.MinAmount) >= 0
}

// Ways returns the coins that the shop takes and JovePay offers at present,
// with the price of an item in each.
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

// prices asks JovePay for currencies and quotes, and keeps the answers for a
// while.
type prices struct {
	client *jovepay.Client
	wanted []string // tickers; empty for all that there are
	flight singleflight.Group

	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	value any
	until time.Time
}

// codes returns the tickers that the shop takes and JovePay offers.
func (p *prices) codes(ctx context.Context) ([]string, error) {
	return remember(ctx, p, "", func(ctx context.Context) ([]string, error) {
		list, err := p.client.Currencies.List(ctx, jovepay.CurrencyListOptions{})
		if err != nil {
			return nil, err
		}
		var codes []string
		for _, currency := range list.Currencies {
			codes = append(codes, currency.Code)
		}
		if len(p.wanted) == 0 {
			return codes, nil
		}
		var both []string // in the shop's order
		for _, code := range p.wanted {
			if slices.Contains(codes, code) {
				both = append(both, code)
			}
		}
		return both, nil
	})
}

// way returns the price in a coin, or [ErrInvalidOrder] if the shop does not
// take it.
func (p *prices) way(ctx context.Context, price jovepay.Amount, code string) (Way, error) {
	codes, err := p.codes(ctx)
	if err != nil {
		return Way{}, err
	}
	if !slices.Contains(codes, code) {
		return Way{}, ErrInvalidOrder
	}
	return remember(ctx, p, price.String()+" "+code, func(ctx context.Context) (Way, error) {
		quote, err := p.client.Estimates.Quote(ctx, jovepay.QuoteOptions{
			PriceAmount: price, PriceCurrency: priceCurrency, PayCurrency: code,
		})
		if err != nil {
			return Way{}, err
		}
		return Way{code, quote.PayAmount, quote.MinAmount}, nil
	})
}

// remember returns what was found for the key lately, or finds it. Those who
// ask at the same time share the answer; none of them can spoil it by leaving.
func remember[T any](ctx context.Context, p *prices, key string, find func(context.Context) (T, error)) (found T, err error) {
	p.mu.Lock()
	k := p.kept[key]
	p.mu.Unlock()
	if value, ok := k.value.(T); ok && time.Now().Before(k.until) {
		return value, nil
	}
	ch := p.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setupTime)
		defer cancel()
		value, err := find(ctx)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.kept[key] = kept{value, time.Now().Add(priceLife)}
		return value, nil
	})
	select {
	case <-ctx.Done():
		return found, ctx.Err()
	case result := <-ch:
		if result.Err != nil {
			return found, result.Err
		}
		value, ok := result.Val.(T)
		if !ok {
			return found, errors.New("shop: a price of another kind")
		}
		return value, nil
	}
}
