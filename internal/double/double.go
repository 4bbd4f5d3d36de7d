// Package double knows which decimal numbers are one number to JovePay:
// JavaScript keeps every number as a double, so amounts that differ only in
// digits beyond a double's precision are the same amount once JovePay has
// read, written or signed them.
package double

import "strconv"

// Shortest returns the shortest decimal number, without an exponent, that
// converts to the same double as number does: equal results mean equal
// doubles. Negative zero gives "0". What is no number, or beyond any double,
// is returned unchanged.
//
// number must be as short as the text of an amount: strconv misreads numbers
// of many thousand digits.
func Shortest(number string) string {
	value, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil:
		return number
	case value == 0:
		return "0"
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
