package recommender

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/routines"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/election"
	"github.com/ballast-k8s/ballast/recommender/latencymodel"
	"github.com/ballast-k8s/ballast/recommender/nodepoints"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/objectives/status"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

var _ routines.RecommendationPostProcessor = (*objectiveRounds)(nil)

// objectiveRounds is the part of a round about latency objectives. It is also the post-processor that puts their targets in.
type objectiveRounds struct {
	periods  sizing.Periods
	mode     func() v1alpha1.Mode
	follower *objectives.Follower
	sizer    *objectives.Sizer
	writer   *status.Writer
	models   *latencymodel.Publisher
	points   *nodepoints.Keeper
	shown    *status.Collector
	now      func() time.Time
	// seen is what the set-points of nodes are made of in this round, nil where not all of it is known.
	seen *nodepoints.Round
	// current is what VPA's workers ask; nil before the first round.
	current atomic.Pointer[objectives.Round]
}

// writePatience bounds how long statuses are written for after a round, also when the process is told to stop.
const writePatience = 10 * time.Second

// newObjectiveRounds begins to follow the objectives, until stop.
func newObjectiveRounds(
	ctx context.Context, c clients, config Config, t objectives.Telemetry, mode func() v1alpha1.Mode, m *metrics,
) (rounds *objectiveRounds, stop func()) {
	periods := sizing.DefaultPeriods().Divided(config.Speedup)
	periods.Round = config.period()
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: c.kube.CoreV1().Events(allNamespaces)})
	events := broadcaster.NewRecorder(runtime.NewScheme(), corev1.EventSource{Component: election.LeaseName})
	rounds = &objectiveRounds{
		periods: periods, mode: mode, shown: m.objectives, now: time.Now,
		follower: objectives.NewFollower(c.dynamic),
		sizer:    objectives.NewSizer(t, periods, latencymodel.Recall(c.dynamic)),
		writer:   status.NewWriter(c.dynamic, events),
		models:   latencymodel.NewPublisher(c.dynamic, periods.Round),
		points:   nodepoints.NewKeeper(c.dynamic, events, m.points, config.divided(nodepoints.Least)),
	}
	var following sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	following.Go(func() { rounds.follower.Run(ctx) })
	following.Go(func() { rounds.points.Run(ctx) })
	return rounds, func() {
		cancel()
		following.Wait()
		broadcaster.Shutdown()
	}
}

// ready waits until it is known which objectives there are: a round without them would drop what they hold. It is false if the context
// ends before.
func (r *objectiveRounds) ready(ctx context.Context) bool {
	select {
	case <-r.follower.Answered():
		return true
	case <-ctx.Done():
		return false
	}
}

// begin decides.
func (r *objectiveRounds) begin(ctx context.Context, s *stock) {
	r.seen = nil
	list, err := r.follower.List()
	if err != nil {
		klog.FromContext(ctx).Error(err, "Left out objectives")
	}
	in := objectives.Input{Now: r.now(), Mode: v1alpha1.ObjectiveMode(r.mode()), Objectives: list}
	var pods map[string][]string
	if len(list) > 0 {
		in.Slowdowns = r.points.Slowdowns(in.Now)
		var lookErr error
		if pods, lookErr = s.look(&in); lookErr != nil {
			klog.FromContext(ctx).Error(lookErr, "Cannot decide for the latency objectives; what was decided last stands")
			return
		}
	}
	if err == nil { // or the set-points of an objective that cannot be read would go
		r.seen = &nodepoints.Round{Now: in.Now, Mode: in.Mode, Workloads: in.Workloads, Pods: pods}
	}
	r.current.Store(r.sizer.Begin(ctx, in))
}

// end writes how the objectives stand.
func (r *objectiveRounds) end(ctx context.Context) {
	round := r.current.Load()
	if round == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writePatience) // the next leader goes on from it
	defer cancel()
	reports := round.End()
	r.shown.Show(reports)
	if err := r.writer.Write(ctx, reports); err != nil {
		klog.FromContext(ctx).Error(err, "Trying again in the next round")
	}
	if err := r.models.Publish(ctx, reports); err != nil {
		klog.FromContext(ctx).Error(err, "Cannot publish latency models; trying again in the next round")
	}
	if r.seen == nil {
		return
	}
	r.seen.Reports = reports
	if err := r.points.Round(ctx, *r.seen); err != nil {
		klog.FromContext(ctx).Error(err, "Cannot write all set-points of nodes; trying again in the next round")
	}
}

// Process puts what the objectives decided into a recommendation. Where they have no say it is stock's, the very same object; else
// memory and all other containers are stock's.
func (r *objectiveRounds) Process(vpa *vpav1.VerticalPodAutoscaler, stock *vpav1.RecommendedPodResources) *vpav1.RecommendedPodResources {
	round := r.current.Load()
	if round == nil || stock == nil {
		return stock
	}
	out := stock
	for i := range stock.ContainerRecommendations {
		c := &stock.ContainerRecommendations[i]
		cpu, ok := c.Target[corev1.ResourceCPU]
		if !ok { // not among the controlled resources
			continue
		}
		lower, upper := c.LowerBound[corev1.ResourceCPU], c.UpperBound[corev1.ResourceCPU]
		b, ok := round.Bounds(workload.Key(vpa.Namespace, vpa.Name), c.ContainerName, objectives.Bounds{
			Lower: lower.AsApproximateFloat64(), Target: cpu.AsApproximateFloat64(), Upper: upper.AsApproximateFloat64(),
		})
		if !ok {
			continue
		}
		if out == stock {
			out = stock.DeepCopy()
		}
		c = &out.ContainerRecommendations[i]
		c.LowerBound[corev1.ResourceCPU] = quantity(b.Lower)
		c.Target[corev1.ResourceCPU] = quantity(b.Target)
		c.UncappedTarget[corev1.ResourceCPU] = quantity(b.Target)
		c.UpperBound[corev1.ResourceCPU] = quantity(b.Upper)
	}
	return out
}

// quantity rounds cores up to millicores, as VPA does.
func quantity(cores float64) resource.Quantity {
	return *resource.NewMilliQuantity(int64(math.Ceil(1000*cores-1e-6)), resource.DecimalSI)
}
