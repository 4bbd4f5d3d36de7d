package shop

import "github.com/jovepay/jovepay-go"

// priceCurrency is the currency of all prices.
const priceCurrency = "usd"

// Item is something that the shop sells.
type Item struct {
	ID    string
	Name  string
	About string
	Price jovepay.Amount // in US dollars
}

// Items returns everything that the shop sells.
func Items() []Item {
	return []Item{
		{"exhibition", "Exhibition", "A day in the museum, with meteorites to touch and an old brass refractor.", jovepay.MustAmount("4.50")},
		{"evening", "Evening under the stars", "Two hours on the roof with an astronomer and the small telescopes.", jovepay.MustAmount("18.00")},
		{"telescope", "Your hour at the telescope", "The big dome to yourself. Choose what to see.", jovepay.MustAmount("49.99")},
		{"night", "A whole night", "From dusk to dawn, with breakfast, a warm blanket and your own photographs.", jovepay.MustAmount("240.00")},
	}
}

// itemName returns the name of an item, or its id if it is no longer sold.
func itemName(id string) string {
	item, err := FindItem(id)
	if err != nil {
		return id
	}
	return item.Name
}

// FindItem returns the item with the given id, or [ErrNotFound].
func FindItem(id string) (Item, error) {
	for _, item := range Items() {
		if item.ID == id {
			return item, nil
		}
	}
	return Item{}, ErrNotFound
}
