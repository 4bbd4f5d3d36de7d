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

// Metadata of a message whose event failed.
const (
	failuresKey  = "failures"      // how often
	sinceKey     = "failing_since" // when the first attempt failed
	notBeforeKey = "not_before"    // when the next attempt is due
)

const (
	maxRetryFor   = time.Hour
	firstInterval = 500 // the first interval between attempts is this part of the retry time
	lastInterval  = 8   // and the longest one this
	doublings     = 6   // lead from the first to the longest
)

// DueIn returns for how long a message should be held back: an event that failed
// waits for its next attempt. It is 0 for a message that is due, and an hour at
// most. A [Relay] waits for that long if it is given a message too early, so it
// is enough for an [Engine]'s subscriber to ignore it. One that gives the message
// back to its broker, with that delay, lets failed events pass each other.
func DueIn(msg *message.Message) time.Duration {
	due, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(notBeforeKey))
	if err != nil {
		return 0
	}
	return min(max(0, time.Until(due)), maxRetryFor)
}

// again returns the message for the next attempt at an event that failed. It is
// nil if there is none: the failure is permanent, or the next attempt would come
// after the retry time.
func (r *Relay) again(msg *message.Message, failure error) *message.Message {
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

// interval returns the time between two attempts, half of it more or less by
// chance.
func (r *Relay) interval(failures uint64) time.Duration {
	d := min(r.retryFor/firstInterval<<min(failures, doublings), r.retryFor/lastInterval)
	return d/2 + rand.N(d+1) //nolint:gosec // any chance will do
}

// retryTopic is where an event waits for its next attempt.
func (r *Relay) retryTopic() string {
	if r.engine.RetryTopic == "" {
		return r.engine.Topic
	}
	return r.engine.RetryTopic
}

// forget removes what a message says about failed attempts, for it to be tried
// for the whole retry time when it is replayed.
func forget(msg *message.Message) {
	for _, key := range [...]string{failuresKey, sinceKey, notBeforeKey} {
		delete(msg.Metadata, key)
	}
}
