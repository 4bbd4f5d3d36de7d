// Package jetstream makes the message engine of package inboxwatermill of NATS
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
//     forgotten the ids of messages that were acknowledged before.
//   - A message is delivered again, for ever, until it is acknowledged: within
//     a second or so if it was given back, as consumers do that end in good
//     order, after at most [AckWait] if its consumer died. While a consumer is
//     at work it says so, so that work may take any time. An old server (2.9.10
//     was seen to, 2.15.2 was not) may keep for AckWait even what was given
//     back.
//   - Nothing expires. If the disk is full, messages are refused, not dropped.
//   - A connection that was lost is made again, for ever. While it is lost,
//     publishing fails at once.
//
// Messages are written as Watermill's own NATS adapter writes them, so its
// other tools can read them. Consuming is done here, by pulling, since that
// adapter cannot tell the server that work goes on.
package jetstream
