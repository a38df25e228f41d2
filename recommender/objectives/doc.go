// Package objectives turns LatencyObjective objects into CPU targets of workloads, once a round, and reports how they stand.
//
// It follows the objects (Follower), joins each one's window of telemetry to workloads, feeds and asks its sizing.Controller (Sizer),
// answers what a container is to have given what stock would give it (Round.Bounds), and afterwards reports (Round.End); package status
// shows that in objects, events and metrics. It knows nothing of VPA: package recommender translates.
//
// A workload's way from an objective-based target back to stock is sizing.Fallback's. Its state is in the objective's status, so that
// a restarted recommender, or the next leader, goes on with it. Blind is: no data, stale data, too few data, and mode off. In shadow
// the workloads go the same way back, while the status shows what would be asked for. A deleted objective has no say at once: that is
// how to force stock.
package objectives
