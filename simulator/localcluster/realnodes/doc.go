// Package realnodes adds nodes to a local cluster that really run containers: kubelet, containerd, runc and CNI plugins, as child
// processes, all built from source. Containers share the machine's kernel and CPUs with everything else, so that interference between
// pods, CPU weights and in-place resizes are real. Needs root, Linux, and the tools that `make e2e-nodes` builds; it works inside of a
// sandbox only (package sandbox), which is what takes everything away again:
//
//	if _, inside := sandbox.Current(); !inside {
//		return sandbox.Run(ctx, sandbox.Program{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr})
//	}
//	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: dir, NodeAddress: realnodes.ControlPlaneAddress})
//	...
//	nodes, err := realnodes.Start(ctx, cluster, realnodes.Config{Count: 2, Images: []string{"payload.tar"}, Pause: "localhost/payload:dev"})
//
// # Network
//
// The sandbox has a network of its own, so the whole control plane runs in it, unchanged: nothing listens in the machine's. A
// bridge connects it with the nodes, each in a network namespace and a mount namespace of its own:
//
//	the sandbox: control plane, caller     bridge 192.168.77.1
//	node-1                                 192.168.77.11, pods 10.244.1.0/24
//	node-2                                 192.168.77.12, pods 10.244.2.0/24
//
// The caller reaches pods at their addresses, and pods each other. There is no kube-proxy and no DNS: Services have no effect.
//
// # What differs from nodes of production
//
//   - Each node reports the whole machine's CPUs and memory, and the machine's use as its own. Containers and pods have their own figures.
//   - Pods of one node compete with those of the other, and with the rest of the machine.
//   - Images are imported from files; pods need imagePullPolicy Never.
//   - Out-of-memory scores are not lowered where the machine does not allow it, and swap, image collection and disk pressure are
//     left out: the disk is the machine's.
//   - Both versions of cgroups work; the kubelet has the driver cgroupfs, in a root cgroup of each node's own.
package realnodes
