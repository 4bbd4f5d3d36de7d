//go:build !race

package jovepay_test

const underRace = false
