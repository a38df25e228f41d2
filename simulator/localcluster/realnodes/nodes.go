package realnodes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
)

const (
	// ControlPlaneAddress is where nodes reach the API server: localcluster.Config.NodeAddress has to be it.
	ControlPlaneAddress = "192.168.77.1"
	// MaxCount is the greatest number of nodes: more real ones on one machine tell nothing new.
	MaxCount = 9
	// readyTimeout bounds the wait for a program of a node, and for the node; two seconds are usual.
	readyTimeout = 3 * time.Minute
)

// Config says which nodes there are.
type Config struct {
	// Count is the number of nodes, in [1, MaxCount].
	Count int
	// Images are the files of the images that pods may use, as hack/ociimage writes them.
	Images []string
	// Pause is the tag, among those of Images, of the image whose entry point, without arguments, waits to be stopped: the first
	// container of every pod.
	Pause string
}

// Node is a running node.
type Node struct {
	// Name is node-1 and so on; Address its IP address.
	Name, Address string
	// Cgroup is the path of the cgroup in which its pods are, in every hierarchy.
	Cgroup string

	index   int
	dir     string // its files
	cluster *localcluster.Cluster
	config  Config
	holder  *localcluster.Child // the process whose namespaces are the node's
}

// tools are the programs a node consists of, in the folder of the cluster's own.
var tools = []string{"kubelet", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "cni-bridge", "cni-host-local"}

// CheckTools returns an error that wraps localcluster.ErrToolMissing, and says what to do, unless the nodes' programs stand in the folder.
func CheckTools(dir string) error {
	for _, name := range tools {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return fmt.Errorf("%w: %s not found in %s: run `go run ./hack/toolbuild kubelet containerd runc cni`", localcluster.ErrToolMissing, name, dir)
		}
	}
	return nil
}

// Start starts the nodes and returns when all are Ready: after two to three seconds. They live as long as the cluster and, whatever
// happens, not longer than the sandbox; if Start fails, what it has started lives on until then.
func Start(ctx context.Context, cluster *localcluster.Cluster, config Config) ([]*Node, error) {
	box, ok := sandbox.Current()
	if !ok {
		return nil, errors.New("starting real nodes: this needs a sandbox, see package sandbox")
	}
	if config.Count < 1 || config.Count > MaxCount {
		return nil, fmt.Errorf("starting real nodes: their number is %d: it must be in [1, %d]", config.Count, MaxCount)
	}
	if err := CheckTools(cluster.ToolDir()); err != nil {
		return nil, fmt.Errorf("starting real nodes: %w", err)
	}
	if err := startNetwork(ctx); err != nil {
		return nil, fmt.Errorf("starting real nodes: %w", err)
	}
	nodes := make([]*Node, config.Count)
	failures := make([]error, config.Count)
	var group sync.WaitGroup
	for i := range nodes {
		name := fmt.Sprintf("node-%d", i+1)
		nodes[i] = &Node{
			Name: name, Address: fmt.Sprintf("192.168.77.%d", i+11), Cgroup: path.Join(box.Cgroup, name),
			index: i + 1, dir: filepath.Join(box.Dir, name), cluster: cluster, config: config,
		}
		group.Go(func() { failures[i] = nodes[i].start(ctx) })
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, fmt.Errorf("starting real nodes: %w", err)
	}
	return nodes, nil
}

// start brings the node up, one step after the other.
func (n *Node) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		n.writeFiles, n.startHolder, n.connect, n.startContainerd, n.importImages, n.startKubelet,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// ready returns a probe for the node's condition of that name.
func (n *Node) ready() (func(context.Context) error, error) {
	client, err := kubernetes.NewForConfig(n.cluster.AdminConfig())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type != corev1.NodeReady {
				continue
			}
			if condition.Status == corev1.ConditionTrue {
				return nil
			}
			return fmt.Errorf("the node is not ready: %s", condition.Message)
		}
		return errors.New("the node has not said whether it is ready")
	}, nil
}
