package ipn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jovepay/jovepay-go/internal/canonical"
)

// maxCopies bounds what one event can cause: all copies are kept until they are
// sent.
const maxCopies = 1000

// Behavior is how notifications are sent. It is documented in package
// jovepaytest, whose IPNBehavior has the same fields.
type Behavior struct {
	Forms     []string
	CamelCase bool
	Copies    int
	Shuffle   int
	AtOnce    bool
	Delay     time.Duration
	Retries   *int
	Interval  *time.Duration
	Timeout   time.Duration
	Lose      Hits
	Corrupt   Hits
	Forge     Hits
}

// Hits says which ones are meant: the next few, and some percent of the rest.
type Hits struct{ Next, Percent int }

// validate rejects what could only be a mistake.
func (b *Behavior) validate() error {
	for _, form := range b.Forms {
		if form == FormRaw {
			continue
		}
		if _, err := canonicalForm(form); err != nil {
			return err
		}
	}
	for _, h := range [...]Hits{b.Lose, b.Corrupt, b.Forge} {
		if h.Next < 0 || h.Percent < 0 || h.Percent > 100 {
			return fmt.Errorf("hits: want next 0 or more, percent 0 to 100, got %d, %d", h.Next, h.Percent)
		}
	}
	switch {
	case b.Copies < 0 || b.Copies > maxCopies:
		return fmt.Errorf("copies: want 0 to %d, got %d", maxCopies, b.Copies)
	case b.Shuffle < 0:
		return fmt.Errorf("shuffle: want 0 or more, got %d", b.Shuffle)
	case b.Delay < 0:
		return fmt.Errorf("delay: want 0 or more, got %v", b.Delay)
	case b.Retries != nil && *b.Retries < 0:
		return fmt.Errorf("retries: want 0 or more, got %d", *b.Retries)
	case b.Interval != nil && *b.Interval < 0:
		return fmt.Errorf("interval: want 0 or more, got %v", *b.Interval)
	case b.Timeout < 0:
		return fmt.Errorf("timeout: want 0 or more, got %v", b.Timeout)
	}
	return nil
}

// clone is a copy that shares nothing.
func (b Behavior) clone() Behavior {
	b.Forms = slices.Clone(b.Forms)
	b.Retries, b.Interval = clonePointer(b.Retries), clonePointer(b.Interval)
	return b
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// terms say how long a shop is waited for, and how often it is tried again.
type terms struct {
	repeats           int
	interval, timeout time.Duration
}

// change returns the terms with those of the behavior that it has.
func (t terms) change(b *Behavior) terms {
	if b.Retries != nil {
		t.repeats = *b.Retries
	}
	if b.Interval != nil {
		t.interval = *b.Interval
	}
	if b.Timeout > 0 {
		t.timeout = b.Timeout
	}
	return t
}

// trick is what becomes of one attempt.
type trick struct {
	form                    string
	lost, corrupted, forged bool
	at                      uint64 // decides which byte is corrupted
}

// draw decides one attempt by the generator, which belongs to it alone. Only a
// first attempt can be lost: it then is the last.
func (b *Behavior) draw(chance *rand.Rand, first bool) trick {
	t := trick{form: canonical.JS.String()}
	if len(b.Forms) > 0 {
		t.form = b.Forms[chance.IntN(len(b.Forms))]
	}
	t.lost = first && b.Lose.take(chance)
	if t.lost {
		return t
	}
	t.corrupted = b.Corrupt.take(chance)
	t.forged = b.Forge.take(chance)
	t.at = chance.Uint64()
	return t
}

func (h *Hits) take(chance *rand.Rand) bool {
	if h.Next > 0 {
		h.Next--
		return true
	}
	return chance.IntN(100) < h.Percent
}

// corrupt returns the body with one byte changed: the first digit of a number
// where there is one, so that it is still JSON and says something else in
// every form.
func corrupt(body []byte, at uint64) []byte {
	var digits []int
	for i, c := range body {
		if isDigit(c) && (i == 0 || !isDigit(body[i-1]) && body[i-1] != '.') {
			digits = append(digits, i)
		}
	}
	changed := slices.Clone(body)
	switch {
	case len(digits) > 0:
		i := digits[at%uint64(len(digits))]
		changed[i] = '1' + (changed[i]-'0')%9 // another digit, and never 0, which may not lead
	case len(changed) > 0:
		changed[at%uint64(len(changed))] ^= 1
	}
	return changed
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
