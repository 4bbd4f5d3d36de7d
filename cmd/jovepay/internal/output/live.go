package output

import (
	"context"
	"io"
	"sync"
	"time"
)

// Live is a line at the bottom of a terminal, redrawn every second until it is
// stopped. Print anything else with [Live.Above]. A nil Live draws nothing.
type Live struct {
	mu    sync.Mutex
	out   io.Writer
	width func() int
	line  func(elapsed time.Duration) string
	from  time.Time
	stop  context.CancelFunc
	done  chan struct{}
}

// clearLine clears the line and moves the cursor to its start.
const clearLine = "\r\x1b[K"

// Live draws a live line and keeps it up to date. It returns nil if the output
// is not text on a terminal.
func (p *Printer) Live(ctx context.Context, line func(elapsed time.Duration) string) *Live {
	if !p.Terminal || p.JSON {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	l := &Live{out: p.Out, width: p.Width, line: line, from: time.Now(), stop: stop, done: make(chan struct{})}
	l.draw() // before anything is printed above it
	go l.run(ctx)
	return l
}

func (l *Live) run(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.draw()
		case <-ctx.Done():
			return
		}
	}
}

func (l *Live) draw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := []rune(Plain(l.line(time.Since(l.from).Truncate(time.Second))))
	if limit := l.width() - 1; len(text) > limit {
		text = text[:limit]
	}
	_, _ = io.WriteString(l.out, clearLine+string(text)) // decoration
}

// Above removes the line, calls show, and returns its error. The line is drawn
// again within a second.
func (l *Live) Above(show func() error) error {
	if l == nil {
		return show()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.out, clearLine) // decoration
	return show()
}

// Stop removes the line.
func (l *Live) Stop() {
	if l == nil {
		return
	}
	l.stop()
	<-l.done
	_, _ = io.WriteString(l.out, clearLine) // decoration
}
