package relay

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// intake merges the subscriptions of all workers into one channel. When ctx or one
// of the subscriptions ends, it takes no more messages and waits, for at most the
// drain time, until those in progress are acknowledged. Then it ends the
// subscriptions and closes the channel. Watermill's own subscribers abandon
// messages in progress, which would repeat that work after each restart.
func (r *Relay) intake(ctx context.Context) (<-chan *message.Message, error) {
	ctx, stop := context.WithCancel(ctx)
	out := make(chan *message.Message)
	var running sync.WaitGroup
	for _, topic := range r.subscriptions() {
		life, end := context.WithCancel(context.WithoutCancel(ctx))
		feed, err := r.broker.Subscriber.Subscribe(life, topic)
		if err != nil {
			end()
			stop()
			running.Wait()
			return nil, fmt.Errorf("subscribe to %s: %w", topic, err)
		}
		running.Go(func() {
			defer end()
			var inProgress sync.WaitGroup
			forward(ctx, feed, out, func(msg *message.Message) {
				done := acknowledgement(life, msg)
				inProgress.Go(func() {
					select {
					case <-done:
					case <-msg.Nacked():
					case <-life.Done():
					}
				})
			})
			stop()
			defer time.AfterFunc(r.drain, end).Stop()
			inProgress.Wait()
			end()
			nackRest(feed)
		})
	}
	go func() {
		defer close(out)
		defer stop()
		running.Wait()
	}()
	return out, nil
}

// subscriptions returns the topic of each subscription: one for each worker, and
// half as many for failed events. So failed events, however long they take, leave
// half of the workers to the others.
func (r *Relay) subscriptions() []string {
	topics := slices.Repeat([]string{r.broker.Topic}, r.workers)
	if r.broker.RetryTopic == "" {
		return topics
	}
	return append(topics, slices.Repeat([]string{r.broker.RetryTopic}, max(1, r.workers/2))...)
}

// forward passes messages on until ctx ends or feed is closed.
func forward(ctx context.Context, feed <-chan *message.Message, out chan<- *message.Message, track func(*message.Message)) {
	for {
		select {
		case <-ctx.Done():
			return
		case msg, ok := <-feed:
			if !ok {
				return
			}
			track(msg)
			select {
			case out <- msg:
			case <-ctx.Done():
				msg.Nack()
			}
		}
	}
}

// nackRest gives back the messages of a subscription that has ended, until its
// channel is closed: the process may exit next, and would keep them from others.
// It does not wait forever for a broker that does not close the channel.
func nackRest(feed <-chan *message.Message) {
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	for {
		select {
		case msg, ok := <-feed:
			if !ok {
				return
			}
			msg.Nack()
		case <-timeout.C:
			return
		}
	}
}

// acknowledgement returns a channel that is closed when the subscriber has
// acknowledged a message to the broker. By Watermill's rules that is when the
// message's context ends. Some of Watermill's adapters deliver a message a second
// time without a context; it gets that of the subscription.
func acknowledgement(life context.Context, msg *message.Message) <-chan struct{} {
	if done := msg.Context().Done(); done != nil {
		return done
	}
	msg.SetContext(life)
	return msg.Acked()
}

// intakeSubscriber is a subscriber for the router, on an existing subscription.
type intakeSubscriber <-chan *message.Message

// Subscribe returns the subscription.
func (s intakeSubscriber) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	return s, nil
}

// Close does nothing: the caller closes the broker.
func (intakeSubscriber) Close() error { return nil }
