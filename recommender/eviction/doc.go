// Package eviction takes the last step of the local loop's ladder: it evicts the batch pod that a node's agent names, where all that the
// agent could do on the node itself (ways, bandwidth, CPU) did not bring a latency-sensitive service back to its set-point.
//
// The agent has no right to pods. It writes one request into its own NodeIsolation, status.control.evict, and the recommender's leader
// judges it (Judge) by what the API server says, not by what the agent says: whoever takes over an agent's token can at most have batch
// pods of that very node evicted, one in five minutes. A request is refused unless
//
//   - the object's spec.control has mode Act and eviction LastStep (the default is Never), and the switch is active; in shadow an event
//     says what would have been done, and in off requests are not looked at;
//   - the agent's report is at most 3 minutes old, the request at most 2, and neither is of the future by more than a minute;
//   - the pod exists with that UID, runs on the node that the object is named like, and is not on its way out already;
//   - the first partition of the object's spec that has the pod has role Batch (package membership, by which the agent decides too);
//   - it is no pod of a DaemonSet, of a node's files (static, mirror), of a system namespace, nor of a priority that is the system's.
//
// Then it is evicted through the API's Eviction (policy/v1) with the UID as a precondition, so that budgets of disruption hold. Where one
// refuses (429), or the API server fails, it is tried again after 5, 10, 20 and 40 s while the request lives. A pod without a controller is
// gone for good, as with preemption.
//
// There is at most one eviction from a node in 5 minutes (Budget), and Config.PerMinute in a minute of all nodes together; others wait. A
// leader does not know what the last one did, and so evicts nothing in its first 5 minutes.
//
// An event on the pod and one on the NodeIsolation say what was done and why, in the agent's own sentence. Metric
// eviction_requests_total counts requests by what came of them; see Outcome. The right to evict is not among those of
// manifests/recommender: manifests/recommender/eviction gives it. Without it every request counts as forbidden, and the log says so once.
package eviction
