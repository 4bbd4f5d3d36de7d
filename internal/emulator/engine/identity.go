package engine

import "math/rand/v2"

// The streams of pseudo-random numbers that one seed feeds. Each id of a
// stream starts its own generator, so a text depends on the seed and the id
// alone and never on what else was generated before it.
const (
	streamAccount = iota + 1
	streamSequence
	streamAddress
	streamExtraID
	streamPayin
	streamPayout
	streamRequest
	streamPercent
)

const (
	digits  = "0123456789"
	hexits  = digits + "abcdef"
	base32  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	base58  = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	letters = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// source is the generator that belongs to the id in the stream.
func source(seed, stream uint64, id int64) *rand.Rand {
	return rand.New(rand.NewPCG(seed^stream<<56, uint64(id))) //nolint:gosec // any 64 bits are a seed
}

// draw returns length characters of the alphabet for the id in the stream.
func draw(seed, stream uint64, id int64, alphabet string, length int) string {
	src := source(seed, stream, id)
	size := uint64(len(alphabet))
	text := make([]byte, length)
	var pool uint64
	for i := range text {
		if i%8 == 0 { // at most 6 bits a character
			pool = src.Uint64()
		}
		text[i] = alphabet[pool%size]
		pool /= size
	}
	return string(text)
}

// RequestID returns the id of the nth request, in the form of a UUID.
func RequestID(seed uint64, n int64) string {
	h := draw(seed, streamRequest, n, hexits, 32)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Percent reports whether the nth of many draws is among the given percentage
// of them.
func Percent(seed uint64, n int64, percent int) bool {
	return source(seed, streamPercent, n).IntN(100) < percent
}

// sequence gives ids of ten digits that grow by irregular steps, as those of
// JovePay do: unique, beyond 32 bits, and never the previous one plus one.
type sequence struct {
	seed   uint64
	bottom int64 // of the range from which the next id is drawn
}

const idStep = 997

func newSequence(seed uint64) sequence {
	return sequence{seed, 4_300_000_000 + source(seed, streamSequence, 0).Int64N(2_000_000_000)}
}

func (s *sequence) next() int64 {
	id := s.bottom + source(s.seed, streamSequence, s.bottom).Int64N(idStep)
	s.bottom += idStep
	return id
}
