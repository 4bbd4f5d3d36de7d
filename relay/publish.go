package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/jovepay/jovepay-go"
)

// Handler returns a handler that verifies notifications and publishes them. It
// answers as [jovepay.IPNVerifier.Handler] does: 200 after the engine has the
// message, or has told that it has it already; 500 if it could not be
// published, so that JovePay sends the notification again.
//
// A notification that is longer than the engine's limit for a message cannot be
// published.
func (r *Relay) Handler() http.Handler {
	verified := r.verifier.Handler(func(ctx context.Context, event jovepay.Event) error {
		return r.publish(ctx, event.Key(), deliveryOf(ctx))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		d := &delivery{signature: req.Header.Get(jovepay.IPNSignatureHeader)}
		req = req.WithContext(context.WithValue(req.Context(), deliveryKey{}, d))
		if req.Body != nil {
			req.Body = recorded{io.TeeReader(req.Body, &d.body), req.Body}
		}
		verified.ServeHTTP(w, req)
	})
}

// publish hands the delivery to the engine. The sender may hang up meanwhile:
// what was verified is published all the same.
func (r *Relay) publish(ctx context.Context, key string, d *delivery) error {
	msg := message.NewMessageWithContext(context.WithoutCancel(ctx), key, d.body.Bytes())
	msg.Metadata.Set(jovepay.IPNSignatureHeader, d.signature)
	middleware.SetCorrelationID(key, msg)
	if err := r.engine.Publisher.Publish(r.engine.Topic, msg); err != nil {
		return fmt.Errorf("relay: publish %s: %w", key, err)
	}
	return nil
}

// delivery is a notification as it was received: what was signed, and the
// signature. An event alone cannot be verified again.
type delivery struct {
	body      bytes.Buffer
	signature string
}

type deliveryKey struct{}

func deliveryOf(ctx context.Context) *delivery {
	d, _ := ctx.Value(deliveryKey{}).(*delivery)
	return d
}

// recorded is a body of which everything that is read is kept.
type recorded struct {
	io.Reader
	io.Closer
}
