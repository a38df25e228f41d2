// Package containers joins what the kernel and the processor count for the containers of a node, read by package counters, and what resctrl
// counts of their caches and memory, followed by package meter, with the containers' names, and shows it as metrics. It asks no server: it
// works the same while the API server is away.
//
// A reading has its time. One that is older than three periods is stale: its container keeps the series of its age and loses the others,
// and nothing is taken from it to the next one. A look at 100 containers takes 4 ms of CPU time on cgroup v1 with v2 beside it, and 7 ms
// where memory and I/O are read too, every ninth time: under half a percent of a core at one a second (BenchmarkRealContainers). A thread
// more takes a microsecond.
//
// # Where names come from
//
// The cgroup of a container says the pod's UID and the container's id. Namespace, pod and name could come from the API server. But the
// rules of RBAC know no selector on a node, and all agents share one ServiceAccount: whoever took the token of one could list the pods of
// all nodes, specs with them. So the agent has no right to pods, and reads names where the kubelet writes them. There are:
//
//   - /var/log/containers: for each container that it starts, the kubelet makes a link here to the container's log, called
//     <pod>_<namespace>_<container>-<id>.log (Kubernetes 1.36, pkg/kubelet/kuberuntime: startContainer in kuberuntime_container.go,
//     logSymlink in legacy.go; pkg/kubelet/kubelet.go makes the folder, for everybody to list), and removes the link with the container.
//     Collectors of logs rest on it. The names of the links are all that is read: none is followed, and what they lead to, the logs
//     in /var/log/pods, need not be mounted. That is the least right, it is one folder to list, only the node's root can write to it,
//     and static pods are no exception, although their UID on the node is the hash of their file and another than the API server's.
//     This is what is read.
//   - /var/log/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log: names by UID (helpers.go, BuildPodLogsDirectory and
//     BuildContainerLogsDirectory), but no id: the containers of a pod cannot be told apart. An agent that is root could read all logs.
//   - /proc/<pid>/mountinfo of a container's process: the source of its termination log is below pods/<uid>/containers/<container>/ in the
//     kubelet's folder. It has neither namespace nor pod, and whoever may mount within a container can have any such line.
//   - /var/lib/kubelet/pods/<uid>: for root alone, and with it the tokens and Secrets of all pods.
//   - the runtime's socket (CRI): complete, and whoever may connect to it is root on the node.
//   - the kubelet's own list of pods, https://<node>:10250/pods: one rule on nodes/pods for one shared ServiceAccount is a right to those
//     of all nodes, again. An authorizer or an authorization configuration that could say "its own node" is for the API server's flags,
//     admission policies do not see reads, and a ServiceAccount for each node is no DaemonSet.
//
// Where the links cannot be read, or none is of a container that runs here, containers are shown by their pod's UID and their own id:
// [View.Unnamed] says why. A container without a link while others have theirs is not shown: most such cgroups are sandboxes of pods.
package containers
