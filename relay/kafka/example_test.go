// Package kafka_test shows how to fill in a broker for package relay, with Kafka
// as the example. It is a separate module, so that nobody else depends on Kafka's
// client. The example is compiled but not run.
package kafka_test //nolint:testableexamples // there is no Kafka to run it on

import (
	"context"
	"errors"
	"log"
	"net/http"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/components/requeuer"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/jovepay/jovepay-go"
	"github.com/jovepay/jovepay-go/relay"
)

// NewKafkaBroker returns a broker on Kafka. Everything except the list of its poison
// queue works as on other brokers. Kafka knows neither delays nor duplicates: failed
// events wait for their next attempt one after the other, in each partition of the
// retry topic, and a retried notification is stored again.
func NewKafkaBroker(brokers []string, log watermill.LoggerAdapter) (*relay.Broker, error) {
	config := kafka.DefaultSaramaSyncPublisherConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll // all in-sync replicas; set min.insync.replicas to 2
	publisher, err := kafka.NewPublisher(kafka.PublisherConfig{
		Brokers: brokers, Marshaler: kafka.DefaultMarshaler{}, OverwriteSaramaConfig: config,
	}, log)
	if err != nil {
		return nil, err
	}
	subscriber, err := newKafkaSubscriber(brokers, "jovepay-ipn", log)
	if err != nil {
		return nil, errors.Join(err, publisher.Close())
	}
	return &relay.Broker{
		Topic:       "jovepay-ipn",
		RetryTopic:  "jovepay-ipn-retry", // in Topic, a failed event would hold up its partition
		PoisonTopic: "jovepay-ipn-poison",
		Publisher:   publisher,
		Subscriber:  subscriber,
	}, nil
}

func newKafkaSubscriber(brokers []string, group string, log watermill.LoggerAdapter) (*kafka.Subscriber, error) {
	config := kafka.DefaultSaramaSubscriberConfig()
	// Kafka deletes the offsets of a group without consumers after a while. Start with
	// the oldest message then: the newest would skip messages that nobody processed.
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.ResetInvalidOffsets = true
	return kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: brokers, Unmarshaler: kafka.DefaultMarshaler{}, ConsumerGroup: group, OverwriteSaramaConfig: config,
	}, log)
}

// ReplayKafkaPoison replays the poison topic until ctx ends, with Watermill's
// requeuer: it publishes each message again before it acknowledges it.
func ReplayKafkaPoison(ctx context.Context, brokers []string, broker *relay.Broker, log watermill.LoggerAdapter) error {
	subscriber, err := newKafkaSubscriber(brokers, "jovepay-ipn-replay", log)
	if err != nil {
		return err
	}
	replay, err := requeuer.NewRequeuer(requeuer.Config{
		Subscriber:     subscriber,
		SubscribeTopic: broker.PoisonTopic,
		Publisher:      broker.Publisher,
		GeneratePublishTopic: func(p requeuer.GeneratePublishTopicParams) (string, error) {
			delete(p.Message.Metadata, middleware.ReasonForPoisonedKey)
			return broker.Topic, nil
		},
	}, log)
	if err != nil {
		return err
	}
	return replay.Run(ctx)
}

func Example() {
	verifier, err := jovepay.NewIPNVerifier("ipn-secret")
	if err != nil {
		log.Fatal(err)
	}
	broker, err := NewKafkaBroker([]string{"kafka.example:9092"}, watermill.NopLogger{})
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()                       //nolint:errcheck // the example ends here
	events, err := relay.New(broker, verifier) // from here on, as with any broker
	if err != nil {
		log.Fatal(err)
	}
	http.NewServeMux().Handle("POST /ipn", events.Handler())
}
