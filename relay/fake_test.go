package relay_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/relaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("engine is down")

// fake is an engine of Watermill that this module knows nothing of, its Go
// channels, with a poison queue in memory. It can be told to fail.
type fake struct {
	*gochannel.GoChannel
	mu         sync.Mutex
	poison     []*message.Message // nil where one was removed
	failing    map[string]bool    // topics, and "list", "remove" and "subscribe"
	subscribed int
}

func newFake(t *testing.T) (*fake, *relay.Engine) {
	t.Helper()
	f := &fake{
		GoChannel: gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{}),
		failing:   map[string]bool{},
	}
	engine := &relay.Engine{Topic: "events", PoisonTopic: "poison", Publisher: f, Subscriber: f, Poison: f}
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	return f, engine
}

// fails makes an action fail, or work again.
func (f *fake) fails(action string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing[action] = on
}

func (f *fake) Publish(topic string, messages ...*message.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.failing[topic]:
		return errDown
	case topic == "poison":
		for _, msg := range messages {
			f.poison = append(f.poison, msg.Copy())
		}
		return nil
	}
	return f.GoChannel.Publish(topic, messages...)
}

func (f *fake) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribed++
	if f.failing["subscribe"] && f.subscribed%3 == 0 {
		return nil, errDown
	}
	return f.GoChannel.Subscribe(ctx, topic)
}

func (f *fake) Messages(context.Context) iter.Seq2[relay.PoisonMessage, error] {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue, failing := append([]*message.Message(nil), f.poison...), f.failing["list"]
	return func(yield func(relay.PoisonMessage, error) bool) {
		for i, msg := range queue {
			if msg != nil && !yield(relay.PoisonMessage{Position: strconv.Itoa(i), Message: msg.Copy()}, nil) {
				return
			}
		}
		if failing {
			yield(relay.PoisonMessage{}, errDown)
		}
	}
}

func (f *fake) Remove(_ context.Context, position string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := strconv.Atoi(position)
	if f.failing["remove"] {
		return errDown
	}
	f.poison[i] = nil
	return err
}

// single is one worker: with Go channels, every subscription gets every message.
var single = relay.WithWorkers(1)

func newShop(t *testing.T, opts ...relay.Option) (*relaytest.Shop, *relay.Relay, *fake) {
	t.Helper()
	f, engine := newFake(t)
	shop := relaytest.NewShop(t)
	return shop, shop.Relay(t, engine, append([]relay.Option{single}, opts...)...), f
}
