// Package double compares decimal numbers as JovePay does. JavaScript stores
// numbers as doubles, so two amounts that differ only beyond the precision of a
// double are equal once JovePay has read, written or signed them.
package double

import "strconv"

// Shortest returns the shortest decimal number, without an exponent, that
// converts to the same double as number. Equal results mean equal doubles.
// Negative zero gives "0". Text that is not a number, or that overflows a
// double, is returned unchanged.
//
// number must be as short as an amount: strconv misreads numbers of many
// thousand digits.
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
