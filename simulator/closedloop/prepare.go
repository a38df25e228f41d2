package closedloop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/addons"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// Loop is a closed loop that Prepare has made and Run has still to run, once.
type Loop struct {
	cfg       Config
	cluster   *localcluster.Cluster
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	started   time.Time
	truth     *plant.CacheBandwidth
	model     *interference.Model
	histories map[string]History
	sides     []*side
	vpa       chan vpaStart // gets one value
}

// side is an arm that runs.
type side struct {
	arm

	nodes   *hollownode.Nodes
	agents  *isolation.Agents // nil where the nodes are not divided
	reasons []string
	// What was seen while the clock ran: the greatest lag, and at how many of the looks every node was full.
	maxLag      time.Duration
	looks, full int
}

// vpaStart is what became of starting VPA.
type vpaStart struct {
	vpa *addons.VPA
	err error
}

// Prepare installs types, roles, VPA objects and their histories on a cluster, has the pods placed, and lets VPA start in the
// background, which takes 21 s and ends with ctx or the cluster. The pods come before VPA because its recommender forgets, in its
// first round, the history of containers that no pod has. The nodes have a taint that keeps other pods away, and no scheduler runs
// afterwards.
func Prepare(ctx context.Context, cluster *localcluster.Cluster, cfg Config) (*Loop, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	cfg.Progress("closed loop: installing types, roles and histories", 0, 0)
	l := &Loop{cfg: cfg, cluster: cluster, started: time.Now(), histories: map[string]History{}, vpa: make(chan vpaStart, 1)}
	var err error
	if l.client, err = kubernetes.NewForConfig(cluster.AdminConfig()); err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	if l.dynamic, err = dynamic.NewForConfig(cluster.AdminConfig()); err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	if l.truth, err = hotel.Interference(); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x6c6f_6f70)) //nolint:gosec // a simulation wants a seed, not secrecy
	if l.model, _, err = demo.Learn(l.truth, rng); err != nil {
		return nil, err
	}
	if err := l.installTypes(ctx); err != nil {
		return nil, err
	}
	if err := l.installObjects(ctx); err != nil {
		return nil, err
	}
	if err := l.makeNodes(ctx); err != nil {
		return nil, err
	}
	if err := l.place(ctx); err != nil {
		return nil, fmt.Errorf("closed loop, placing the pods: %w", err)
	}
	if err := l.installHistories(ctx); err != nil {
		return nil, fmt.Errorf("closed loop, making histories: %w", err)
	}
	go func() {
		vpa, err := addons.StartVPA(ctx, cluster, cfg.Speedup)
		l.vpa <- vpaStart{vpa, err}
	}()
	return l, nil
}

// installTypes applies types and the roles of our recommender and agents.
func (l *Loop) installTypes(ctx context.Context) error {
	for _, file := range []string{
		"base/namespace.yaml", "crd/ballast.dev_latencyobjectives.yaml", "recommender/rbac.yaml",
		"crd/ballast.dev_nodeisolations.yaml", "node/rbac.yaml", "node/admission.yaml",
	} {
		b, err := manifests.FS.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading built-in manifest: %w", err)
		}
		if err := l.cluster.Apply(ctx, file, b); err != nil {
			return err
		}
	}
	return l.cluster.ApplyFiles(ctx, filepath.Join(l.cluster.ToolDir(), "../share/vpa/crds.yaml"))
}

// installObjects applies what the recommenders are asked for.
func (l *Loop) installObjects(ctx context.Context) error {
	for _, a := range arms() {
		objects := append([]any{a.space()}, a.autoscalers(modeOff)...)
		if a.recommender != "" {
			objects = append(objects, a.latencyObjective(l.cfg.Speedup))
		}
		if err := l.apply(ctx, "the objects of arm "+a.name, objects...); err != nil {
			return err
		}
	}
	return nil
}

// installHistories applies what has to be there when the recommenders start, which read checkpoints once. In both arms it is the history of
// the pods where the first arm's scheduler, the stock one, has put them: whoever comes to Ballast comes from there.
func (l *Loop) installHistories(ctx context.Context) error {
	speeds, err := l.speeds(ctx, l.sides[0].arm)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, s := range hotel.Services() {
		l.histories[s.Name] = NewHistory(demand(l.cfg.Load, s), speeds[s.Name], now, l.cfg.Speedup)
	}
	for _, s := range l.sides {
		if err := l.apply(ctx, "the histories of arm "+s.name, s.checkpoints(l.histories)...); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loop) apply(ctx context.Context, what string, objects ...any) error {
	text, err := documents(objects...)
	if err != nil {
		return err
	}
	return l.cluster.Apply(ctx, what, text)
}
