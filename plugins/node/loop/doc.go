// Package loop is the fast local loop of a node's agent: once a second it turns what containers and groups used into readings, asks
// package attribution who slows whom down and package control what batch work may use, and says what to do about it. It decides nothing by itself
// and touches nothing: what comes out is an [Outcome], which the agent carries out, or only shows.
//
// # Signals
//
// The node does not see latencies. A set-point (NodeIsolation, spec.control.setPoints) bounds what it does see of a container: the time that
// ready threads wait for a CPU, CPU pressure, or cycles per instruction. Slack is (target - signal) / target over two seconds; below 0 the
// set-point is exceeded. A container that its own limit stopped in a twentieth of the periods waits through no fault of neighbours: then,
// and where attribution says so, the law leaves it to sizing.
//
// # What is moved
//
// The first partition of role Batch in the list: its ways of the last-level cache, its memory bandwidth, and the CPU of its containers together. All
// other partitions stay as the spec gives them. On machines without resctrl CPU is the only knob. Without a way to write CPU limits
// (NRI) and without resctrl there is nothing to move: then the loop only names who disturbs whom, as suspicions.
//
// # Probes
//
// Containers of partitions of role Latency, and those that have a set-point, may be victims. While attribution holds a suspect down for some
// seconds to see whether its victim recovers, the law waits, unless a set-point is exceeded by a tenth; a change that the law makes ends
// the probe. In mode Observe, with the switch not active, and where CPU limits cannot be written there are no probes, and so nobody is
// confirmed.
package loop
