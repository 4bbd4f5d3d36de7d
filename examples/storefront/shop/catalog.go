package shop

import "github.com/jovepay/jovepay-go"

// priceCurrency is what all prices are in.
const priceCurrency = "usd"

// Item is something that the shop sells.
type Item struct {
	ID    string
	Name  string
	About string
	Price jovepay.Amount // in US dollars
}

// Items returns all that the shop sells.
func Items() []Item {
	return []Item{
		{"exhibition", "Exhibition", "A day in the museum: meteorites to touch, and the old brass refractor.", jovepay.MustAmount("4.50")},
		{"evening", "Evening under the stars", "Two hours on the roof with an astronomer and the small telescopes.", jovepay.MustAmount("18.00")},
		{"telescope", "Your hour at the telescope", "The big dome for you alone. Choose what to see: it will be Jupiter.", jovepay.MustAmount("49.99")},
		{"night", "A whole night", "From dusk to dawn with breakfast, a warm blanket, and your own photographs.", jovepay.MustAmount("240.00")},
	}
}

// itemName returns what an item is called, or its id if it is no longer sold.
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
