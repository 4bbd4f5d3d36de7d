package jovepay

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxOrderID is the maximum length of an order id, in bytes. JovePay documents none;
// this is the usual length of a text column.
const maxOrderID = 255

// validation keeps the first error of a request.
type validation struct{ err error }

func (v *validation) require(ok bool, field, reason string) {
	if v.err == nil && !ok {
		v.err = &ValidationError{field, reason}
	}
}

func (v *validation) amount(field string, a Amount) {
	v.require(!a.IsNull(), field, "is required")
	v.optionalAmount(field, a)
}

func (v *validation) optionalAmount(field string, a Amount) {
	v.require(a.IsNull() || a.Sign() > 0, field, "want an amount above zero, got "+a.String())
}

func (v *validation) ticker(field, ticker string) {
	v.require(ticker != "", field, "is required")
	v.optionalTicker(field, ticker)
}

func (v *validation) optionalTicker(field, ticker string) {
	odd := strings.Trim(ticker, "abcdefghijklmnopqrstuvwxyz0123456789_-")
	v.require(odd == "" && len(ticker) <= 40, field, `want a lower-case ticker such as "usd" or "usdttrc20"`)
}

func (v *validation) optionalURL(field, raw string) {
	u, err := url.Parse(raw)
	v.verbatim(field, raw)
	v.require(raw == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil,
		field, "want an absolute http or https URL without a user")
}

// orderID rejects an id that a gateway might change: the order could not be found by
// it.
func (v *validation) orderID(field, id string) {
	v.require(len(id) <= maxOrderID, field, fmt.Sprintf("want at most %d bytes, got %d", maxOrderID, len(id)))
	v.verbatim(field, id)
}

// verbatim rejects a text that might be changed in transit.
func (v *validation) verbatim(field, text string) {
	v.require(utf8.ValidString(text) && !strings.ContainsFunc(text, isHidden), field, "want valid UTF-8 without control or format characters")
	v.require(strings.TrimSpace(text) == text, field, "want no white space at either end")
}

// isHidden reports whether r is invisible, as control and format characters are, or
// replaces a lost byte.
func isHidden(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError }

// pathSegment returns id escaped for a path, and rejects one that cannot be an id.
func (v *validation) pathSegment(field string, id ID) string {
	v.require(id != "", field, "is required")
	v.require(!hasDots(string(id)) && utf8.ValidString(string(id)), field, "is not an id")
	return url.PathEscape(string(id))
}
