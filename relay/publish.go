package relay

import (
	"context"
	"fmt"
	"net/http"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/jovepay/jovepay-go"
)

// Handler returns a handler that verifies notifications and publishes them. It
// responds as [jovepay.IPNVerifier.Handler] does: 200 after the broker has
// persisted the message, or reported that it already had; 500 if publishing
// failed, so that JovePay retries the notification.
//
// A notification longer than the broker's limit for a message cannot be
// published.
func (r *Relay) Handler() http.Handler { return r.verifier.Handler(r.publish) }

// publish publishes what was signed, and the signature. It continues if the
// sender hangs up: the notification is verified already.
func (r *Relay) publish(ctx context.Context, event jovepay.Event) error {
	key := event.Key()
	msg := message.NewMessageWithContext(context.WithoutCancel(ctx), key, event.SignedBody())
	msg.Metadata.Set(jovepay.IPNSignatureHeader, event.Signature())
	middleware.SetCorrelationID(key, msg)
	if err := r.broker.Publisher.Publish(r.broker.Topic, msg); err != nil {
		return fmt.Errorf("relay: publish %s: %w", key, err)
	}
	return nil
}
