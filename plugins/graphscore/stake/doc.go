// Package stake says what the latency objectives of a cluster lose where a pod runs on a node: because its neighbours slow it down, because
// it slows them down, and because its calls have a longer way. It takes and returns values; package graphscore asks it.
//
// # Unit
//
// Losses are shares of the target of the objective concerned: 0.02 of an objective of 250 ms is 5 ms more at its percentile. So objectives of
// different targets can be added up, and no objective counts for more than another of the same relative loss.
//
// # Slowdown
//
// With S the derivative of the percentile by ln(slowdown) of all n pods of a workload (LatencyModel, slowdownMilliseconds), and p the
// performance of a class on a node relative to alone (package interference), a pod there costs
//
//	own        = S/(n·T) · −ln p(mix + pod)
//	neighbours = sum over the residents r under objectives of S_r/(n_r·T_r) · (ln p_r(mix) − ln p_r(mix + pod))
//
// to first order: calls divide evenly among the pods of a workload, so that one pod's slowdown is felt by 1 in n of its calls, and the tail
// of a sum reacts to each of its parts by its derivative. Load of no known class presses on the pod itself and is left out of what
// neighbours lose, for the reason that package interferencefit gives. A neighbour may help: losses can be below 0.
//
// # Network
//
// A call of the pod's workload that a request waits for meets each pod of the other side alike, so that with c calls on the critical path
// of a request and a cost k(d) at distance d
//
//	network = sum over calls of c/(n·T) · mean over the pods of the other side of (k(d) − k(nearest))
//
// What cannot be told apart costs nothing: a distance that was not measured counts as the next nearer one, and a peer without pods as near.
package stake
