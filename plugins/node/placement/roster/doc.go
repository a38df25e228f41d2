// Package roster keeps what is known of a node's containers, from the container runtime (NRI) and from the node's own files, and decides
// from it what the runtime is told: the resctrl group and the CPU limit of a container that is about to be made, and the limits that
// have to change. It is pure: events in, answers out, time as an argument. Its methods touch no file, as the runtime waits for the
// answers, two seconds at most (NRI's default), while no other container of the node can start: the slowest takes 0.2 ms on a node with 200
// batch containers. A [Roster] is not for several goroutines at a time.
//
// # What may never happen
//
// A container that does not start because of us. The runtime stops a container whose group does not exist, and one for which two plugins
// set the same field. The first is why a group is only named while it is there (Wish.Groups). The second cannot be seen beforehand. So what
// was handed to a container that has not started since is handed to it no second time, and after two such failures in a row to
// nobody for a while ([Backoff]): the sweep puts the threads into their group some seconds later.
//
// # Limits
//
// The kubelet's limit of each container is remembered: as it was when the container was made, then from each update. What is written is
// the smaller one of the kubelet's and ours (quota.Min), so that a resize in place never lifts ours, and lifting ours never lifts
// the kubelet's. A killed agent's limits are found by their mark, with the kubelet's in it (package quota).
package roster
