//go:build race

package jovepay_test

// underRace says that the race detector runs, which makes sync.Pool drop some of
// what it is given, and so more garbage.
const underRace = true
