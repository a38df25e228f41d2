// Package vmnode adds a node to a local cluster that has a kernel of its own: a virtual machine, emulated in software by QEMU, with Debian's
// kernel, kubelet, containerd, runc and CNI plugins. It is for what the machine's own kernel may not have, and package realnodes so cannot
// show: cgroup v2 alone, as on nodes of production, with pressure (PSI) of every container. It works inside of a sandbox only (package
// sandbox), which is what takes everything away again:
//
//	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: box.Dir, NodeAddress: vmnode.ControlPlaneAddress})
//	...
//	node, err := vmnode.Start(ctx, cluster, vmnode.Config{Images: []string{"payload.tar"}, Pause: "localhost/payload:dev"})
//
// # The machine
//
// Two CPUs, 2 GiB of memory, one disk (NVMe, whose driver is part of the kernel, so that no initial RAM disk is needed), which is made for the
// node: busybox, the tools, the images and the configuration. Its first process is a shell script (see initScript). There is no systemd: the
// kubelet has the driver cgroupfs, and the cgroups of pods are below /sys/fs/cgroup/kubepods. What the kernel, containerd and the
// kubelet say is in the cluster's log vm-node.log: it is what comes out of the serial port.
//
// # Network
//
// The sandbox has a network of its own, with the whole control plane in it. A tap interface connects it with the node:
//
//	the sandbox: control plane, caller     192.168.78.1
//	vm-node                                192.168.78.11, pods 10.244.11.0/24
//
// The caller reaches pods at their addresses. There is no kube-proxy and no DNS: Services have no effect.
//
// # What differs from nodes of production
//
//   - CPUs are emulated, five to ten times slower than the machine's, and what others take of the machine's CPUs does not show as time
//     stolen: it is for what is counted and where, never for latencies.
//   - The processor has no performance counters and no resctrl.
//   - Images are imported from files; pods need imagePullPolicy Never.
package vmnode
