package node

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
)

// Period is how often the agent looks, and the least time between two writes of the status.
const Period = 10 * time.Second

// settle is after how long the containers are looked at again at the start: the kubelet names a container a moment after it has started it,
// the agent's own too.
const settle = time.Second

// writeTimeout bounds a write, so that an API server that does not answer does not hold up the rounds.
const writeTimeout = 5 * time.Second

// Options say which node an agent is for, and where its files are.
type Options struct {
	// Node is the name of the Node object.
	Node string
	// Resctrl is the root of the resctrl tree, Cgroup the folder of the cgroup mounts, Proc the machine's /proc.
	Resctrl, Cgroup, Proc string
	// ContainerLogs is the folder of the kubelet's links to the logs of containers, which names them, see package containers. Empty: none.
	ContainerLogs string
	// NRI is the socket of the container runtime's plugin interface, by which CPU limits are written and containers join groups; empty: none.
	NRI string
	// Cores of the node; 0: not known, and then the local loop does not limit CPU.
	Cores float64
	// Open opens the resctrl tree, which is closed after each round; nil: the folder Resctrl. A simulated node's is no folder.
	Open func() (Tree, error)
	// Kube and Objects speak to the API server.
	Kube    kubernetes.Interface
	Objects dynamic.Interface
	Clock   clock.WithTicker
	// Alive is told after every round.
	Alive func()
}

// Agent is the agent of one node.
type Agent struct {
	options  Options
	isolator *isolator
	local    local
	watcher  *containers.Watcher
	publish  publisher
	metrics  *metrics
	wake     chan struct{} // holds one
	began    time.Time     // when Run began

	mu     sync.Mutex
	mode   v1alpha1.Mode
	object *v1alpha1.NodeIsolation // nil where there is none, or none was heard of
	heard  bool                    // of the object, be it that there is none
}

// New returns an agent that Run has to be called for.
func New(o Options) *Agent {
	i := &isolator{root: o.Resctrl, open: o.Open, machine: ProcOf(o.Proc)}
	a := &Agent{
		options:  o,
		isolator: i,
		local: local{cores: o.Cores, proc: o.Proc, placer: placement.New(placement.Options{
			Socket: o.NRI, Open: func() (placement.Tree, error) { return i.tree() }, Machine: ProcOf(o.Proc), Cgroup: o.Cgroup, Clock: o.Clock,
		})},
		watcher: containers.New(counters.Options{Cgroup: o.Cgroup, Proc: o.Proc, Now: o.Clock.Now}, o.ContainerLogs),
		publish: publisher{client: o.Objects, node: o.Node, period: Period},
		metrics: newMetrics(),
		wake:    make(chan struct{}, 1),
	}
	a.watcher.Period, a.watcher.Monitors, a.watcher.Whole = Period, a.monitors, a.hasSetPoint
	if o.Open == nil { // a simulated node's containers have no processor
		a.watcher.Rank = containers.ByQoS
	}
	return a
}

// Run is the agent until the context ends. Groups stay as they are then.
func (a *Agent) Run(ctx context.Context) error {
	a.began = a.options.Clock.Now()
	var following sync.WaitGroup
	defer following.Wait()
	for _, f := range []*follow.Follower{
		follow.Switch(a.options.Kube, "", a.takeMode),
		follow.Object(a.objectSource(), a.options.Node, a.takeObject),
	} {
		following.Go(func() { f.Run(ctx) })
	}

	following.Go(func() {
		if err := a.local.placer.Run(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Placing containers ended")
		}
	})
	tick := a.options.Clock.NewTicker(Period)
	defer tick.Stop()
	fast := a.options.Clock.NewTicker(loop.Period)
	defer fast.Stop()
	view := a.watcher.Look()
	for {
		again := a.round(ctx, view)
		a.options.Alive()
		timer := a.options.Clock.NewTimer(again)
		for waiting := true; waiting; {
			waiting = false
			select {
			case <-ctx.Done():
				timer.Stop()
				return a.watcher.Close()
			case <-tick.C():
				if !a.wish().controls() { // else the last second's is as good
					view = a.watcher.Look()
				}
			case <-timer.C():
			case <-a.wake:
			case <-fast.C():
				view, waiting = a.second(ctx, view)
			}
		}
		timer.Stop()
		if a.settling(view) {
			view = a.watcher.Look()
		}
	}
}

// second is what comes once a second: a step of the local loop, where there is one. waiting is false where a round must follow at once.
func (a *Agent) second(ctx context.Context, view *containers.View) (now *containers.View, waiting bool) {
	w := a.wish()
	if !w.controls() {
		return view, true
	}
	view = a.watcher.Look()
	first := a.local.outcome == nil // nothing was divided before
	moved := a.step(ctx, w, view)
	a.place(w, view)
	return view, !moved && !first
}

// wish is what is wanted, as far as it was heard.
func (a *Agent) wish() wish {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := wish{mode: a.mode}
	if a.object != nil {
		w.spec = &a.object.Spec
	}
	return w
}

// settling says that the kubelet may be about to name the containers.
func (a *Agent) settling(view *containers.View) bool {
	return view.Unnamed != "" && a.options.Clock.Since(a.began) < Period
}

// round does what a round does apart from containers, and returns after how long the next is due at the latest.
func (a *Agent) round(ctx context.Context, view *containers.View) time.Duration {
	logger := klog.FromContext(ctx)
	now := a.options.Clock.Now()
	a.mu.Lock()
	mode, object, heard := a.mode, a.object, a.heard
	a.mu.Unlock()
	w := a.wish()
	if !w.controls() {
		a.local.outcome, a.local.loop = nil, nil
	}
	a.place(w, view) // before a group goes that a container could be started into
	found := a.isolator.round(logger, w, a.local.outcome, now)
	a.local.found = found
	a.place(w, view)
	a.metrics.show(mode, found, a.options.Clock.Since(now))

	writing, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	switch {
	case !heard: // there may be one
	case mode == "" && a.publish.written.IsZero() && now.Sub(a.began) < Period: // a first status without the mode would stand for ten seconds
	case object == nil:
		a.metrics.wrote(ctx, a.publish.create(writing))
	case a.publish.written.IsZero() && a.settling(view): // likewise without the containers' names
		return settle
	default:
		before := object.Status
		if !a.publish.written.IsZero() {
			before = a.publish.last
		}
		s := status(before, object.Generation, mode, found, view, &a.local)
		a.metrics.wrote(ctx, a.publish.write(writing, object, s, now))
		if again := a.publish.due(s, a.options.Clock.Now()); again > 0 {
			return again
		}
	}
	return Period
}

func (a *Agent) changed() {
	select {
	case a.wake <- struct{}{}:
	default: // one waits already
	}
}

// takeMode takes a change of the switch. A value that is no mode changes nothing.
func (a *Agent) takeMode(ctx context.Context, mode v1alpha1.Mode, err error) {
	logger := klog.FromContext(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		logger.Error(err, "Ignored the switch; keeping the mode", "mode", a.mode)
	case mode != a.mode:
		logger.Info("The switch changed the mode", "mode", mode, "before", a.mode)
		a.mode = mode
		a.changed()
	}
}

// takeObject takes a change of the node's object. One that is gone is made anew; until then the last wish stays in force.
func (a *Agent) takeObject(ctx context.Context, obj any) {
	var object *v1alpha1.NodeIsolation
	if u, ok := obj.(*unstructured.Unstructured); ok {
		object = &v1alpha1.NodeIsolation{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, object); err != nil {
			klog.FromContext(ctx).Error(err, "Ignored the node's object; keeping the last wish", "nodeIsolation", a.options.Node)
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	again := !a.heard || object == nil || a.object == nil || a.object.UID != object.UID || a.object.Generation != object.Generation
	a.object, a.heard = object, true
	if again { // and not after a write of our own
		a.changed()
	}
}

// What is followed is selected by name: the rules of RBAC with resourceNames permit a list or watch with such a selector. What they cannot
// say is "of its own node", so that the agent has no right to pods.

func (a *Agent) objectSource() follow.Source {
	objects := a.options.Objects.Resource(v1alpha1.NodeIsolations)
	return follow.Source{
		Name: "the NodeIsolation object", Example: &unstructured.Unstructured{}, Client: a.options.Objects,
		List: follow.Lists(objects.List), Watch: objects.Watch,
	}
}
