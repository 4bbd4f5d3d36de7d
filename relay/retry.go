package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/cenkalti/backoff/v5"
)

// Metadata of a message whose event has failed.
const (
	failuresKey  = "failures"      // how often
	sinceKey     = "failing_since" // when the first attempt failed
	notBeforeKey = "not_before"    // when the next attempt is due
)

const (
	maxRetryFor   = time.Hour
	firstInterval = 500 // the first interval between attempts is the retry time divided by this
	lastInterval  = 8   // and the longest one the retry time divided by this
	doublings     = 6   // lead from the first to the longest
)

// Delay returns how long a message should be held back, because its event has
// failed and waits for its next attempt. It is 0 for a message that is due, and at
// most an hour.
//
// A [Relay] itself waits with a message that is delivered too early, so the
// subscriber of a [Broker] may ignore the delay. A subscriber that returns the
// message to its broker, with that delay, lets failed events overtake each other.
func Delay(msg *message.Message) time.Duration {
	due, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(notBeforeKey))
	if err != nil {
		return 0
	}
	return min(max(0, time.Until(due)), maxRetryFor)
}

// nextAttempt returns the message for the next attempt at an event that failed. It
// returns nil if the failure is permanent, or if the next attempt would come after
// the retry time.
func (r *Relay) nextAttempt(msg *message.Message, failure error) *message.Message {
	if _, permanent := errors.AsType[*backoff.PermanentError](failure); permanent {
		return nil
	}
	now := time.Now()
	since, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(sinceKey))
	if err != nil || since.After(now) {
		since = now
	}
	failures, _ := strconv.ParseUint(msg.Metadata.Get(failuresKey), 10, 31)
	due := now.Add(r.interval(failures))
	if due.Sub(since) >= r.retryFor {
		return nil
	}
	next := msg.Copy()
	next.SetContext(context.WithoutCancel(msg.Context()))
	next.Metadata.Set(failuresKey, strconv.FormatUint(failures+1, 10))
	next.Metadata.Set(sinceKey, since.Format(time.RFC3339Nano))
	next.Metadata.Set(notBeforeKey, due.Format(time.RFC3339Nano))
	next.Metadata.Set(ReplayKey, watermill.NewUUID())
	return next
}

// interval returns a random time until the next attempt, within half of its mean.
func (r *Relay) interval(failures uint64) time.Duration {
	d := min(r.retryFor/firstInterval<<min(failures, doublings), r.retryFor/lastInterval)
	return d/2 + rand.N(d+1) //nolint:gosec // jitter need not be unpredictable
}

// retryTopic returns the topic where an event waits for its next attempt.
func (r *Relay) retryTopic() string {
	if r.broker.RetryTopic == "" {
		return r.broker.Topic
	}
	return r.broker.RetryTopic
}

// clearFailures removes the record of failed attempts, so that a replay of the
// message is retried for the whole retry time.
func clearFailures(msg *message.Message) {
	for _, key := range [...]string{failuresKey, sinceKey, notBeforeKey} {
		delete(msg.Metadata, key)
	}
}
