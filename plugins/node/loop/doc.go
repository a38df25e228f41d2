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
// other partitions stay as the spec gives them, but on canary nodes. On machines without resctrl CPU is the only knob. Without a way to write CPU limits
// (NRI) and without resctrl there is nothing to move: then the loop only names who disturbs whom, as suspicions.
//
// # Probes
//
// Containers of partitions of role Latency, and those that have a set-point, may be victims. While attribution looks for some minutes whether
// a victim recovers each time its suspect is held down, the law keeps still, but for its guard of bandwidth, unless a set-point is exceeded:
// a change that the law makes ends the probe. So no probe begins while the law is still on the move. That a victim recovers when the law cuts
// batch as a whole blames nobody: several are cut at once, and what is at its worst gets better by itself. In mode Observe, with the switch not
// active, and where CPU limits cannot be written there are no probes, and so nobody is confirmed.
//
// # Canary nodes
//
// Where the spec allows it, and the law has taken all from batch while set-points are still missed, package canary tries other divisions between the
// partitions of role Latency. During trials the law only guards bandwidth, and nobody is probed: what is read then is the trial's doing. What was
// found is forgotten at a restart: the spec's shares come first.
//
// # Restarts
//
// Ways and bandwidth are gone on from as the groups have them. The limit of CPU, the findings and the last eviction are those of the status that
// the agent before has left (status.control, status.interference); without one, the limits that containers still have tell. What is usual for a
// container is learnt anew in some five minutes, of which the status says how many are left.
//
// # Evictions
//
// Where the spec allows the law's last step, the pod of batch that uses most CPU is named in the status, at most one in five minutes. Others
// evict it. Nobody is named while CPU limits cannot be written, or the groups are not as the law wants them: batch is not at its minimum then.
package loop
