package relay_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
	"github.com/jovepay/jovepay-go/relay/internal/testshop"
)

const finished = jovepay.PaymentFinished

// publisher records what is published, or fails.
type publisher struct {
	message.Publisher
	published []*message.Message
	topics    []string
	fail      func() error
}

func (p *publisher) Publish(topic string, messages ...*message.Message) error {
	if p.fail != nil {
		return p.fail()
	}
	for _, msg := range messages {
		p.topics = append(p.topics, topic)
		p.published = append(p.published, msg)
	}
	return nil
}

func newPublisher(t *testing.T, opts ...jovepay.IPNOption) (*publisher, http.Handler, *jovepay.IPNVerifier) {
	t.Helper()
	p := new(publisher)
	verifier, err := jovepay.NewIPNVerifier(testshop.Secret, opts...)
	require.NoError(t, err)
	broker := &relay.Broker{Topic: "events", PoisonTopic: "poison", Publisher: p, Subscriber: new(fake)}
	r, err := relay.New(broker, verifier)
	require.NoError(t, err)
	return p, r.Handler(), verifier
}

func post(handler http.Handler, method string, body io.Reader, signature ...string) int {
	request := httptest.NewRequest(method, "/ipn", body)
	request.Header[http.CanonicalHeaderKey(jovepay.IPNSignatureHeader)] = signature
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Code
}

// TestRejected checks what is never published: the responses are the verifier's.
func TestRejected(t *testing.T) {
	t.Parallel()
	p, handler, verifier := newPublisher(t, jovepay.WithIPNMaxBytes(1000))
	body := testshop.Body(1, finished)
	good := verifier.Sign([]byte(body))
	direct := verifier.Handler(func(context.Context, jovepay.Event) error { return nil })
	for name, test := range map[string]struct {
		method     string
		body       string
		signatures []string
		want       int
	}{
		"no signature":    {http.MethodPost, body, nil, http.StatusUnauthorized},
		"empty signature": {http.MethodPost, body, []string{""}, http.StatusUnauthorized},
		"wrong signature": {http.MethodPost, body, []string{strings.Repeat("0", 128)}, http.StatusUnauthorized},
		"two signatures":  {http.MethodPost, body, []string{good, good}, http.StatusUnauthorized},
		"another body":    {http.MethodPost, testshop.Body(2, finished), []string{good}, http.StatusUnauthorized},
		"no body":         {http.MethodPost, "", []string{good}, http.StatusBadRequest},
		"malformed":       {http.MethodPost, body + body, []string{good}, http.StatusBadRequest},
		"too long":        {http.MethodPost, body + strings.Repeat(" ", 1000), []string{good}, http.StatusRequestEntityTooLarge},
		"GET":             {http.MethodGet, body, []string{good}, http.StatusMethodNotAllowed},
	} {
		assert.Equal(t, test.want, post(handler, test.method, strings.NewReader(test.body), test.signatures...), name)
		assert.Equal(t, test.want, post(direct, test.method, strings.NewReader(test.body), test.signatures...), name)
	}
	request := httptest.NewRequest(http.MethodPost, "/ipn", nil)
	request.Body = nil
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	assert.Equal(t, http.StatusUnauthorized, recorder.Code)
	assert.Empty(t, p.published)
}

// TestBrokerDown responds with 500, so that JovePay retries the notification.
func TestBrokerDown(t *testing.T) {
	t.Parallel()
	p, handler, verifier := newPublisher(t)
	body := testshop.Body(1, finished)
	for _, fail := range []func() error{
		func() error { return errors.New("down") },
		func() error { panic("a bug") },
	} {
		p.fail = fail
		assert.Equal(t, http.StatusInternalServerError, post(handler, http.MethodPost, strings.NewReader(body), verifier.Sign([]byte(body))))
	}
	p.fail = nil
	assert.Equal(t, http.StatusOK, post(handler, http.MethodPost, strings.NewReader(body), verifier.Sign([]byte(body))))
	assert.Len(t, p.published, 1)
}

// TestMessage checks that a message contains what is needed to verify it again and to
// read the same event.
func TestMessage(t *testing.T) {
	t.Parallel()
	p, handler, verifier := newPublisher(t)
	sorted := testshop.Body(1, finished)
	spaced := " {\n\"payment_status\":\"finished\", \"payment_id\":9007199254740993,\"actually_paid\":1.50 } "
	mac := hmac.New(sha256.New, []byte(testshop.Secret))
	mac.Write([]byte(spaced))
	raw := hex.EncodeToString(mac.Sum(nil))
	unknown := `{"new":"kind","list":[1,2]}`
	for i, test := range []struct{ body, signature string }{
		{sorted, verifier.Sign([]byte(sorted))},
		{sorted, " " + strings.ToUpper(verifier.Sign([]byte(sorted))) + " "},
		{spaced, raw},
		{unknown, verifier.Sign([]byte(unknown))},
	} {
		want, err := verifier.Parse([]byte(test.body), test.signature)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, post(handler, http.MethodPost, strings.NewReader(test.body), test.signature))
		require.Len(t, p.published, i+1)
		msg := p.published[i]
		assert.Equal(t, "events", p.topics[i])
		assert.Equal(t, want.Key(), msg.UUID)
		assert.Equal(t, want.Key(), middleware.MessageCorrelationID(msg))
		assert.Equal(t, test.body, string(msg.Payload))
		got, err := verifier.Parse(msg.Payload, msg.Metadata.Get(jovepay.IPNSignatureHeader))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

// TestSenderHangsUp hangs up after the notification was read: it is published anyway.
func TestSenderHangsUp(t *testing.T) {
	t.Parallel()
	p, handler, verifier := newPublisher(t)
	body := testshop.Body(1, finished)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/ipn", strings.NewReader(body))
	request.Header.Set(jovepay.IPNSignatureHeader, verifier.Sign([]byte(body)))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	assert.Equal(t, http.StatusOK, recorder.Code)
	require.Len(t, p.published, 1)
	assert.NoError(t, p.published[0].Context().Err())
}

// TestHandlers delivers 50 notifications at once through handlers of one relay.
func TestHandlers(t *testing.T) {
	t.Parallel()
	shop, r, _ := newShop(t)
	shop.Start(t, r)
	codes := make(chan int)
	for id := range 50 {
		go func() { codes <- shop.Deliver(r, testshop.Body(id, finished)) }()
	}
	seen := map[jovepay.ID]bool{}
	for range 50 {
		assert.Equal(t, http.StatusOK, <-codes)
		seen[shop.Next(t).ID] = true
	}
	assert.Len(t, seen, 50)
}
