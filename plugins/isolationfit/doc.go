// Package isolationfit is a kube-scheduler plugin that chooses nodes by what their agents report (NodeIsolation objects): who was found to
// disturb whom, how much memory bandwidth is taken, and which partitions a node has or could have.
//
// # What it decides
//
// Score: an agent confirms interference by slowing the culprit down for some seconds and seeing the victim recover. Such a pair of
// workloads is believed on every node as long as some agent reports it. A workload is the class that a pod's label ballast.dev/class names,
// in all namespaces, else its namespace and top controller: one class is one behaviour, wherever it runs. So who may set the label can make
// pods of others avoid each other, by scores alone; an admission policy can restrict it. The loss of a node is
//
//	what the pod loses beside the worst of the culprits there: 1 - 1/slowdown
//	+ what each of its victims there loses:                    1 - 1/slowdown
//	+ 0.1 of the share of memory bandwidth that is taken in the node's fullest cache domain
//	+ 0.5 where the node's agent says that it cannot keep its set-points (status.control.infeasible)
//
// in containers' worth of alone-performance, as with InterferenceFit, and NormalizeScore is the same scale: 100 for the best node, one
// point less for each 0.01 lost against it. The term of bandwidth only orders nodes that are otherwise alike: at most it weighs as much as
// a pair that costs a tenth. Where a node's bandwidth is not known, it counts as that of the fullest node that is: news that are missing
// make no node better. A pair without a measured slowdown counts as 1.1, which is about what an agent's bars tell from noise.
//
// An agent says that a node cannot keep its set-points where a latency-sensitive container stays beyond its own with batch work at its
// minimum, or where a canary's search found no allocation for the mix. Such a node comes after one that is alike, for every pod: a
// latency-sensitive one would miss its set-point there, a batch one get next to nothing (and one that was evicted from the node would come
// back), any other take more from those that lack it already. Half a container, as much as a pair with slowdown 2, is a judgement and no
// measurement: more than bandwidth or a mild pair can weigh, less than the worst pair. It never rejects a node: where all nodes are like
// that, none is preferred, and a set-point that nothing can meet blocks nobody.
//
// InterferenceFit predicts the same kind of loss for classes that its model knows; this plugin has what was seen on nodes, of workloads
// that nobody profiled too. Where both know of a pair it counts twice, which only makes the distance between the two larger.
//
// Filter: rejects a node only where an annotation of the pod asks for it:
//
//	ballast.dev/partition: web                  the node has or is to have that partition, or has a resource class (CLOSID) free for it
//	ballast.dev/memory-bandwidth-mbps: "8000"   some cache domain has so much bandwidth left
//
// and only by a report that is believed (status.lastReport, 3 minutes): a node whose bandwidth is not known is not rejected. One without a
// NodeIsolation, or without resctrl, has no partitions. The status is UnschedulableAndUnresolvable: nobody is preempted for it. Pods of
// DaemonSets and system-critical pods are never rejected.
//
// Bandwidth is what a report measured, less what pods declare by the same annotation that came too late to be in it (package bandwidth):
// two pods never get the same headroom between two reports. Once it has run for some seconds, a pod counts by what it takes, whatever it
// declared. A pod that is crowded out is tried again with the next report of a node that has enough, at most a minute later, or when one of
// those leaves.
//
// A value of another form loses nothing: the pod is scheduled as without that annotation, and a warning event says, once for each pod and
// value, which annotation is wrong and what is expected.
//
// # Who reads what
//
// Events on a pod are for whoever may see the pod. They name other pods of its namespace only, and nothing of what agents wrote, which
// names pods of any; that stands in the log, and in NodeIsolation objects.
//
// # Missing and stale data
//
// A report that is too old tells neither pairs nor bandwidth, nor of set-points; its partitions are believed, as they outlive the agent.
// The plugin is neutral (PreScore and PreFilter skip) where no report says anything that matters to the pod, while the switch is off or was
// not read yet, and before the first answer about NodeIsolation objects; in shadow all is computed and logged, every score is 0, and
// nothing is rejected.
//
// # Metrics
//
// All begin with scheduler_isolationfit_ and carry the profile: node_reports{state}, confirmed_pairs, infeasible_nodes,
// filter_rejections_total{mode,wants}, decisions_total{mode}, skipped_pods_total{reason}, switch_errors_total, events_dropped_total.
//
// # Cost
//
// Reports are taken in apart from the scheduling path, every two seconds. Without pairs that the pod is part of, Score is one look-up; else
// it compares the node's pods with the pod's partners, of which there are few. Filter runs only for pods that ask for something, and goes
// over a node's pods only for bandwidth. Neither allocates anything, but for the status of a node that is rejected.
package isolationfit
