package jointplacement

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/cluster"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Name is the plugin's name in profiles.
const Name = "JointPlacement"

var (
	_ fwk.PreEnqueuePlugin  = (*JointPlacement)(nil)
	_ fwk.ReservePlugin     = (*JointPlacement)(nil)
	_ fwk.EnqueueExtensions = (*JointPlacement)(nil)
)

// condition is by what is planned.
type condition = modelsource.Condition[nodesetting.Models]

// JointPlacement places pods that wait together, together. See the package documentation.
type JointPlacement struct {
	args    *Args
	profile string
	metrics *Metrics
	clock   clock.WithTicker

	source   *modelsource.Source[nodesetting.Models]
	pods     corelisters.PodLister
	dynamic  dynamic.Interface    // reads models and PodGroups
	client   kubernetes.Interface // writes nominations
	activate func(klog.Logger, map[string]*v1.Pod)
	events   schedplugin.Events

	waiting *hold.Pods
	ledger  *cluster.Ledger
	view    cluster.View
	// leading asks whether this process leads; leads remembers that it does, over all profiles.
	leading func() bool
	leads   *atomic.Bool

	// wake makes the planner look at once. alive is when it last did, in nanoseconds since 1970.
	wake  chan struct{}
	alive atomic.Int64

	running schedplugin.Running
}

// Events on pods are bounded, over all profiles, to a fifth of what the scheduler's client for events sends by default, beside
// those of InterferenceFit.
const (
	podEventsPerSecond = 10
	podEventsAtOnce    = 20
)

// Factory returns the function that kube-scheduler makes the plugin with, once per profile. All profiles share the metrics. leading
// says whether this process is the one that schedules: every replica of a scheduler fills its queue, and only one may plan. A
// process that has scheduled a pod leads, whatever leading says.
func Factory(m *Metrics, leading func() bool) func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	budget := schedplugin.Budget(podEventsPerSecond, podEventsAtOnce)
	leads := &atomic.Bool{}
	return func(ctx context.Context, obj runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
		p := &JointPlacement{metrics: m, clock: clock.RealClock{}, events: schedplugin.Events{Reason: eventReason, Budget: budget, Dropped: m.eventsDropped}, leading: leading, leads: leads}
		if err := p.connect(obj, h); err != nil {
			return nil, err
		}
		p.start(ctx)
		return p, nil
	}
}

func (p *JointPlacement) connect(obj runtime.Object, h fwk.Handle) error {
	var err error
	if p.args, err = schedplugin.ArgsOf(Name, obj, DefaultArgs); err != nil {
		return err
	}
	if h.KubeConfig() == nil {
		return fmt.Errorf("plugin %s: the scheduler has no client configuration to read interference models and write nominations with", Name)
	}
	if p.dynamic, err = dynamic.NewForConfig(h.KubeConfig()); err != nil {
		return fmt.Errorf("making a client for interference models: %w", err)
	}
	// A client of its own, so that nominations don't take the requests that bindings are sent with.
	if p.client, err = kubernetes.NewForConfig(h.KubeConfig()); err != nil {
		return fmt.Errorf("making a client for nominations: %w", err)
	}
	core := h.SharedInformerFactory().Core().V1()
	p.profile, p.pods = h.ProfileName(), core.Pods().Lister()
	p.activate, p.wake = h.Activate, make(chan struct{}, 1)
	p.events.Recorder, p.events.Profile = h.EventRecorder(), p.profile
	p.waiting = hold.New(p.args.rules(), func(waited time.Duration) {
		if p.leads.Load() { // another sees pods go that the leader bound
			p.metrics.holdSeconds.WithLabelValues(p.profile).Observe(waited.Seconds())
		}
	})
	p.ledger = cluster.NewLedger()
	reports := nodesetting.New(p.dynamic, p.clock.Now, func(string, nodesetting.Report, nodesetting.Report) {})
	p.view = cluster.View{Nodes: core.Nodes().Lister(), Ledger: p.ledger, Reports: reports, Wishes: p.args.wishes()}
	p.source = modelsource.New(modelsource.Clients{Kube: h.ClientSet(), Models: p.dynamic}, p.args.ModelName,
		nodesetting.Of,
		modelsource.Seen{Model: func(string) {}, Ignored: func() {}, Changed: p.show})
	return p.watch(core.Pods().Informer())
}

// watch keeps the ledger from the scheduler's own pod informer, and forgets pods that need no plan any more.
func (p *JointPlacement) watch(informer cache.SharedIndexInformer) error {
	_, err := informer.AddEventHandler(schedplugin.PodHandlers(func(pod *v1.Pod) {
		p.ledger.See(pod)
		switch {
		case pod.DeletionTimestamp != nil:
			p.waiting.Forget(pod.UID, p.clock.Now())
		case pod.Spec.NodeName != "":
			p.waiting.Bound(pod.UID, p.clock.Now())
		}
	}, func(pod *v1.Pod) {
		p.ledger.Drop(pod.UID)
		p.waiting.Forget(pod.UID, p.clock.Now())
	}))
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	return nil
}

// start runs the watches, the planner and its watchdog until the context ends or Close is called.
func (p *JointPlacement) start(ctx context.Context) {
	ctx = p.running.Start(ctx, Name, p.profile, p.clock)
	p.breathe()
	p.running.Go(func() { p.source.Run(ctx) })
	p.running.Go(func() { p.view.Reports.Run(ctx) })
	p.running.Go(func() { p.planning(ctx) })
	p.running.Every(ctx, watchPeriod, func() { p.watchdog(ctx) })
	schedplugin.Await(ctx, p.clock, p.source.Answered(), "switch or model")
	p.show(ctx)
}

// Close stops what start began and waits for it. Pods that are held stay so in a queue that ends too; the next scheduler plans them.
func (p *JointPlacement) Close() error { return p.running.Close() }

// Name returns the plugin's name.
func (p *JointPlacement) Name() string { return Name }

// condition is by what to plan right now.
func (p *JointPlacement) condition() condition {
	return p.source.Condition(p.args.Policy(), p.clock.Now())
}
