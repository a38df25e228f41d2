package hollownode

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/workqueue"

	"github.com/ballast-k8s/ballast/simulator/hollownode/allocation"
	"github.com/ballast-k8s/ballast/simulator/hollownode/clock"
	"github.com/ballast-k8s/ballast/simulator/hollownode/exporter"
	"github.com/ballast-k8s/ballast/simulator/hollownode/figures"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// Nodes are the nodes of one application and what runs on them. Make them with New; their methods may be called from any goroutine.
type Nodes struct {
	cfg   Config
	queue workqueue.TypedRateLimitingInterface[types.UID] // pods whose status is to be looked at
	ready chan struct{}
	// listers are of the pods, by namespace; set when ready.
	listers map[string]corelisters.PodLister

	mu         sync.Mutex // guards what follows
	sim        *queueing.Simulation
	clock      clock.Clock
	nodes      map[string]*node
	pods       map[types.UID]*pod
	identities map[queueing.PodID]exporter.Pod // also of those that have gone
	// deployments are by service and stay when its last pod goes: a name that came and went would begin new series of metrics.
	deployments map[string]string
	record      *figures.Recorder
	ports       map[string]int
	status      Status // the counts in it
}

// New checks the configuration and makes the plant. Nothing runs yet.
func New(cfg Config) (*Nodes, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("configuring hollow nodes: %w", err)
	}
	sim, err := queueing.New(cfg.Plant)
	if err != nil {
		return nil, fmt.Errorf("configuring hollow nodes: field Plant: %w", err)
	}
	n := &Nodes{
		cfg: cfg, sim: sim, ready: make(chan struct{}), clock: clock.New(cfg.Speedup), record: figures.New(sim),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[types.UID](retryFirst, retryLast)),
		nodes: map[string]*node{}, pods: map[types.UID]*pod{}, identities: map[queueing.PodID]exporter.Pod{},
		deployments: map[string]string{}, ports: map[string]int{},
	}
	return n, nil
}

// Ready is closed when the nodes' endpoints answer and the pods that were there when Run began have been taken in.
func (n *Nodes) Ready() <-chan struct{} { return n.ready }

// Start starts the plant's clock; call it once Ready is closed and the application's pods are. Pods that are bound before pay no cost
// of starting. A second call does nothing.
func (n *Nodes) Start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clock.Start(time.Now())
}

// Pause stops the plant where it is until Resume. Wall time that passes meanwhile does not count.
func (n *Nodes) Pause() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clock.Pause(n.sim.Now(), time.Now())
}

// Resume lets the plant's clock go on.
func (n *Nodes) Resume() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clock.Resume(time.Now())
}

// Status returns the state of the simulation.
func (n *Nodes) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.status
	s.Started, s.Paused = n.clock.Started(), n.clock.Paused()
	s.PlantSeconds = n.sim.Now()
	s.Lag, s.Slipped = n.clock.Lag(s.PlantSeconds, time.Now()), n.clock.Slipped()
	for _, home := range n.nodes {
		s.Pods += home.Len()
		s.Pending += len(home.Pending())
	}
	return s
}

// Series returns what happened since Start.
func (n *Nodes) Series() Series {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.record.Series(n.listed())
}

// fail notes what went wrong. The caller holds mu.
func (n *Nodes) fail(err error) {
	n.status.Errors++
	n.status.LastError = err.Error()
}

// play keeps the plant's clock until ctx ends.
func (n *Nodes) play(ctx context.Context) error {
	ticker := time.NewTicker(n.cfg.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for behind := true; behind && ctx.Err() == nil; {
			var err error
			if behind, err = n.advance(); err != nil {
				return err
			}
		}
	}
}

// advance brings the plant a tick nearer to where it should be, and says whether it is still behind. Others have their turn in between.
func (n *Nodes) advance() (behind bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	goal := n.clock.Wanted(time.Now())
	now := n.sim.Now()
	if goal <= now {
		return false, nil
	}
	minuteEnd := n.record.MinuteEnd()
	next := min(goal, minuteEnd, now+n.cfg.Tick.Seconds()*n.cfg.Speedup)
	if err := n.sim.Advance(next); err != nil {
		return false, fmt.Errorf("the plant cannot go on after %.1f s: %w", now, err)
	}
	n.record.Pass(next)
	if next >= minuteEnd {
		n.record.Turn(n.listed())
	}
	n.look()
	n.clock.Slip(next, time.Now())
	return next < goal, nil
}

// names are the nodes' names, sorted.
func (n *Nodes) names() []string {
	names := make([]string, 0, len(n.cfg.Plant.Machines))
	for _, m := range n.cfg.Plant.Machines {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

// listed are the application's pods that run, for the record.
func (n *Nodes) listed() []figures.Running {
	var out []figures.Running
	for _, p := range n.pods {
		if p.grant != nil && p.service != "" && !p.gone {
			out = append(out, figures.Running{ID: p.id, Namespace: p.object.Namespace, Name: p.object.Name, Service: p.service, Node: p.node.name})
		}
	}
	return out
}

// allocate tells the record what is allocated from now on. A pod that is ending still holds what it was given.
func (n *Nodes) allocate() {
	var application, batch allocation.Amount // whole numbers: their sum does not depend on the order
	for _, p := range n.pods {
		switch {
		case p.grant == nil || p.gone:
		case p.service == "":
			batch.MilliCPU += p.grant.Requests().MilliCPU
		default:
			application.MilliCPU += p.grant.Requests().MilliCPU
		}
	}
	n.record.Allocate(application.Cores(), batch.Cores())
}
