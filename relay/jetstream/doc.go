// Package jetstream makes the message engine of package relay of NATS
// JetStream: [Embedded] in the process itself, on a directory, with nothing to
// set up; or [Connect]ed to a server or cluster.
//
// # What is promised
//
//   - A publisher returns after the message is stored. The embedded server has
//     then written it through to the disk. A server of its own does what its
//     sync_interval says, or what the cluster's other replicas do; see
//     [WithReplicas].
//   - A message whose id was published within [DeduplicationWindow] is taken
//     for a duplicate and dropped. An embedded server that was restarted has
//     forgotten the ids of messages that were acknowledged before. A stream
//     that was purged has not: what is sent again within the window is dropped.
//   - An acknowledged message is deleted. A notification that is sent again and
//     again is stored once an hour at most, and no longer than it takes to find
//     that it is a duplicate. The poison queue holds an event once, with its
//     last failure.
//   - A message is delivered again, forever, until it is acknowledged: within
//     a second or so if it was given back, as consumers do that end in good
//     order, after at most [AckWait] if its consumer died. While a consumer is
//     at work it says so, so that work may take any time. An old server (2.9.10
//     was seen to, 2.15.2 was not) may keep for AckWait even what was given
//     back.
//   - A failed event waits on the server for its next attempt. Any number of
//     them may wait; they hold up no other event.
//   - Nothing expires. If the disk is full, messages are rejected, not dropped.
//   - A lost connection is restored, forever. While it is lost, publishing fails
//     at once.
//   - A consumer or a stream that the server loses, with its data or to an
//     administrator, is created again with the settings it had, by whoever
//     publishes or consumes next. What a lost stream held is lost: reconcile.
//
// Messages are written as Watermill's own NATS adapter writes them, so its
// other tools can read them. Consuming is done here, by pulling, since that
// adapter cannot tell the server that work goes on.
package jetstream
