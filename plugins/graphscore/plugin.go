package graphscore

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Name is the plugin's name in profiles.
const Name = "GraphScore"

var (
	_ fwk.PreScorePlugin  = (*GraphScore)(nil)
	_ fwk.ScorePlugin     = (*GraphScore)(nil)
	_ fwk.ScoreExtensions = (*GraphScore)(nil)
	_ fwk.ReservePlugin   = (*GraphScore)(nil)
	_ fwk.SignPlugin      = (*GraphScore)(nil)
)

// GraphScore scores nodes by what latency objectives lose. See the package documentation.
type GraphScore struct {
	args    *Args
	profile string
	metrics *Metrics
	clock   clock.WithTicker

	snapshot fwk.SharedLister
	events   schedplugin.Events

	source  *modelsource.Source[knowledge]
	reports *nodesetting.Reports
	models  *latencyModels
	places  *places
	cache   nodeCache

	// complained is the problem of the LatencyModel objects in the log, shown the blindness; only the ticker's goroutine has them.
	complained, shown string

	running schedplugin.Running
}

// refreshPeriod is how often LatencyModel objects are looked at: they change once in two rounds of the recommender.
const refreshPeriod = 2 * time.Second

// Factory returns the function that kube-scheduler makes the plugin with, once per profile. All profiles share the metrics.
func Factory(m *Metrics) func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	budget := schedplugin.Budget(podEventsPerSecond, podEventsAtOnce)
	return func(ctx context.Context, obj runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
		return newPlugin(ctx, obj, h, m, budget, clock.RealClock{})
	}
}

func newPlugin(ctx context.Context, obj runtime.Object, h fwk.Handle, m *Metrics, budget flowcontrol.PassiveRateLimiter, c clock.WithTicker) (*GraphScore, error) {
	args, err := schedplugin.ArgsOf(Name, obj, DefaultArgs)
	if err != nil {
		return nil, err
	}
	client, err := schedplugin.Client(h, Name, "models")
	if err != nil {
		return nil, err
	}
	p := &GraphScore{
		args: args, profile: h.ProfileName(), metrics: m, clock: c, snapshot: h.SnapshotSharedLister(),
		events: schedplugin.Events{Recorder: h.EventRecorder(), Reason: Name, Budget: budget, Dropped: m.eventsDropped, Profile: h.ProfileName()},
		models: followLatencyModels(client, args.LatencyModelMaxAge.Duration), places: newPlaces(),
	}
	if _, err := h.SharedInformerFactory().Core().V1().Pods().Informer().AddEventHandler(p.places.handlers()); err != nil {
		return nil, fmt.Errorf("watching where pods run: %w", err)
	}
	shown := func(context.Context) {} // by the ticker
	p.source = modelsource.New(modelsource.Clients{Kube: h.ClientSet(), Models: client}, args.ModelName, newKnowledge, m.model.Seen(p.profile, shown))
	p.reports = nodesetting.New(client, c.Now, func(string, nodesetting.Report, nodesetting.Report) {})
	p.cache.reports = p.reports
	p.start(ctx)
	return p, nil
}

// start runs the watches and reads models until the context ends or Close is called.
func (p *GraphScore) start(ctx context.Context) {
	ctx = p.running.Start(ctx, Name, p.profile, p.clock)
	logger := klog.FromContext(ctx)
	p.running.Go(func() { p.source.Run(ctx) })
	p.running.Go(func() { p.models.follower.Run(ctx) })
	p.running.Go(func() { p.reports.Run(ctx) })
	schedplugin.Await(ctx, p.clock, p.source.Answered(), "switch or model")
	schedplugin.Await(ctx, p.clock, p.models.follower.Answered(), "LatencyModel objects")
	p.refresh(logger)
	p.running.Every(ctx, refreshPeriod, func() { p.refresh(logger) })
}

// refresh reads the LatencyModel objects, and shows how they and the interference model stand.
func (p *GraphScore) refresh(logger klog.Logger) {
	before, now := p.models.current.Load(), p.clock.Now()
	seen := p.models.refresh(now)
	p.metrics.showModels(p.profile, seen)
	if after := p.models.current.Load(); after.Workloads() != before.Workloads() {
		logger.Info("Latency objectives with a stake in placement", "objectives", seen.fresh, "workloads", after.Workloads(), "stale", seen.stale)
	}
	problem := ""
	if seen.problem != nil {
		problem = seen.problem.Error()
	}
	if problem != p.complained && problem != "" {
		logger.Error(seen.problem, "Refused latency models; their objectives count for nothing", "refused", seen.invalid)
	}
	p.complained = problem
	condition := p.source.Condition(p.args.Policy(), now)
	if condition.Known != nil && condition.Known.settings.Named() {
		p.reports.Need()
	}
	p.metrics.model.ShowBlind(p.profile, condition.Blind)
	if shown := fmt.Sprintf("%s/%s/%t", condition.Mode, condition.Blind, condition.Stale); shown != p.shown {
		p.shown = shown
		logger.Info("Condition of placement by latency objectives", "mode", condition.Mode, "blindToInterference", condition.Blind, "stale", condition.Stale)
	}
}

// Close stops what start began and waits for it. kube-scheduler calls it when it ends; the end of the context does the same.
func (p *GraphScore) Close() error { return p.running.Close() }

// Name returns the plugin's name.
func (p *GraphScore) Name() string { return Name }

// where is where the pods of a workload run, with the zones of the nodes as the cycle's snapshot has them.
func (p *GraphScore) where(workload stake.Key) map[stake.Place]int {
	at := make(map[stake.Place]int)
	for name, pods := range p.places.of(workload) {
		if info, err := p.snapshot.NodeInfos().Get(name); err == nil {
			at[placeOf(info.Node())] += pods
		}
	}
	return at
}

// SignPod tells the scheduler which pods it may treat alike when it batches: those of one workload and class under the same models. Pods
// whose score depends on where the pods of other workloads run are not to be batched. It is called from other goroutines than a cycle's, and
// must not look at the snapshot.
func (p *GraphScore) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	condition, now := p.source.Condition(p.args.Policy(), p.clock.Now()), p.models.current.Load()
	value := signature{Workload: workloadOf(pod)}
	if own := now.Of(value.Workload); own != nil {
		if len(own.Links) > 0 {
			return nil, fwk.NewStatus(fwk.Unschedulable, "its score depends on where the pods that it calls run")
		}
		value.Class, value.Model, value.Mode, value.Objectives = podclass.Name(pod), condition.Version, condition.Mode, now.built
	} else {
		value.Workload = stake.Key{} // it is not scored, whatever it is
	}
	return []fwk.SignFragment{{Key: "ballast.dev/" + Name, Value: value}}, nil
}

// signature is all of pod and condition that the plugin decides by; it is only ever compared.
type signature struct {
	Workload   stake.Key     `json:"workload"`
	Class      string        `json:"class"`
	Model      string        `json:"model"`
	Mode       v1alpha1.Mode `json:"mode"`
	Objectives uint64        `json:"objectives"`
}
