package jovepay

import (
	"net/url"
	"strings"
)

// validation collects the first thing that is wrong with a request.
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
	v.require(raw == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil,
		field, "want an absolute http or https URL without a user")
}

// pathSegment returns id escaped for a path, or refuses one that cannot name
// anything.
func (v *validation) pathSegment(field string, id ID) string {
	v.require(id != "", field, "is required")
	v.require(!hasDots(string(id)), field, "is not an id")
	return url.PathEscape(string(id))
}
