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
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("broker is down")

// fake is a broker that package relay does not know, on Watermill's Go channels, with
// a poison queue in memory. It can be made to fail.
type fake struct {
	*gochannel.GoChannel
	mu         sync.Mutex
	poison     []*message.Message // nil where one was removed
	failing    map[string]bool    // topics, and "list", "remove" and "subscribe"
	subscribed int
}

func newFake(t *testing.T) (*fake, *relay.Broker) {
	t.Helper()
	f := &fake{
		GoChannel: gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{}),
		failing:   map[string]bool{},
	}
	broker := &relay.Broker{Topic: "events", PoisonTopic: "poison", Publisher: f, Subscriber: f, Poison: f}
	t.Cleanup(func() { require.NoError(t, broker.Close()) })
	return f, broker
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

func newShop(t *testing.T, opts ...relay.Option) (*testshop.Shop, *relay.Relay, *fake) {
	t.Helper()
	f, broker := newFake(t)
	shop := testshop.New(t)
	return shop, shop.Relay(t, broker, append([]relay.Option{single}, opts...)...), f
}
