// Package node is the agent of a node, ballast-node: it keeps the control groups of resctrl as the node's NodeIsolation object wants them,
// reads what groups and containers use, and reports both. What to divide is decided by the object, how by package partition.
//
// A round comes every [Period], and at once when the object or the switch changes:
//   - read the tree (package resctrl); where there is none, say in a sentence why, and work with the rest: that is the main case on cloud
//     machines, where the hypervisor hides what the processor can;
//   - plan, log the plan, carry it out if the switch is active, and read back (package isolator); groups named ballast-* are the agent's,
//     also those that an agent before it made, all others and the default group are never touched; where somebody else rewrites the agent's
//     groups again and again, they are left to him, and the condition Applied says so (package contest);
//   - read the containers' counters, and their names from the kubelet's links to their logs (package containers: the agent has no right to
//     pods, as it could only be to those of all nodes);
//   - leave the object's status to package writer, which writes it on a change, at most every [Period], and else once a minute: no round waits
//     for the API server.
//
// The same, and what single containers use, is shown as Prometheus series (packages exposition and containers).
//
// Where the object's spec has control, a step of the local loop (package loop) comes once a second: what it gives to batch work overlays the
// spec's partitions, and CPU limits go through the container runtime (package placement), which also puts containers into the groups of
// their partitions.
//
// Nothing is changed before the API server has been heard: neither the object nor the switch is guessed. While the API server is away the
// last wish stays in force, and groups stay as they are when the agent ends: protection does not hang on a process. A group that is no
// longer wanted is removed only when no thread is in it.
//
// What throttles is another matter: CPU limits and the bandwidth that the local loop took from batch are given back when the agent is told to
// end, and when the switch is not active (packages placement and relief). An agent that is killed leaves them, and the next one's loop goes on
// from them, and from its status.
package node
