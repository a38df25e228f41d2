// Package sizing decides, once a round, how much CPU each workload of one latency objective is to request: the fewest cores that keep the
// percentile within its target at the load that is planned for, and when to change what is there. A Controller takes in what was
// observed in each window (Observe) and gives a Decision (Decide); Fallback leads a workload back to stock while there is none.
//
// # Method
//
// Of each workload the controller keeps the CPU work of a call, which is usage over calls, and a latency law (package latency) fitted on
// past windows. A workload's replicas enter the law as one pod with the harmonic mean of their spare cores, since the mean time of
// processor sharing is one over spare cores and a call meets a replica at random: a short replica counts for more than a long one
// (package replicas). A workload that uses CPU without a call seen is not sized; it follows Fallback.
//
// What requests spend outside the services that are sized, by their traces, is taken off the target beforehand. If it is all of the target or
// more, no CPU helps: what workloads have is held, and raised only as far as the load takes.
//
// The planned rate is an upper quantile, of the rate two rounds ahead: a smoothed rate times the quantile of the ratios seen so far. Of a
// service's calls those that the objective's requests make grow alike, and calls from elsewhere stay. Predicted percentiles are corrected by the ratios of observed over predicted percentile in past windows, each
// predicted before it was seen (split-conformal); these hold what the chain of exponential laws leaves out, above all bursts within a
// minute. Cores come from package allocate, with an upper quantile of the ratio as its Tail (package hindsight does both).
//
// What is published as predicted is another thing than what is sized for: the percentile to expect, at the median of the load and with what
// pods obtain beyond their requests, so that it can be held against the observed one. Its interval comes from the ratios of observed
// percentiles to predictions made as far ahead, and Coverage counts how often it held. What is sized for is published as guaranteed.
//
// A target rises at once and falls when a tenth less has been enough for Periods.Settle, or 2.5 % less for six times that. Lower and Upper
// are what the VPA updater acts on, not an interval of belief. Lower is what the present load needs, so that a pod below it is resized
// within a minute; Upper is the target plus the waste that is let be, a tenth at first and 2.5 % after six times Settle. The updater
// takes pods within the bounds, too, that are older than 12 hours and differ from the target by a tenth. So where a rise would be an
// eviction in the middle of an overload, the target itself stays within a tenth of what pods have, for an hour (replicas.Workload.Bounds).
//
// # Assumptions
//
// A service's calls divide evenly among its pods. Pods that name the same node share its headroom, of one workload or of several; one that
// names none has its own. Where nodes are idle, laws are fitted on what pods obtained, and requests are still sized for a fully busy node.
package sizing
