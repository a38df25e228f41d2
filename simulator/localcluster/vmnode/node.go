package vmnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
)

const (
	// ControlPlaneAddress is where the node reaches the API server: localcluster.Config.NodeAddress has to be it.
	ControlPlaneAddress = "192.168.78.1"
	// Name is the node's.
	Name = "vm-node"
	// Address is where the node is reached.
	Address = "192.168.78.11"

	podRange = "10.244.11.0/24"
	tap      = "vm-node" // the interface's name
	// cpus and memory (in MiB): two, so that threads of a container run at a time, and what kubelet, containerd and some pods need twice over.
	cpus, memory = "2", "2048"
	// readyTimeout bounds the wait for the node: ten times what it takes on an idle machine, as the emulation is the first to suffer from others.
	readyTimeout = 4 * time.Minute
)

// Config says what the node can run.
type Config struct {
	// Images are the files of the images that pods may use, as hack/ociimage writes them.
	Images []string
	// Pause is the tag, among those of Images, of the image whose entry point, without arguments, waits to be stopped: the first
	// container of every pod.
	Pause string
}

// Node is a running node.
type Node struct {
	// Machine is the process of QEMU.
	Machine *localcluster.Child

	dir     string // its files
	cluster *localcluster.Cluster
	config  Config
}

// Start starts the node and returns when it is Ready: after 20 to 60 seconds. It lives as long as the cluster and, whatever happens, not longer
// than the sandbox; if Start fails, what it has started lives on until then. There can be one in a sandbox.
func Start(ctx context.Context, cluster *localcluster.Cluster, config Config) (*Node, error) {
	box, ok := sandbox.Current()
	if !ok {
		return nil, errors.New("starting a node in a virtual machine: this needs a sandbox, see package sandbox")
	}
	if err := Supported(cluster.ToolDir()); err != nil {
		return nil, fmt.Errorf("starting a node in a virtual machine: %w", err)
	}
	n := &Node{dir: filepath.Join(box.Dir, Name), cluster: cluster, config: config}
	for _, step := range []func(context.Context) error{n.makeDisk, connect, n.boot} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("starting a node in a virtual machine: %w", err)
		}
	}
	return n, nil
}

// connect makes the interface between the sandbox and the node, and the way to its pods.
func connect(ctx context.Context) error {
	for _, line := range []string{
		"tuntap add dev " + tap + " mode tap",
		"addr add " + ControlPlaneAddress + "/24 dev " + tap,
		"link set " + tap + " up",
		"route add " + podRange + " via " + Address,
	} {
		if err := run(ctx, "ip", strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// boot starts the machine and returns when the node is Ready. QEMU runs at a lower priority: it would keep two CPUs from others.
func (n *Node) boot(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(n.cluster.AdminConfig())
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	n.Machine, err = n.cluster.Run(ctx, localcluster.Process{
		Name: Name, Path: "/usr/bin/env", ReadyTimeout: readyTimeout,
		Args: []string{
			"nice", "-n", "10", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
			"-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", cpus, "-m", memory,
			"-display", "none", "-serial", "stdio",
			"-kernel", filepath.Join(n.cluster.ToolDir(), kernelPath, "vmlinuz"), "-append", kernelArguments,
			"-drive", "file=" + n.disk() + ",if=none,id=disk,format=raw,cache=unsafe", "-device", "nvme,serial=disk,drive=disk",
			"-netdev", "tap,id=net,ifname=" + tap + ",script=no,downscript=no", "-device", "virtio-net-pci,netdev=net",
		},
		Ready: func(ctx context.Context) error { return ready(ctx, client) },
	})
	return err
}

// ready returns nil if the node has the condition of that name.
func ready(ctx context.Context, client kubernetes.Interface) error {
	node, err := client.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("the node is not ready: %+v", node.Status.Conditions)
}

// run runs a command to its end. The error has what it said.
func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
