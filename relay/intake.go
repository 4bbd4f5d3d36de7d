package relay

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// intake merges the subscriptions of all workers. When ctx ends, or one of the
// subscriptions does, it takes no more messages, but lets those in progress be
// finished and acknowledged, for the drain time at most; then it ends the
// subscriptions and closes the channel. Watermill's subscribers, left to
// themselves, drop what is in progress, so that it would be done again after
// each restart.
func (r *Relay) intake(ctx context.Context) (<-chan *message.Message, error) {
	ctx, stop := context.WithCancel(ctx)
	out := make(chan *message.Message)
	var running sync.WaitGroup
	for _, topic := range r.subscriptions() {
		life, end := context.WithCancel(context.WithoutCancel(ctx))
		feed, err := r.engine.Subscriber.Subscribe(life, topic)
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
				settled := settlement(life, msg)
				inProgress.Go(func() {
					select {
					case <-settled:
					case <-msg.Nacked():
					case <-life.Done():
					}
				})
			})
			stop()
			defer time.AfterFunc(r.drain, end).Stop()
			inProgress.Wait()
			end()
			giveBack(feed)
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
// half as many for failed events. So failed events that take long leave half of
// the workers to the others.
func (r *Relay) subscriptions() []string {
	topics := slices.Repeat([]string{r.engine.Topic}, r.workers)
	if r.engine.RetryTopic == "" {
		return topics
	}
	return append(topics, slices.Repeat([]string{r.engine.RetryTopic}, max(1, r.workers/2))...)
}

// forward hands messages on until ctx ends or there are no more.
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

// giveBack waits until a subscription that was ended holds no message any more:
// the process may end next, and would keep it from the others. It does not wait
// forever for an engine that does not close the channel.
func giveBack(feed <-chan *message.Message) {
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

// settlement returns what is closed when the engine's subscriber is done with a
// message that was acknowledged. By Watermill's rules its context ends then. Some
// of its adapters deliver a message a second time without a context; it gets that
// of the subscription.
func settlement(life context.Context, msg *message.Message) <-chan struct{} {
	if done := msg.Context().Done(); done != nil {
		return done
	}
	msg.SetContext(life)
	return msg.Acked()
}

// intakeSubscriber gives the router messages that are subscribed to already.
type intakeSubscriber <-chan *message.Message

// Subscribe returns them.
func (s intakeSubscriber) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	return s, nil
}

// Close closes nothing: the engine is the caller's.
func (intakeSubscriber) Close() error { return nil }
