// Package orders makes sure that an order is paid once and fulfilled once.
package orders
