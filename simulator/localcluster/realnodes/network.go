package realnodes

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// bridge is the name of the interface that connects the nodes with the control plane.
const bridge = "nodes"

// startNetwork makes the bridge, in the caller's network: the sandbox's.
func startNetwork(ctx context.Context) error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("letting packets pass between nodes: %w", err)
	}
	return ip(
		ctx,
		"link add "+bridge+" type bridge",
		"addr add "+ControlPlaneAddress+"/24 dev "+bridge,
		"link set "+bridge+" up",
	)
}

// connect gives the node its interface and routes, and the sandbox the way to the node's pods.
func (n *Node) connect(ctx context.Context) error {
	pid := strconv.Itoa(n.holder.PID())
	err := ip(
		ctx,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", n.Name, pid),
		fmt.Sprintf("link set %s master %s up", n.Name, bridge),
		fmt.Sprintf("route add %s via %s", n.podRange(), n.Address),
	)
	if err != nil {
		return err
	}
	script := fmt.Sprintf(`set -e
ip link set lo up
ip addr add %s/24 dev eth0
ip link set eth0 up
ip route add default via %s
echo 1 >/proc/sys/net/ipv4/ip_forward`, n.Address, ControlPlaneAddress)
	return run(ctx, "nsenter", "--target="+pid, "--net", "--", "sh", "-c", script)
}

// podRange is where the node's pods get their addresses from.
func (n *Node) podRange() string { return fmt.Sprintf("10.244.%d.0/24", n.index) }

// ip runs the command of this name with each of the lines, words separated by blanks.
func ip(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		if err := run(ctx, "ip", strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// run runs a command to its end. The error has what it said.
func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
