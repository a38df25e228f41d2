// Package queueing runs an application on machines, request by request: the closed loop in which what is requested, limited, placed
// or moved answers in latency. It is a network of queues on a logical clock. Times are seconds since the start of the
// simulation, CPU is in cores, work in core-seconds on a core that the pod has to itself.
//
// # Use
//
// New takes an application (package servicegraph), machines and loads (package arrival). The caller adds pods, then calls Advance with the
// time to which the simulation is to run, reads what happened (Operations, Services, Pod, Machine, TakeSpans), gives commands
// (AddPod, AddBatch, Resize, Remove, Move, SetSpeed, SetThreads, SetScale) that hold from that time on, and advances again. Totals are
// cumulative: a rate is the difference of two readings, and any number of readers may look. Looking changes nothing.
//
// # Laws
//
// Requests arrive in a Poisson process whose rate follows a trace, whatever becomes of them. Each takes a pattern of its operation at
// random, by share. A call goes to a ready pod by the service's way of balancing and takes the network's delay there and back.
// A pod serves Concurrency calls at once and queues others, first in, first out. CPU work is served by package cpushare:
// processor sharing inside the pod, sharing by weight with a bound for each pod between the pods of a machine, bandwidth control where
// there is a limit. A pod's speed is
//
//	performance of its class in the mix of its machine (package park) × the pod's own factor (SetSpeed)
//
// so a slower pod needs more CPU time for the same work. A caller waits for its calls, holding its place; after a timeout it repeats the
// call or fails, and the callee, which does not know, works on. A call fails that finds no ready pod, a full queue, or whose pod is killed.
//
// # Random numbers
//
// Every draw is a function of the seed, the request's number in its load, and the place in its call tree. So the n-th request of a
// load comes at the same time, takes the same pattern and asks the same work of every service whatever was decided about pods: two
// runs with one seed and different decisions see the same requests, and their difference is not noise. No order of events, no map decides.
//
// # Counters
//
// A pod's cycles are its CPU time × clock, its instructions its work × clock × IPC. The cycles lost to interference are taken to
// wait for memory, missPenaltyCycles for each further last-level miss:
//
//	misses = instructions × misses alone + (cycles − cycles at speed 1) / penalty, at least 0
//
// # Not modelled
//
// Memory and its limits, disks and network bandwidth (Stage.Wait and Call.Network stand for both, unloaded), connection
// pools, retry back-off, cancellation along the tree, failing machines, slow first minutes of a pod after it is ready, and what
// package cpushare leaves out. Interference depends on which pods share a machine, not on their load at the moment, because that is
// what a truth tells. One with CPU sharing of its own counts CPU twice here: give plant.CacheBandwidth at least as many
// cores as its containers can want together.
package queueing
