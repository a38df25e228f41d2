// Package status decides what is shown of latency objectives after a round: the status of the objects and events (Of, Writer), and metrics
// (Collector). What did not change is not written again.
//
// A status is the workloads' state, too: where there is no memory of the last leader, the next one goes on from it (package objectives).
package status
