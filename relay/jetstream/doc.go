// Package jetstream makes a broker for package relay from NATS JetStream, on a
// server or cluster. To run the server in the process itself, with nothing to
// set up, see package embedded below this one.
//
// # Guarantees
//
//   - Publishing returns after the message is stored. When it is written through
//     to the disk depends on the server's sync_interval, or on the replicas of the
//     cluster, see [WithReplicas]; an embedded server does so first.
//   - A message whose id was published within [DeduplicationWindow] is dropped as
//     a duplicate. An embedded server forgets, on a restart, the ids of messages
//     that were acknowledged. A stream that was purged does not forget: what is
//     retried within the window is dropped.
//   - An acknowledged message is deleted. A notification that arrives again and
//     again is stored at most once an hour, and only until it is recognized as a
//     duplicate. The poison queue holds an event once, with its last failure.
//   - A message is delivered again, forever, until it is acknowledged: within
//     about a second if it was given back, as consumers do that shut down cleanly;
//     after at most [AckWait] if its consumer died. A consumer at work reports to
//     the server that it is, so work may take any time. An old server (seen with
//     2.9.10, not with 2.15.2) may hold for AckWait even what was given back.
//   - A failed event waits on the server for its next attempt. Any number of them
//     can wait without holding up other events.
//   - Nothing expires. If the disk is full, messages are rejected, not dropped.
//   - A lost connection is restored, forever. Until then, publishing fails
//     immediately.
//   - If a consumer or a stream is gone, because the server lost its data or an
//     administrator deleted it, the next process to publish or consume creates it again
//     with its previous settings. The messages in a lost stream are lost: reconcile.
//     Close waits for the server's response to that, for at most 15 seconds.
//
// Messages are in the format of Watermill's own NATS adapter, so its other tools
// can read them. This package consumes by pulling, since that adapter cannot
// report to the server that work is in progress.
package jetstream
