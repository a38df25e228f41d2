package interferencefit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/floor"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/held"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Name is the plugin's name in profiles.
const Name = "InterferenceFit"

var (
	_ fwk.PreFilterPlugin   = (*InterferenceFit)(nil)
	_ fwk.FilterPlugin      = (*InterferenceFit)(nil)
	_ fwk.PreScorePlugin    = (*InterferenceFit)(nil)
	_ fwk.ScorePlugin       = (*InterferenceFit)(nil)
	_ fwk.ScoreExtensions   = (*InterferenceFit)(nil)
	_ fwk.ReservePlugin     = (*InterferenceFit)(nil)
	_ fwk.EnqueueExtensions = (*InterferenceFit)(nil)
	_ fwk.SignPlugin        = (*InterferenceFit)(nil)
)

// InterferenceFit places pods by predicted interference. See the package documentation.
type InterferenceFit struct {
	args    *Args
	profile string
	metrics *Metrics
	clock   clock.WithTicker

	snapshot fwk.SharedLister
	pods     corelisters.PodLister
	events   schedplugin.Events
	activate func(klog.Logger, map[string]*v1.Pod)

	source   *modelsource.Source[nodemix.Knowledge]
	known    func() *nodemix.Knowledge // what is known whatever the condition, nil without a model
	promised *floor.Promised
	held     *held.Pods[attempt]
	cache    *nodemix.Cache
	// reports are on the nodes' partitions; improved counts those that made a node better.
	nodes    corelisters.NodeLister
	reports  *nodesetting.Reports
	improved atomic.Uint64

	// shown is the condition in the log, announced that of the last event. Both are guarded by mu.
	mu               sync.Mutex
	shown, announced *condition

	running schedplugin.Running
}

// showPeriod is how often the age of the model, and that of the reports on nodes, is looked at.
const showPeriod = 2 * time.Second

// Factory returns the function that kube-scheduler makes the plugin with, once per profile. All profiles share the metrics.
func Factory(m *Metrics) func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	budget := schedplugin.Budget(podEventsPerSecond, podEventsAtOnce)
	return func(ctx context.Context, obj runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
		return newPlugin(ctx, obj, h, m, budget, clock.RealClock{})
	}
}

func newPlugin(ctx context.Context, obj runtime.Object, h fwk.Handle, m *Metrics, budget flowcontrol.PassiveRateLimiter, c clock.WithTicker) (*InterferenceFit, error) {
	args, err := schedplugin.ArgsOf(Name, obj, DefaultArgs)
	if err != nil {
		return nil, err
	}
	models, err := schedplugin.Client(h, Name, "interference models")
	if err != nil {
		return nil, err
	}
	core := h.SharedInformerFactory().Core().V1()
	pods := core.Pods()
	p := &InterferenceFit{
		args: args, profile: h.ProfileName(), metrics: m, clock: c,
		snapshot: h.SnapshotSharedLister(), pods: pods.Lister(), activate: h.Activate,
		events:   schedplugin.Events{Recorder: h.EventRecorder(), Reason: eventReason, Budget: budget, Dropped: m.eventsDropped, Profile: h.ProfileName()},
		promised: floor.NewPromised(), held: held.New[attempt](pods.Lister()), nodes: core.Nodes().Lister(),
	}
	p.reports = nodesetting.New(models, c.Now, p.reportChanged)
	p.cache = nodemix.NewCache(p.reports)
	if err := p.promised.Watch(pods.Informer()); err != nil {
		return nil, err
	}
	p.source = modelsource.New(modelsource.Clients{Kube: h.ClientSet(), Models: models}, args.ModelName, nodemix.Learn, m.model.Seen(p.profile, p.show))
	p.known = func() *nodemix.Knowledge { return p.source.State().Known }
	p.start(ctx)
	return p, nil
}

// start runs the watches and the ageing of the model until the context ends or Close is called.
func (p *InterferenceFit) start(ctx context.Context) {
	ctx = p.running.Start(ctx, Name, p.profile, p.clock)
	p.running.Go(func() { p.source.Run(ctx) })
	p.running.Go(func() { p.reports.Run(ctx) })
	p.running.Every(ctx, showPeriod, func() { p.age(ctx) })
	schedplugin.Await(ctx, p.clock, p.source.Answered(), "switch or model")
	if know := p.known(); know != nil && know.Settings().Named() {
		schedplugin.Await(ctx, p.clock, p.reports.Answered(), "NodeIsolation objects")
	}
	p.show(ctx)
}

// Close stops what start began and waits for it. kube-scheduler calls it when it ends; the end of the context does the same.
func (p *InterferenceFit) Close() error { return p.running.Close() }

// Name returns the plugin's name.
func (p *InterferenceFit) Name() string { return Name }

// assess is the condition right now.
func (p *InterferenceFit) assess() condition {
	return p.source.Condition(p.args.Policy(), p.clock.Now())
}

// age looks at the model's age once in a while: nothing tells when it becomes too old. It also finds the pods whose attempt
// outlasted a change of condition.
func (p *InterferenceFit) age(ctx context.Context) {
	p.metrics.showReports(p.profile, p.reports)
	p.show(ctx)
	p.announce()
}

// announce puts a change between seeing and blind into an event on the model, which may not exist. It is called from the ticker
// alone: when New runs, the scheduler does not record events yet, and flapping shorter than a tick is not worth one.
func (p *InterferenceFit) announce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown == nil {
		return // the context ended before the first look
	}
	c := *p.shown
	if p.announced != nil && action(*p.announced) == action(c) {
		return
	}
	p.announced = &c
	model := &v1.ObjectReference{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "InterferenceModel", Name: p.args.ModelName}
	kind := v1.EventTypeNormal
	if c.Blind != "" && c.Blind != modelsource.ReasonOff || c.Stale {
		kind = v1.EventTypeWarning
	}
	p.events.Recorder.Eventf(model, nil, kind, eventReason, action(c), "%s", sentence(c, p.profile))
}

// reportChanged notes that a node got better by a report on it. The pods that are held try again at the next tick: nodes come in crowds.
func (p *InterferenceFit) reportChanged(name string, was, is nodesetting.Report) {
	know := p.known()
	node, err := p.nodes.Get(name)
	if know == nil || err != nil {
		return
	}
	if know.Improves(know.Settings().Setting(node, was), know.Settings().Setting(node, is)) {
		p.improved.Add(1)
	}
}

// show publishes the condition and lets the pods that were held under another one, or before a node improved, try again.
func (p *InterferenceFit) show(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if know := p.known(); know != nil && know.Settings().Named() {
		p.reports.Need()
	}
	improved := p.improved.Load()
	c := p.assess()
	p.metrics.showCondition(p.profile, c, p.source.State(), p.clock.Now())
	logger := klog.FromContext(ctx)
	if p.shown == nil || *p.shown != c {
		p.shown = &c
		logger.Info("Condition of placement by predicted interference", "mode", c.Mode, "blind", c.Blind, "model", c.Version, "stale", c.Stale)
	}
	if pods := p.held.Take(attempt{c, improved}); len(pods) > 0 {
		logger.V(2).Info("Letting held pods try again", "pods", len(pods))
		p.activate(logger, pods)
	}
}
