// Package kafka_test shows the relay of package relay on Kafka. It is a
// module of its own, so that nobody else's go.sum gets Kafka's client. It is
// compiled, but not run: the tests of this repository start no Kafka.
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

// NewKafkaEngine is the constructor to change: a relay on it works as on any
// other engine, but for the list of its poison queue. Kafka has no delays and
// finds no duplicates: failed events wait for their next attempt one after the
// other, in each partition of the retry topic, and a notification that comes
// again is stored again until the retention time deletes it.
func NewKafkaEngine(brokers []string, log watermill.LoggerAdapter) (*relay.Engine, error) {
	producer := kafka.DefaultSaramaSyncPublisherConfig()
	producer.Producer.RequiredAcks = sarama.WaitForAll // all in-sync replicas; set min.insync.replicas to 2
	publisher, err := kafka.NewPublisher(kafka.PublisherConfig{
		Brokers: brokers, Marshaler: kafka.DefaultMarshaler{}, OverwriteSaramaConfig: producer,
	}, log)
	if err != nil {
		return nil, err
	}
	subscriber, err := newKafkaSubscriber(brokers, "jovepay-ipn", log)
	if err != nil {
		return nil, errors.Join(err, publisher.Close())
	}
	return &relay.Engine{
		Topic:       "jovepay-ipn",
		RetryTopic:  "jovepay-ipn-retry", // or a failed event would hold up its partition
		PoisonTopic: "jovepay-ipn-poison",
		Publisher:   publisher,
		Subscriber:  subscriber,
	}, nil
}

func newKafkaSubscriber(brokers []string, group string, log watermill.LoggerAdapter) (*kafka.Subscriber, error) {
	consumer := kafka.DefaultSaramaSubscriberConfig()
	// Without offsets, which Kafka deletes after a while without consumers, begin
	// with the oldest message: the newest would skip what nobody has worked on.
	consumer.Consumer.Offsets.Initial = sarama.OffsetOldest
	consumer.Consumer.Group.ResetInvalidOffsets = true
	return kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: brokers, Unmarshaler: kafka.DefaultMarshaler{}, ConsumerGroup: group, OverwriteSaramaConfig: consumer,
	}, log)
}

// ReplayKafkaPoison replays the poison topic until ctx ends, by Watermill's
// requeuer: each message is published again before it is acknowledged.
func ReplayKafkaPoison(ctx context.Context, brokers []string, engine *relay.Engine, log watermill.LoggerAdapter) error {
	subscriber, err := newKafkaSubscriber(brokers, "jovepay-ipn-replay", log)
	if err != nil {
		return err
	}
	replay, err := requeuer.NewRequeuer(requeuer.Config{
		Subscriber:     subscriber,
		SubscribeTopic: engine.PoisonTopic,
		Publisher:      engine.Publisher,
		GeneratePublishTopic: func(p requeuer.GeneratePublishTopicParams) (string, error) {
			delete(p.Message.Metadata, middleware.ReasonForPoisonedKey)
			return engine.Topic, nil
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
	engine, err := NewKafkaEngine([]string{"kafka.example:9092"}, watermill.NopLogger{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()                         //nolint:errcheck // the example ends here
	consumer, err := relay.New(engine, verifier) // and so on, as on any engine
	if err != nil {
		log.Fatal(err)
	}
	http.NewServeMux().Handle("POST /ipn", consumer.Handler())
}
