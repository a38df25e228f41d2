package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// ErrTooFewNodes means that the batch does not fit on a park that was asked for.
var ErrTooFewNodes = errors.New("too few nodes")

// Config says how a demonstration runs.
type Config struct {
	// Scheduler is the path of the ballast-scheduler binary.
	Scheduler string
	// Nodes are the sizes of the machine park, ascending.
	Nodes []int
	// Seed orders the containers' arrival.
	Seed uint64
	// Progress, if set, is told of every step; total 0 means that its length is not known.
	Progress func(step string, done, total int)
}

// The shape that Metis measured on: m5.4xlarge, 16 vCPU and 64 GB, a container of 2 vCPU and 8 GB.
const (
	nodeCPU, nodeMemory           = "16", "64Gi"
	containerCPU, containerMemory = "2", "8Gi"
)

// Check reports, before minutes of work, what of a configuration cannot be done.
func (cfg *Config) Check(in *Inputs) error {
	for _, nodes := range cfg.Nodes {
		if n := sum(in.Batch); n > nodes*in.Truth.Slots() {
			return fmt.Errorf("%w: %d containers need at least %d nodes, not %d", ErrTooFewNodes, n, (n+in.Truth.Slots()-1)/in.Truth.Slots(), nodes)
		}
	}
	return nil
}

// parkLabel marks the nodes of the park: there may be others, whose taints keep the batch away.
const parkLabel = "simulator.ballast.dev/park"

// Run places the batch with both schedulers on every size of park and judges the placements. Afterwards its nodes are gone.
func Run(ctx context.Context, cluster *localcluster.Cluster, cfg Config, in *Inputs) (*Result, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	if err := cfg.Check(in); err != nil {
		return nil, err
	}
	started := time.Now()
	client, err := kubernetes.NewForConfig(cluster.AdminConfig())
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the API server's version: %w", err)
	}
	if err := Install(ctx, cluster, in.Model); err != nil {
		return nil, err
	}
	result := &Result{
		Started: started, Seed: cfg.Seed, Source: in.Source, Judge: in.Judge, Notes: in.Notes, Kubernetes: version.GitVersion,
		Classes: in.Truth.Classes(), Model: in.Model.Version(), Fit: in.Model.Document().Fit,
	}
	d := &demonstration{cfg: cfg, in: in, cluster: cluster, client: client, order: arrival(in.Batch, cfg.Seed)}
	nodes := 0
	for _, size := range cfg.Nodes {
		if err := d.growTo(ctx, nodes, size); err != nil {
			return nil, err
		}
		nodes = size
		park, err := d.park(ctx, size)
		if err != nil {
			return nil, fmt.Errorf("placing on %d nodes: %w", size, err)
		}
		result.Parks = append(result.Parks, *park)
	}
	result.Elapsed = time.Since(started)
	return result, d.removeNodes(ctx)
}

// Install applies what ballast-scheduler needs, its types and permissions, and publishes the model, in place of one that is there.
func Install(ctx context.Context, cluster *localcluster.Cluster, m *interference.Model) error {
	for _, file := range []string{"crd/ballast.dev_interferencemodels.yaml", "base/namespace.yaml", "scheduler/rbac.yaml"} {
		b, err := manifests.FS.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading built-in manifest: %w", err)
		}
		if err := cluster.Apply(ctx, file, b); err != nil {
			return err
		}
	}
	model, err := v1alpha1.NewInterferenceModel("default", m, metav1.Now())
	if err != nil {
		return err
	}
	b, err := yaml.Marshal(model)
	if err != nil {
		return fmt.Errorf("encoding the model: %w", err)
	}
	return cluster.Apply(ctx, "the interference model", b)
}

// demonstration is one run on one control plane.
type demonstration struct {
	cfg     Config
	in      *Inputs
	cluster *localcluster.Cluster
	client  kubernetes.Interface
	order   []int
}

// growTo adds the nodes that are missing.
func (d *demonstration) growTo(ctx context.Context, have, want int) error {
	if want <= have {
		return fmt.Errorf("sizes %v: expected ascending numbers of nodes", d.cfg.Nodes)
	}
	shape := localcluster.NodeShape{
		Capacity: v1.ResourceList{
			v1.ResourceCPU: resource.MustParse(nodeCPU), v1.ResourceMemory: resource.MustParse(nodeMemory), v1.ResourcePods: resource.MustParse("110"),
		},
		Labels: map[string]string{parkLabel: ""},
	}
	return d.cluster.AddNodes(ctx, fmt.Sprintf("node-of-%d", want), want-have, shape)
}

// park runs both arms on the nodes there are.
func (d *demonstration) park(ctx context.Context, nodes int) (*Park, error) {
	bound, err := plant.UpperBound(d.in.Truth, d.in.Batch, nodes)
	if err != nil {
		return nil, err
	}
	park := &Park{Nodes: nodes, Batch: d.in.Batch, Bound: bound}
	for _, s := range []Scheduler{Stock(), Ballast()} {
		arm, err := d.arm(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("%s scheduler: %w", s.Title, err)
		}
		park.Arms = append(park.Arms, *arm)
	}
	return park, nil
}
