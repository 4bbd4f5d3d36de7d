// Package relay puts a message engine between JovePay's notifications
// and the shop's work on them, for shops that must answer at once and work
// later, or that outgrow one process. It is built on Watermill
// (github.com/ThreeDotsLabs/watermill) and has no queue of its own.
//
//	engine, err := jetstream.Embedded("data/events") // or jetstream.Connect, or redisstream.Connect
//	...
//	relay, err := relay.New(engine, verifier)
//	...
//	mux.Handle("POST /ipn", relay.Handler())
//	err = relay.Run(ctx, box.Once(ship)) // any number of processes
//
// A [Relay] publishes each verified notification, and responds with 200 only
// after the broker has persisted it. Its consumers verify it again and give the
// event to a function: that of an [inbox.Inbox], so that what the broker delivers
// twice or out of order is applied once and in order. An event that fails goes
// back to the broker and is tried again later, at growing intervals; it holds up
// no other event. One that fails for too long moves to a poison queue, from where
// it can be listed and replayed.
//
// # What is in a message
//
// The payload is the body as JovePay sent it; its signature is in the metadata.
// A consumer needs the IPN secret and trusts nobody: whoever can write to the
// engine still cannot forge a payment, and the event is read by the same code,
// to the same value, as on arrival. The message's id is the event's key.
//
// # Engines
//
// Package jetstream is NATS JetStream, in the process itself or a cluster.
// Package redisstream is Redis streams. [Engine] takes any other publisher and
// subscriber that Watermill has.
//
// Which guarantee holds at each step is in docs/messages.md of the repository.
package relay
