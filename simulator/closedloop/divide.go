package closedloop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
)

// divided says whether the arm's nodes have ballast-node.
func (a arm) divided() bool { return a.recommender != "" }

// streaming are the arm's nodes whose batch work streams through memory.
func (a arm) streaming() map[string]bool {
	out := map[string]bool{}
	for _, node := range a.nodeNames()[:len(a.nodeNames())/2] {
		out[node] = true
	}
	return out
}

// wishes are how the arm's nodes are to be divided.
func (a arm) wishes() []any {
	var out []any
	for _, node := range a.nodeNames() {
		out = append(out, isolation.Wish(node, a.streaming()[node]))
	}
	return out
}

// divide lets an agent run for each node of the arm and then says how the nodes are to be divided. Nobody waits for the agents.
func (r *run) divide(ctx context.Context) error {
	for _, s := range r.sides {
		if !s.divided() {
			continue
		}
		if err := r.startAgents(ctx, s); err != nil {
			return err
		}
		if err := r.apply(ctx, "how the nodes of arm "+s.name+" are divided", s.wishes()...); err != nil {
			return err
		}
	}
	return nil
}

// startAgents gives each node of the arm a tree and an agent.
func (r *run) startAgents(ctx context.Context, s *side) error {
	empty := filepath.Join(r.cluster.Dir(), "no-cgroups")
	if err := os.MkdirAll(empty, 0o700); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(r.cluster.Dir(), "logs", "ballast-node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the agents' log: %w", err)
	}
	s.agents = isolation.New(empty, log)
	for _, node := range s.nodeNames() {
		identity, err := isolation.Identity(ctx, r.client, r.cluster.AdminConfig(), node)
		if err == nil {
			err = s.agents.Add(node, identity)
		}
		if err != nil {
			_ = log.Close() // nothing was written
			return err
		}
	}
	r.group.Go(func() {
		defer log.Close()
		if err := s.agents.Run(ctx); err != nil {
			r.fail(err)
		}
	})
	return nil
}

// divisions are how the arm's nodes are divided, and who is on them.
func (r *run) divisions(ctx context.Context, s *side) ([]isolation.Node, error) {
	if !s.divided() {
		return nil, nil
	}
	pods, err := r.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	out := make([]isolation.Node, 0, len(s.nodeNames()))
	for _, name := range s.nodeNames() {
		object, err := r.nodeIsolation(ctx, name)
		if err != nil {
			return nil, err
		}
		node, err := s.agents.Node(object)
		if err != nil {
			return nil, err
		}
		node.Streaming = s.streaming()[name]
		settle(&node, pods.Items)
		out = append(out, node)
	}
	return out, nil
}

// settle notes the pods that are on a node.
func settle(node *isolation.Node, pods []v1.Pod) {
	for i := range pods {
		p := &pods[i]
		switch {
		case p.Spec.NodeName != node.Name:
		case p.Labels[hollownode.ThreadsLabel] != "":
			node.Batch++
		case p.Labels[hollownode.DefaultServiceLabel] != "":
			node.Services = append(node.Services, p.Labels[hollownode.DefaultServiceLabel])
		}
	}
	slices.Sort(node.Services)
}

// nodeIsolation reads a node's object.
func (l *Loop) nodeIsolation(ctx context.Context, node string) (*v1alpha1.NodeIsolation, error) {
	u, err := l.dynamic.Resource(v1alpha1.NodeIsolations).Get(ctx, node, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading NodeIsolation %s: %w", node, err)
	}
	o := &v1alpha1.NodeIsolation{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		return nil, fmt.Errorf("reading NodeIsolation %s: %w", node, err)
	}
	return o, nil
}
