// Package redisstream makes a broker for package relay from Redis streams.
//
// # Guarantees
//
//   - Publishing returns after Redis has the message. [Connect] requires a server
//     that keeps it: with an append-only file, and without eviction. With
//     appendfsync everysec, the default, a crash of the machine can lose a second
//     of messages: reconcile afterwards, or set appendfsync always.
//   - A notification is stored once while it waits, is worked on, or waits for its
//     next attempt, no matter how often it arrives. After that it is a new message,
//     which the inbox recognizes as a duplicate. The poison queue holds an event
//     once, with its last failure.
//   - A message is delivered again until it is acknowledged: immediately if its
//     consumer gives it back, as consumers do that shut down cleanly; after
//     [ClaimAfter] if its consumer died. Work may take any time.
//   - An acknowledged message is deleted, so the streams hold only messages to be
//     processed and need no trimming.
//   - If the server loses the consumer group, or all its data, the group is created
//     again at the start of the stream: messages still in the stream are delivered,
//     at worst a second time.
//   - A lost connection is restored, forever.
//
// # Keys
//
// With the default name: the streams jovepay-ipn, jovepay-ipn-retry and
// jovepay-ipn-poison, and the hashes jovepay-ipn-ids and jovepay-ipn-poison-ids,
// which map events to their positions in the streams. If the hashes are lost, only
// deduplication suffers.
//
// Messages are in the format of Watermill's own Redis adapter, so its other tools
// can read them.
package redisstream
