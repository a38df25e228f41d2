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
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// ErrTooFewNodes means that the batch does not fit on a park that was asked for.
var ErrTooFewNodes = errors.New("too few nodes")

// Config says how a demonstration runs.
type Config struct {
	// Scheduler is the path of the ballast-scheduler binary.
	Scheduler string
	// ToolDir and TempDir are passed on to localcluster.
	ToolDir, TempDir string
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

// Run starts a control plane, places the batch with both schedulers on every size of park and judges the placements. Whatever
// happens, nothing is left running and the control plane's folder is removed.
func Run(ctx context.Context, cfg Config, in *Inputs) (result *Result, err error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	for _, nodes := range cfg.Nodes { // before minutes of work, not after
		if n := sum(in.Batch); n > nodes*in.Truth.Slots() {
			return nil, fmt.Errorf("%w: %d containers need at least %d nodes, not %d", ErrTooFewNodes, n, (n+in.Truth.Slots()-1)/in.Truth.Slots(), nodes)
		}
	}
	started := time.Now()
	cluster, err := localcluster.Start(ctx, localcluster.Config{
		ToolDir: cfg.ToolDir, TempDir: cfg.TempDir,
		Progress: func(e localcluster.Event) { cfg.Progress("starting "+e.Step, e.Done, e.Total) },
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopErr := cluster.Stop(); stopErr != nil && err == nil {
			err = stopErr
		}
	}()
	client, err := kubernetes.NewForConfig(cluster.AdminConfig())
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the API server's version: %w", err)
	}
	if err := install(ctx, cluster, in); err != nil {
		return nil, err
	}
	result = &Result{
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
	return result, nil
}

// install applies Ballast's types and the scheduler's permissions, and publishes the model.
func install(ctx context.Context, cluster *localcluster.Cluster, in *Inputs) error {
	for _, file := range []string{"crd/ballast.dev_interferencemodels.yaml", "scheduler/rbac.yaml"} {
		b, err := manifests.FS.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading built-in manifest: %w", err)
		}
		if err := cluster.Apply(ctx, file, b); err != nil {
			return err
		}
	}
	model, err := v1alpha1.NewInterferenceModel("default", in.Model, metav1.Now())
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
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{
		v1.ResourceCPU: resource.MustParse(nodeCPU), v1.ResourceMemory: resource.MustParse(nodeMemory), v1.ResourcePods: resource.MustParse("110"),
	}}
	return d.cluster.AddNodes(ctx, fmt.Sprintf("node-of-%d", want), want-have, shape)
}

// park runs both arms on the nodes there are.
func (d *demonstration) park(ctx context.Context, nodes int) (*Park, error) {
	bound, err := plant.UpperBound(d.in.Truth, d.in.Batch, nodes)
	if err != nil {
		return nil, err
	}
	park := &Park{Nodes: nodes, Batch: d.in.Batch, Bound: bound}
	for _, s := range schedulers() {
		arm, err := d.arm(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("%s scheduler: %w", s.title, err)
		}
		park.Arms = append(park.Arms, *arm)
	}
	return park, nil
}
