// Package redisstream makes the message broker of package relay of
// Redis streams.
//
// # What is promised
//
//   - A publisher returns after Redis has the message. [Connect] requires a
//     server that keeps it: with an append-only file, and without eviction. With
//     appendfsync everysec, which is the default, a crash of the machine can
//     lose a second: reconcile after one, or set appendfsync always.
//   - A notification is stored once while it waits, is worked on, or waits for
//     its next attempt, however often it is sent. After that it is a new
//     message, which the inbox finds to be a duplicate. The poison queue holds
//     an event once, with its last failure.
//   - A message is delivered again until it is acknowledged: at once if its
//     consumer gives it back, as consumers do that end in good order; after
//     [ClaimAfter] if its consumer died. Work may take any time.
//   - An acknowledged message is deleted. The streams hold what is still to be
//     done, and need no trimming.
//   - If the server loses the consumer group, or all its data, the group is
//     created again at the start of the stream: what the stream still holds is
//     delivered, at worst a second time.
//   - A lost connection is restored, forever.
//
// # Keys
//
// With the default name: the streams jovepay-ipn, jovepay-ipn-retry and
// jovepay-ipn-poison, and the hashes jovepay-ipn-ids and jovepay-ipn-poison-ids,
// which say where in the streams an event is. If they are lost, so is nothing
// but the knowledge of duplicates.
//
// Messages are written as Watermill's own Redis adapter writes them, so its
// other tools can read them.
package redisstream
