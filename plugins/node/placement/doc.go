// Package placement gets the containers of a node into the resctrl groups of their partitions, and keeps batch containers at the CPU limits
// that the local loop decides, through the container runtime's plugin interface (NRI). Which container belongs where is for package
// membership, what the runtime is told for package roster, how limits are written and divided for package quota, and how threads are moved
// for package groups.
//
// # Rungs
//
// The best way that works is taken, and named in the view:
//
//   - [RungRDT]: the runtime puts a container's first process into its control group and its own monitor group before it runs (LinuxRdt:
//     containerd 2.2.1, CRI-O 1.35, with runc 1.4).
//   - [RungClass]: the same with the control group alone (rdt_class: containerd 1.7, CRI-O 1.26).
//   - [RungSweep]: threads are put there afterwards, every [Period]. It also runs above, as the runtime puts processes that are started in
//     a container later (exec, probes) into the control group at most, and for containers that change their partition.
//   - [RungNone]: there are no groups; View.Why says why.
//
// A class is only handed to the runtime if the kernel's own resctrl is mounted where runtimes look for it, [DefaultMount], and the
// group was there when the agent looked last: a runtime stops a container whose group is missing. On nodes without RDT none ever is.
//
// # CPU limits
//
// They go through NRI only, never into a cgroup behind the runtime's back: the kubelet and the runtime rewrite those at every resize.
// Without NRI there are no CPU limits, and the view says so. While one is in force the pod's status shows it as the container's limit
// (containerStatuses[].resources), because the kubelet asks the runtime; the kubelet itself goes by what it asked for and leaves ours
// alone (Kubernetes 1.36, computePodResizeAction). Limits are lifted when Run ends, when the switch is not active, and when a container
// leaves its partition. An agent that is killed leaves them; the next one finds them by their mark (package quota).
//
// # Others on the node
//
// A container with a class of somebody else, by an annotation or another plugin, and one with a thread in a group of somebody else, keeps
// it. What a plugin sets that the runtime asks before us is not seen by us where it is LinuxRdt (NRI 0.11 checks it, but does not show
// it): then the container fails, and is given nothing the next time (package roster). containerd's rdt_config_file cannot be seen through
// NRI either: it makes groups at the start of containerd, which show in the tree as groups of somebody else. Two agents on one node are
// two plugins that set the same fields: the DaemonSet must not surge.
package placement
