package isolationfit

import (
	"context"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Name is the plugin's name in profiles.
const Name = "IsolationFit"

var (
	_ fwk.PreFilterPlugin   = (*IsolationFit)(nil)
	_ fwk.FilterPlugin      = (*IsolationFit)(nil)
	_ fwk.PreScorePlugin    = (*IsolationFit)(nil)
	_ fwk.ScorePlugin       = (*IsolationFit)(nil)
	_ fwk.ScoreExtensions   = (*IsolationFit)(nil)
	_ fwk.ReservePlugin     = (*IsolationFit)(nil)
	_ fwk.EnqueueExtensions = (*IsolationFit)(nil)
	_ fwk.SignPlugin        = (*IsolationFit)(nil)
)

// IsolationFit filters and scores nodes by what their agents report. See the package documentation.
type IsolationFit struct {
	profile string
	metrics *Metrics
	clock   clock.WithTicker

	snapshot fwk.SharedLister
	pods     corelisters.PodLister
	events   schedplugin.Events
	activate func(klog.Logger, map[string]*v1.Pod)

	change  *follow.Follower
	reports *reports
	mode    atomic.Value // v1alpha1.Mode, none before the first answer
	current atomic.Pointer[knowledge]
	// workloads are those of the pods that reports name; only the goroutine that refreshes has them.
	workloads map[v1alpha1.ContainerName]workload
	waiting   waiting
	// warned are by UID the pods that were told what is wrong with their annotations.
	warned *lru.Cache

	running schedplugin.Running
}

// refreshPeriod is how often reports are taken in: an agent writes every 10 seconds at most.
const refreshPeriod = 2 * time.Second

// Factory returns the function that kube-scheduler makes the plugin with, once per profile. All profiles share the metrics.
func Factory(m *Metrics) func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	budget := schedplugin.Budget(podEventsPerSecond, podEventsAtOnce)
	return func(ctx context.Context, _ runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
		return newPlugin(ctx, h, m, budget, clock.RealClock{})
	}
}

func newPlugin(ctx context.Context, h fwk.Handle, m *Metrics, budget flowcontrol.PassiveRateLimiter, c clock.WithTicker) (*IsolationFit, error) {
	client, err := schedplugin.Client(h, Name, "NodeIsolation objects")
	if err != nil {
		return nil, err
	}
	p := &IsolationFit{
		profile: h.ProfileName(), metrics: m, clock: c, snapshot: h.SnapshotSharedLister(),
		events: schedplugin.Events{Recorder: h.EventRecorder(), Reason: Name, Budget: budget, Dropped: m.eventsDropped, Profile: h.ProfileName()},
		pods:   h.SharedInformerFactory().Core().V1().Pods().Lister(), activate: h.Activate, reports: followReports(client),
		workloads: map[v1alpha1.ContainerName]workload{}, waiting: waiting{pods: map[string]held{}}, warned: lru.New(mostWarned),
	}
	p.change = follow.Switch(h.ClientSet(), "Cannot read the switch", p.takeMode)
	p.start(ctx)
	return p, nil
}

// start runs the watches until the context ends or Close is called.
func (p *IsolationFit) start(ctx context.Context) {
	ctx = p.running.Start(ctx, Name, p.profile, p.clock)
	logger := klog.FromContext(ctx)
	p.running.Go(func() { p.change.Run(ctx) })
	p.running.Go(func() { p.reports.follower.Run(ctx) })
	schedplugin.Await(ctx, p.clock, p.change.Answered(), "switch")
	schedplugin.Await(ctx, p.clock, p.reports.follower.Answered(), "NodeIsolation objects")
	p.refresh(logger)
	p.running.Every(ctx, refreshPeriod, func() { p.refresh(logger) })
}

// takeMode takes a change of the switch. A value that is no mode changes nothing.
func (p *IsolationFit) takeMode(ctx context.Context, mode v1alpha1.Mode, err error) {
	if err != nil {
		p.metrics.switchErrors.WithLabelValues(p.profile).Inc()
		klog.FromContext(ctx).Error(err, "Ignored the switch; keeping the mode", "mode", p.mode.Load())
		return
	}
	p.mode.Store(mode)
}

// refresh takes in the reports, and has the queue try pods again that wait for a node that says something else now.
func (p *IsolationFit) refresh(logger klog.Logger) {
	was, is := p.current.Load(), p.reports.take(p.clock.Now(), p.pods, &p.workloads)
	p.current.Store(is)
	p.metrics.show(p.profile, is)
	if is != nil && (was == nil || was.pairs != is.pairs) && is.pairs > 0 {
		logger.Info("Confirmed interference counts in placement", "pairs", is.pairs)
	}
	if pods := p.waiting.take(p.pods, p.granted(is)); len(pods) > 0 {
		p.activate(logger, pods)
	}
}

// granted says which of the pods that wait are to be tried again; those of one Deployment wish for the same.
func (p *IsolationFit) granted(is *knowledge) func(wish, held) bool {
	type grant struct {
		nodes  int
		latest uint64
	}
	known := map[wish]grant{}
	return func(w wish, was held) bool {
		if p.off() {
			return true
		}
		g, ok := known[w]
		if !ok {
			g.nodes, g.latest = is.granting(w)
			known[w] = g
		}
		return was.again(g.nodes, g.latest)
	}
}

// position is how the switch stands, "" before it was read.
func (p *IsolationFit) position() v1alpha1.Mode {
	mode, _ := p.mode.Load().(v1alpha1.Mode)
	return mode
}

func (p *IsolationFit) off() bool { return p.position() != v1alpha1.Active }

// Close stops what start began and waits for it. kube-scheduler calls it when it ends; the end of the context does the same.
func (p *IsolationFit) Close() error { return p.running.Close() }

// Name returns the plugin's name.
func (p *IsolationFit) Name() string { return Name }

// SignPod tells the scheduler which pods it may treat alike when it batches: those of one workload with the same wishes.
func (p *IsolationFit) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	w, _ := wishOf(pod)
	value := signature{Workload: workloadOf(pod).String(), Partition: w.partition, MBps: w.mbps, Mode: p.position(), Exempt: podclass.Exempt(pod)}
	return []fwk.SignFragment{{Key: "ballast.dev/" + Name, Value: value}}, nil
}

// signature is all of pod and condition that the plugin decides by, apart from reports, which change within a batch as they do between two; it
// is only ever compared.
type signature struct {
	Workload  string        `json:"workload"`
	Partition string        `json:"partition"`
	MBps      float64       `json:"mbps"`
	Mode      v1alpha1.Mode `json:"mode"`
	Exempt    bool          `json:"exempt"`
}
