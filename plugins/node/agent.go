package node

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/writer"
)

// Period is how often the agent looks, and the least time between two writes of the status.
const Period = 10 * time.Second

// settle is after how long the containers are looked at again at the start: the kubelet names a container a moment after it has started it,
// the agent's own too.
const settle = time.Second

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
	Open func() (isolator.Tree, error)
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
	isolator *isolator.Isolator
	local    local
	watcher  *containers.Watcher
	writer   *writer.Writer
	metrics  *metrics
	wake     chan struct{} // holds one
	began    time.Time     // when Run began

	mu sync.Mutex
	heard
}

// New returns an agent that Run has to be called for.
func New(o Options) *Agent {
	i := &isolator.Isolator{Root: o.Resctrl, Open: o.Open, Machine: isolator.ProcOf(o.Proc)}
	a := &Agent{
		options:  o,
		isolator: i,
		local: local{cores: o.Cores, proc: o.Proc, placer: placement.New(placement.Options{
			Socket: o.NRI, Open: func() (placement.Tree, error) { return i.Tree() }, Machine: isolator.ProcOf(o.Proc), Cgroup: o.Cgroup, Clock: o.Clock,
		})},
		watcher: containers.New(counters.Options{Cgroup: o.Cgroup, Proc: o.Proc, Now: o.Clock.Now}, o.ContainerLogs),
		metrics: newMetrics(),
		wake:    make(chan struct{}, 1),
	}
	a.writer = writer.New(writer.Options{
		Objects: o.Objects, Reviews: o.Kube.AuthenticationV1().SelfSubjectReviews(), Node: o.Node, Period: Period, Clock: o.Clock,
		Wrote: a.metrics.wrote, Again: a.changed,
	})
	a.watcher.Period, a.watcher.Monitors, a.watcher.Whole = Period, a.monitors, a.hasSetPoint
	if o.Open == nil { // a simulated node's containers have no processor
		a.watcher.Rank = containers.ByQoS
	}
	return a
}

// Run is the agent until the context ends. Groups stay as they are then, but for what the local loop took of memory bandwidth: see end.
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
	following.Go(func() { a.writer.Run(ctx) })
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
				a.end(ctx)
				return a.watcher.Close()
			case <-tick.C():
				if !a.wish().Controls() { // else the last second's is as good
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
	if !w.Controls() {
		return view, true
	}
	view = a.watcher.Look()
	first := a.local.outcome == nil // nothing was divided before
	moved := a.step(ctx, w, view)
	a.place(w, view)
	return view, !moved && !first
}

// settling says that the kubelet may be about to name the containers.
func (a *Agent) settling(view *containers.View) bool {
	return view.Unnamed != "" && a.options.Clock.Since(a.began) < Period
}

// round does what a round does apart from containers, and returns after how long the next is due at the latest.
func (a *Agent) round(ctx context.Context, view *containers.View) time.Duration {
	now := a.options.Clock.Now()
	told := a.told() // what is done and reported belongs to this, and not to what comes meanwhile
	w := told.wish()
	if !w.Controls() {
		a.local.outcome, a.local.loop = nil, nil
	}
	a.place(w, view) // before a group goes that a container could be started into
	found := a.isolator.Round(klog.FromContext(ctx), w, a.local.outcome, now)
	a.local.found = found
	a.place(w, view)
	a.metrics.show(told.mode, found, a.local.outcome, a.options.Clock.Since(now))
	return a.report(told, found, view, now)
}

// report leaves what a round found to be written, if it is time for it, and returns after how long the next round is due at the latest.
func (a *Agent) report(told heard, found isolator.Found, view *containers.View, now time.Time) time.Duration {
	before, written := a.writer.Last()
	switch {
	case !told.known: // there may be one
	case told.mode == "" && !written && now.Sub(a.began) < Period: // a first status without the mode would stand for ten seconds
	case told.object == nil:
		a.writer.Make()
	case !written && a.settling(view): // likewise without the containers' names
		return settle
	default:
		if !written {
			before = told.object.Status
		}
		s := status(before, told.object.Generation, told.mode, found, view, &a.local)
		if again := a.writer.Due(told.object.UID, s); again > 0 {
			return again
		}
		a.writer.Put(told.object.UID, s)
	}
	return Period
}
