package output

import (
	"context"
	"io"
	"sync"
	"time"
)

// Live is a line at the bottom of a terminal that is drawn again every second
// until it is stopped. Anything else that is printed meanwhile goes through
// [Live.Above]. A nil Live draws nothing.
type Live struct {
	mu   sync.Mutex
	out  io.Writer
	line func(elapsed time.Duration) string
	from time.Time
	stop context.CancelFunc
	done chan struct{}
}

// clearLine puts the cursor at the start of an empty line.
const clearLine = "\r\x1b[K"

// Live starts a live line, or returns nil where nobody looks at a terminal.
func (p *Printer) Live(ctx context.Context, line func(elapsed time.Duration) string) *Live {
	if !p.Terminal || p.JSON {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	l := &Live{out: p.Out, line: line, from: time.Now(), stop: stop, done: make(chan struct{})}
	go l.run(ctx, p.Width)
	return l
}

func (l *Live) run(ctx context.Context, width func() int) {
	defer close(l.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		l.mu.Lock()
		text := []rune(Plain(l.line(time.Since(l.from).Truncate(time.Second))))
		if limit := width() - 1; len(text) > limit {
			text = text[:limit]
		}
		_, _ = io.WriteString(l.out, clearLine+string(text)) // decoration
		l.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Above calls show while the line is out of the way.
func (l *Live) Above(show func() error) error {
	if l == nil {
		return show()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.out, clearLine) // decoration
	return show()
}

// Stop takes the line away.
func (l *Live) Stop() {
	if l == nil {
		return
	}
	l.stop()
	<-l.done
	_, _ = io.WriteString(l.out, clearLine) // decoration
}
