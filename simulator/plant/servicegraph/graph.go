// Package servicegraph describes an application of services that call each other: what a request does where, and for how long. It is the
// input of package queueing, which lets requests run. Times are seconds, CPU is in cores, work in core-seconds on a core that the
// pod has to itself.
//
// An operation is what a client asks for. It has one or more patterns, each with a share of the requests: a tree of calls. A call is
// served in stages, one after the other. In a stage the service first computes, then waits for something that takes no CPU of its own
// (a disk, a lock, a service outside the cluster), then calls others in parallel and waits for all that are not asynchronous.
// A last stage without calls is the work after the answers are in.
package servicegraph

// Application is a set of services and the operations on them.
type Application struct {
	Services   []Service
	Operations []Operation
}

// Service is a program of which replicas, called pods, run.
type Service struct {
	// Name is unique in the application.
	Name string
	// Class is the workload class of its pods for interference; empty = they neither suffer nor cause any.
	Class string
	// Concurrency is the number of requests that a pod serves at once, those that wait for calls of their own included, as a server
	// with a thread for each request does; 0 = any number, as an event loop does. 1 makes the service first come, first served.
	Concurrency int
	// Queue is the number of requests that wait in a pod, first in, first out, while Concurrency are served; more are refused.
	// 0 = DefaultQueue.
	Queue int
	// Threads is the number of cores that a pod can use at once; 0 = as many as it computes requests.
	Threads int
	// Balance says how callers choose a pod.
	Balance Balance
	// Start is what it takes to start a pod.
	Start Start
	// Counters are the pod's hardware counters.
	Counters Counters
}

// DefaultQueue is the length of the queue of connections that wait to be accepted: net.core.somaxconn since Linux 5.4.
const DefaultQueue = 4096

// Balance is a way to choose a pod for a call.
type Balance uint8

const (
	// RoundRobin takes the ready pods in turn, as kube-proxy and gRPC's round_robin do in the mean.
	RoundRobin Balance = iota
	// LeastOutstanding takes the ready pod with the fewest unanswered calls, in turn among equals, as a mesh's least-request balancer
	// with full knowledge would.
	LeastOutstanding
)

// Start is the cost of starting a pod: first a time without CPU (pulling, creating), then a burst of CPU (loading, compiling),
// at the pace at which the machine lets the pod have it. It is ready after that.
type Start struct {
	DelaySeconds float64
	// Work is the CPU burst, on one thread.
	Work Law
}

// Counters describes how a service's instructions run on a core that it has to itself. The zero value counts at DefaultCounters.
type Counters struct {
	// GHz is the clock, InstructionsPerCycle the rate at speed 1, MissesPerKiloInstruction the last-level misses at speed 1.
	GHz, InstructionsPerCycle, MissesPerKiloInstruction float64
}

// DefaultCounters are plain values for a server core and a service in Go or Java, chosen: 2.5 GHz, 1 instruction a cycle, 2 misses a
// thousand instructions. Nothing depends on them but the counters shown.
func DefaultCounters() Counters {
	return Counters{GHz: 2.5, InstructionsPerCycle: 1, MissesPerKiloInstruction: 2}
}

// Operation is what a client asks for.
type Operation struct {
	// Name is unique in the application.
	Name string
	// TargetSeconds is the latency that requests are counted against; 0 = every answer counts as in time.
	TargetSeconds float64
	// Patterns are the ways in which requests run.
	Patterns []Pattern
}

// Pattern is one way in which a request runs.
type Pattern struct {
	Name string
	// Share is the share of requests, above 0; shares need not add up to 1, they are divided by their sum.
	Share float64
	// Root is the client's call. Its network, timeout and retries are the client's; Async and Optional mean nothing there.
	Root Call
}

// Call is a call of a service and what it does there.
type Call struct {
	// Service is the name of the service called, Operation that of the span.
	Service, Operation string
	// Network is the delay of each way, drawn for each.
	Network Law
	// TimeoutSeconds is how long the caller waits for the answer, 0 = for ever. Past it, the callee works on in vain.
	TimeoutSeconds float64
	// Retries is how often the caller repeats a call that failed or timed out, at once, at most MaxRetries.
	Retries int
	// Async says that the caller does not wait for the answer; it neither times out nor repeats the call.
	Async bool
	// Optional says that the caller goes on if the call fails in the end; else it fails too.
	Optional bool
	// Stages are what the service does; none = it answers at once.
	Stages []Stage
}

// MaxRetries bounds the repetitions of a call: with calls of depth d the work can grow to (1 + MaxRetries)^d.
const MaxRetries = 10

// Stage is a step in serving a call.
type Stage struct {
	// Work is the CPU work, Wait a time without CPU after it, Calls are then made in parallel.
	Work, Wait Law
	Calls      []Call
}
