package realnodes

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// holderScript is the process whose namespaces the node's programs run in. Its arguments are the node's folder and a file to make when all is set
// up. With these folders of its own a node has its files where every node has them, sockets with short names among them.
const holderScript = `
set -e
mount -t tmpfs -o mode=0755 none /run
mount --bind "$1/lib" /var/lib
mount --bind "$1/log" /var/log
: >"$2"
exec sleep infinity
`

// startHolder makes the node's namespaces.
func (n *Node) startHolder(ctx context.Context) error {
	mark := filepath.Join(n.dir, "namespaces-ready")
	var err error
	n.holder, err = n.cluster.Run(ctx, localcluster.Process{
		Name: n.Name + "-namespaces", Path: "/usr/bin/env",
		Args: []string{
			"unshare", "--net", "--mount", "--propagation=private", "--", "sh", "-c", holderScript, "ballast-node", n.dir, mark,
		},
		Ready: func(context.Context) error {
			_, err := os.Stat(mark)
			return err
		},
	})
	return err
}

// Inside returns the process as it runs on the node, for Cluster.Run: with the node's network, /run, /var/lib and /var/log, and otherwise
// with what the caller sees, processes among it. A DaemonSet's pod of the host's namespaces sees a node like that.
func (n *Node) Inside(process localcluster.Process) localcluster.Process {
	args := []string{"nsenter", "--target=" + strconv.Itoa(n.holder.PID()), "--net", "--mount", "--", process.Path}
	process.Path, process.Args = "/usr/bin/env", append(args, process.Args...)
	return process
}

// tool returns the process of one of the node's programs.
func (n *Node) tool(name string, args ...string) localcluster.Process {
	return n.Inside(localcluster.Process{
		Name: n.Name + "-" + name, Path: filepath.Join(n.cluster.ToolDir(), name), Args: args, ReadyTimeout: readyTimeout,
		// containerd looks for its shim there
		Env: []string{"PATH=" + n.cluster.ToolDir() + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	})
}

// startContainerd returns when it answers.
func (n *Node) startContainerd(ctx context.Context) error {
	process := n.tool("containerd", "--config", filepath.Join(n.dir, "containerd.toml"))
	process.Ready = func(ctx context.Context) error { return n.ctr(ctx, "version") }
	_, err := n.cluster.Run(ctx, process)
	return err
}

// ctr runs containerd's client.
func (n *Node) ctr(ctx context.Context, args ...string) error {
	process := n.tool("ctr", append([]string{"--address", containerdSocket, "--namespace", "k8s.io"}, args...)...)
	return run(ctx, process.Path, process.Args...)
}

func (n *Node) importImages(ctx context.Context) error {
	for _, image := range n.config.Images {
		if err := n.ctr(ctx, "images", "import", "--local", "--snapshotter=native", image); err != nil {
			return err
		}
	}
	return nil
}

// startKubelet returns when the node is Ready.
func (n *Node) startKubelet(ctx context.Context) error {
	process := n.tool(
		"kubelet",
		"--config="+filepath.Join(n.dir, "kubelet.json"), "--kubeconfig="+n.kubeconfig(),
		"--hostname-override="+n.Name, "--node-ip="+n.Address,
		"--housekeeping-interval=1s", // of cAdvisor: production's 10 s are long in a test
		"--v=2",
	)
	ready, err := n.ready()
	if err != nil {
		return err
	}
	process.Ready = ready
	_, err = n.cluster.Run(ctx, process)
	return err
}

// atAddress returns the URL of a server at another address, with the same port.
func atAddress(server, address string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("reading the address of the API server: %w", err)
	}
	u.Host = net.JoinHostPort(address, u.Port())
	return u.String(), nil
}
