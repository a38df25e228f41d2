package localcluster

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// poolLabel names the AddNodes call a node belongs to, by its prefix.
	poolLabel = "ballast.dev/local-pool"
	// nodeTimeout bounds the wait for nodes; a thousand take 16 s.
	nodeTimeout = 2 * time.Minute
	// createWorkers is how many nodes are created at the same time: enough to hide the latency of a request, few enough for two cores.
	createWorkers = 16
)

// NodeShape is what simulated nodes look like.
type NodeShape struct {
	// Capacity is capacity and allocatable of each node. Without "pods", 110 pods fit, the kubelet's default.
	Capacity corev1.ResourceList
	// Labels are added to the usual ones (kubernetes.io/hostname, os and arch).
	Labels map[string]string
	// Taints are the node's own; pods must tolerate them.
	Taints []corev1.Taint
}

// AddNodes creates n simulated nodes, named <prefix>-0 to <prefix>-<n-1> with leading zeros so that they sort, and returns when KWOK has made
// all of them Ready and the controller manager has removed the taint that new nodes carry: 81 take a second on an idle machine.
// A prefix can be used once.
func (c *Cluster) AddNodes(ctx context.Context, prefix string, n int, shape NodeShape) error {
	if n <= 0 {
		return fmt.Errorf("adding nodes %q: their number must be positive, got %d", prefix, n)
	}
	if !c.claimPool(prefix) {
		return fmt.Errorf("adding nodes %q: the prefix has been used", prefix)
	}
	begin := time.Now()
	if err := c.createNodes(ctx, prefix, n, shape); err != nil {
		return explainSpace(c.dir, fmt.Errorf("adding nodes %q: %w", prefix, err))
	}
	err := c.await(ctx, nil, fmt.Sprintf("%d nodes %q", n, prefix), nodeTimeout, func(ctx context.Context) error {
		ready, err := countReady(ctx, c.client, prefix)
		if err != nil {
			return err
		}
		c.progress(Event{Step: "nodes ready", Done: ready, Total: n, Elapsed: time.Since(begin)})
		if ready < n {
			return fmt.Errorf("%d of %d are ready", ready, n)
		}
		return nil
	})
	return explainSpace(c.dir, err)
}

// claimPool reports whether the prefix is new, and makes it old.
func (c *Cluster) claimPool(prefix string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pools[prefix] {
		return false
	}
	c.pools[prefix] = true
	return true
}

// createNodes creates the nodes in parallel and returns the first error.
func (c *Cluster) createNodes(ctx context.Context, prefix string, n int, shape NodeShape) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	indices := make(chan int)
	var group sync.WaitGroup
	for range createWorkers {
		group.Go(func() {
			for i := range indices {
				if _, err := c.client.CoreV1().Nodes().Create(ctx, newNode(prefix, i, n, shape), metav1.CreateOptions{}); err != nil {
					cancel(fmt.Errorf("creating node %d of %d: %w", i+1, n, err)) // later calls fail because of it; only the first cause is kept
				}
			}
		})
	}
	for i := range n {
		indices <- i
	}
	close(indices)
	group.Wait()
	return context.Cause(ctx)
}

// newNode describes the i-th of n nodes.
func newNode(prefix string, i, n int, shape NodeShape) *corev1.Node {
	name := fmt.Sprintf("%s-%0*d", prefix, len(strconv.Itoa(n-1)), i)
	labels := map[string]string{
		corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64", poolLabel: prefix,
	}
	maps.Copy(labels, shape.Labels)
	capacity := shape.Capacity.DeepCopy()
	if capacity == nil {
		capacity = corev1.ResourceList{}
	}
	if _, ok := capacity[corev1.ResourcePods]; !ok {
		capacity[corev1.ResourcePods] = resource.MustParse("110")
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{nodeAnnotation: "fake"}},
		Spec:       corev1.NodeSpec{Taints: shape.Taints},
		Status:     corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}

// countReady counts the pool's nodes that pods can be placed on: Ready, and without a taint that Kubernetes put there.
func countReady(ctx context.Context, client kubernetes.Interface, prefix string) (int, error) {
	// Resource version 0 reads the API server's cache: cheap enough to poll.
	options := metav1.ListOptions{LabelSelector: poolLabel + "=" + prefix, ResourceVersion: "0"}
	nodes, err := client.CoreV1().Nodes().List(ctx, options)
	if err != nil {
		return 0, fmt.Errorf("listing nodes: %w", err)
	}
	ready := 0
	for i := range nodes.Items {
		if isReady(&nodes.Items[i]) {
			ready++
		}
	}
	return ready, nil
}

func isReady(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if strings.HasPrefix(taint.Key, "node.kubernetes.io/") {
			return false
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
