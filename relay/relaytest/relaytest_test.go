package relaytest_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// brokenBroker names a broken broker to run the kit on, in its own process: the
// kit's verdict on it is a failed test.
const brokenBroker = "JOVEPAY_TEST_BROKEN_BROKER"

// TestFindsWhatIsBroken runs the kit on brokers that break one promise each, and
// names the cases that must fail.
func TestFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenBroker) != "" {
		t.Skip("only the broken broker is tested")
	}
	for how, test := range map[string]struct {
		fails   []string
		promise string
	}{
		"stores duplicates":   {[]string{"PublishedOnce", "NotifiedAgain"}, "stored once"},
		"delivers to all":     {[]string{"TwoConsumers"}, "delivered to one of two consumers"},
		"accepts when closed": {[]string{"Reopen"}, "A closed broker rejects messages"},
		"loses on close":      {[]string{"Reopen", "CrashBeforeAck"}, "Messages outlive the broker value"},
		"drops replays":       {[]string{"PoisonedAgain", "PoisonQueue"}, "never dropped as a duplicate"},
		"lists newest first":  {[]string{"PoisonQueue"}, "oldest first"},
		"removes once":        {[]string{"Discard"}, "Removing one that is gone is not an error"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			kit := exec.CommandContext(t.Context(), os.Args[0], "-test.parallel=10", "-test.run=^TestBrokenBroker$/^("+strings.Join(test.fails, "|")+")$", "-test.v")
			kit.Env = append(os.Environ(), brokenBroker+"="+how)
			out, err := kit.CombinedOutput()
			require.Error(t, err, "the broken broker passes:\n%s", out)
			for _, name := range test.fails {
				assert.Contains(t, string(out), "--- FAIL: TestBrokenBroker/"+name+" ")
			}
			assert.Contains(t, string(out), test.promise)
		})
	}
}

func TestBrokenBroker(t *testing.T) {
	t.Parallel()
	how := os.Getenv(brokenBroker)
	if how == "" {
		t.Skip("run by TestFindsWhatIsBroken")
	}
	relaytest.Run(t, func(*testing.T) relaytest.Harness {
		q := &queue{how: how}
		return relaytest.Harness{Open: q.open, Backlog: q.backlog}
	})
}

// TestSoundBroker runs the kit on the same broker, unbroken.
func TestSoundBroker(t *testing.T) {
	t.Parallel()
	if os.Getenv(brokenBroker) != "" {
		t.Skip("only the broken broker is tested")
	}
	relaytest.Run(t, func(*testing.T) relaytest.Harness {
		q := new(queue)
		return relaytest.Harness{Open: q.open, Backlog: q.backlog}
	})
}

// queue holds messages in memory. Like a server, it outlives the brokers on it. It
// breaks the promise in how.
type queue struct {
	how     string
	mu      sync.Mutex
	last    int
	entries []*entry
	seen    map[string]bool
}

// entry is a message in a queue.
type entry struct {
	id    int
	topic string
	msg   *message.Message
	due   time.Time
	held  bool // by a subscription
}

func (q *queue) open() *relay.Broker {
	c := &connection{queue: q, closing: make(chan struct{})}
	return &relay.Broker{Topic: "events", RetryTopic: "retries", PoisonTopic: "poison", Publisher: c, Subscriber: c, Poison: q}
}

func (q *queue) backlog() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		if e.topic != "poison" {
			n++
		}
	}
	return n
}

func (q *queue) add(topic string, msg *message.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.duplicate(topic, msg) {
		return
	}
	if topic == "poison" {
		q.entries = slices.DeleteFunc(q.entries, func(e *entry) bool {
			return e.topic == topic && e.msg.UUID == msg.UUID && msg.UUID != ""
		})
	}
	q.last++
	q.entries = append(q.entries, &entry{id: q.last, topic: topic, msg: msg.Copy(), due: time.Now().Add(relay.Delay(msg))})
}

// duplicate reports whether an event is stored already.
func (q *queue) duplicate(topic string, msg *message.Message) bool {
	switch {
	case topic != "events" || msg.UUID == "" || q.how == "stores duplicates":
		return false
	case q.how == "drops replays":
		if q.seen == nil {
			q.seen = map[string]bool{}
		}
		defer func() { q.seen[msg.UUID] = true }()
		return q.seen[msg.UUID]
	case msg.Metadata.Get(relay.ReplayKey) != "":
		return false
	}
	return slices.ContainsFunc(q.entries, func(e *entry) bool { return e.topic != "poison" && e.msg.UUID == msg.UUID })
}

// take holds the oldest message that is due.
func (q *queue) take(topic string) *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.entries {
		if e.topic == topic && !e.held && time.Now().After(e.due) {
			e.held = q.how != "delivers to all"
			return e
		}
	}
	return nil
}

func (q *queue) giveBack(e *entry, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.held, e.due = false, time.Now().Add(delay)
}

func (q *queue) remove(id int) (removed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.entries)
	q.entries = slices.DeleteFunc(q.entries, func(e *entry) bool { return e.id == id })
	return len(q.entries) < n
}

// Messages implements [relay.PoisonQueue].
func (q *queue) Messages(context.Context) iter.Seq2[relay.PoisonMessage, error] {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := slices.Clone(q.entries)
	if q.how == "lists newest first" {
		slices.Reverse(entries)
	}
	return func(yield func(relay.PoisonMessage, error) bool) {
		for _, e := range entries {
			if e.topic == "poison" && !yield(relay.PoisonMessage{Position: strconv.Itoa(e.id), Since: e.due, Message: e.msg.Copy()}, nil) {
				return
			}
		}
	}
}

// Remove implements [relay.PoisonQueue].
func (q *queue) Remove(_ context.Context, position string) error {
	id, err := strconv.Atoi(position)
	if err == nil && !q.remove(id) && q.how == "removes once" {
		err = errors.New("no such message")
	}
	return err
}

// connection publishes to a queue and subscribes to it, until it is closed.
type connection struct {
	queue   *queue
	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	running sync.WaitGroup
}

// Publish implements [message.Publisher].
func (c *connection) Publish(topic string, messages ...*message.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed && c.queue.how != "accepts when closed" {
		return errors.New("closed")
	}
	for _, msg := range messages {
		c.queue.add(topic, msg)
	}
	return nil
}

// Subscribe implements [message.Subscriber].
func (c *connection) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("closed")
	}
	out := make(chan *message.Message)
	c.running.Go(func() {
		defer close(out)
		for {
			if e := c.queue.take(topic); e != nil {
				c.deliver(ctx, e, out)
			}
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return
			case <-c.closing:
				return
			}
		}
	})
	return out, nil
}

func (c *connection) deliver(ctx context.Context, e *entry, out chan<- *message.Message) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := e.msg.Copy()
	msg.SetContext(ctx)
	for {
		select {
		case out <- msg:
			out = nil
		case <-msg.Acked():
			c.queue.remove(e.id)
			return
		case <-msg.Nacked():
			c.queue.giveBack(e, 10*time.Millisecond)
			return
		case <-ctx.Done():
			c.queue.giveBack(e, 0)
			return
		case <-c.closing:
			c.queue.giveBack(e, 0)
			return
		}
	}
}

// Close implements [message.Publisher] and [message.Subscriber].
func (c *connection) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	c.mu.Unlock()
	c.running.Wait()
	if c.queue.how == "loses on close" {
		c.queue.mu.Lock()
		defer c.queue.mu.Unlock()
		c.queue.entries = nil
	}
	return nil
}
