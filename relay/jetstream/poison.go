package jetstream

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jovepay/jovepay-go/relay"
)

// poisonQueue reads a stream. The position of a message is its sequence number.
type poisonQueue struct {
	stream  jetstream.Stream
	subject string // of its messages
}

// Messages implements [relay.PoisonQueue].
func (q poisonQueue) Messages(ctx context.Context) iter.Seq2[relay.PoisonMessage, error] {
	return func(yield func(relay.PoisonMessage, error) bool) {
		info, err := q.stream.Info(ctx)
		if err != nil {
			yield(relay.PoisonMessage{}, err)
			return
		}
		for next := info.State.FirstSeq; next <= info.State.LastSeq; {
			raw, err := q.stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(q.subject))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return
			}
			if err != nil {
				yield(relay.PoisonMessage{}, err)
				return
			}
			if raw.Sequence > info.State.LastSeq || !yield(read(raw), nil) {
				return
			}
			next = raw.Sequence + 1
		}
	}
}

func read(raw *jetstream.RawStreamMsg) relay.PoisonMessage {
	return relay.PoisonMessage{
		Position: strconv.FormatUint(raw.Sequence, 10),
		Since:    raw.Time,
		Message:  unmarshal(raw.Header, raw.Data),
	}
}

// Remove implements [relay.PoisonQueue].
func (q poisonQueue) Remove(ctx context.Context, position string) error {
	sequence, err := strconv.ParseUint(position, 10, 64)
	if err != nil {
		return err
	}
	err = q.stream.DeleteMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		// The message may be gone already, which the error does not say.
		if _, getErr := q.stream.GetMsg(ctx, sequence); errors.Is(getErr, jetstream.ErrMsgNotFound) {
			return nil
		}
	}
	return err
}
