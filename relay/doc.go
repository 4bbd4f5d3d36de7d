// Package relay puts a message broker between JovePay's notifications and the
// shop's work on them, for shops that acknowledge immediately and process later,
// or that outgrow one process. It is built on Watermill
// (github.com/ThreeDotsLabs/watermill) and has no queue.
//
//	broker, err := embedded.Open("data/events") // or jetstream.Connect, or redisstream.Connect
//	...
//	events, err := relay.New(broker, verifier)
//	...
//	mux.Handle("POST /ipn", events.Handler())
//	err = events.Run(ctx, box.Once(ship)) // in any number of processes
//
// A [Relay] publishes each verified notification, and responds with 200 only
// after the broker has persisted it. Its consumers verify it again and pass the
// event to a function, usually that of an [inbox.Inbox], which applies once and in
// order what the broker may deliver twice or out of order. An event that fails
// goes back to the broker and is retried at growing intervals, without holding up
// other events. One that fails for too long moves to the poison queue, where it
// can be listed and replayed.
//
// # Messages
//
// The payload is the body exactly as JovePay sent it; its signature is in the
// metadata. Consumers need the IPN secret and trust nobody: someone who can write
// to the broker still cannot forge a payment, and consumers read the event by the
// same code, to the same value, as the handler. The message's id is the event's
// key.
//
// # Brokers
//
// Package jetstream uses NATS JetStream, on a server or cluster; package embedded
// below it runs the server in the process itself. Package redisstream uses Redis
// streams. Each is a separate module, so a shop depends only on the broker that
// it uses. A [Broker] can also be filled in with any other publisher and
// subscriber that Watermill supports.
//
// The guarantees at each step are in docs/messages.md of the repository.
package relay
