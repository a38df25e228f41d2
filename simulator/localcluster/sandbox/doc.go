// Package sandbox runs a program in a machine within the machine: with process ids, mounts, network, host name and cgroups of its own, so that
// it may do what changes a machine (start containers, bring up interfaces, mount file systems), and nothing of it is left when it ends.
// It is what real nodes run in; see package realnodes. It needs root on Linux.
//
//	err := sandbox.Run(ctx, sandbox.Program{Args: []string{"inside"}, Stdout: os.Stdout, Stderr: os.Stderr})
//
// Inside, Current tells the program where its folder and its cgroup are.
//
// # What the program sees
//
//   - The machine's files, except that /run, /var/lib and /var/log are empty and vanish with it.
//   - A network of its own, with loopback alone: it reaches nobody outside, and nobody outside reaches it.
//   - /proc/sys read-only, except for its own network's settings; what a kubelet insists on (see kubeletSysctls) is there for it to read.
//   - The machine's cgroup file systems. It may use what is below its own cgroup.
//
// # The end
//
// The program, and whatever it started, is killed when it ends, when the context ends, and when the caller dies by any means: the
// kernel ends all processes of a process id namespace with its first one, and its mounts and interfaces with them. What remains are
// the cgroups and the folder. A small shell process in a session of its own, the watchdog, removes them, in all three cases: there
// is one way to clean up, and it is the one that also works when the caller is killed. Whoever kills the watchdog too leaves empty
// cgroups and the folder behind: Run removes them the next time, a minute later at the earliest, the folder if it is in the same one.
package sandbox
