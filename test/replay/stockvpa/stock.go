package stockvpa

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	autoscaling "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	stockconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/config"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/logic"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/routines"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
)

// Namespace is where all is; Version is of VPA's module, as go.mod has it: a test holds the two together.
const (
	Version   = "v1.7.3"
	Namespace = "hotel"
	container = "server"
	appLabel  = "app"
	minute    = 60
)

// Began is when the judged days begin; the logical clock counts seconds from there, before it negative ones.
var Began = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)

// Clock returns the time of a second.
func Clock(seconds float64) time.Time {
	return Began.Add(time.Duration(seconds * float64(time.Second)))
}

// Aggregate sets how VPA aggregates, which is a variable of the process.
func Aggregate() {
	d := stockconfig.DefaultRecommenderConfig()
	model.InitializeAggregationsConfig(model.NewAggregationsConfig(
		d.MemoryAggregationInterval, d.MemoryAggregationIntervalCount, d.MemoryHistogramDecayHalfLife, d.CpuHistogramDecayHalfLife,
		d.OOMBumpUpRatio, d.OOMMinBumpUp,
	))
}

// Setting is what is swept of the stock recommender.
type Setting struct {
	Percentile float64 // of CPU
	Margin     float64
}

// Defaults are those of the recommender.
func Defaults() Setting {
	d := stockconfig.DefaultRecommenderConfig()
	return Setting{d.TargetCPUPercentile, d.SafetyMarginFraction}
}

// String is for tables.
func (s Setting) String() string { return fmt.Sprintf("p%g+%g %%", 100*s.Percentile, 100*s.Margin) }

// estimator is VPA's. The bounds keep their percentiles, but never cross a swept target.
func (s Setting) estimator() logic.PodResourceRecommender {
	d := stockconfig.DefaultRecommenderConfig()
	return logic.CreatePodResourceRecommender(logic.RecommendationConfig{
		SafetyMarginFraction: s.Margin, PodMinCPUMillicores: d.PodMinCPUMillicores, PodMinMemoryMb: d.PodMinMemoryMb,
		TargetCPUPercentile: s.Percentile, LowerBoundCPUPercentile: min(d.LowerBoundCPUPercentile, s.Percentile),
		UpperBoundCPUPercentile: max(d.UpperBoundCPUPercentile, s.Percentile), ConfidenceIntervalCPU: d.ConfidenceIntervalCPU,
		TargetMemoryPercentile: d.TargetMemoryPercentile, LowerBoundMemoryPercentile: d.LowerBoundMemoryPercentile,
		UpperBoundMemoryPercentile: d.UpperBoundMemoryPercentile, ConfidenceIntervalMemory: d.ConfidenceIntervalMemory,
	})
}

// Bounds are a recommendation for a pod: CPU in millicores, memory in bytes.
type Bounds struct{ Target, Lower, Upper, Memory, MemoryLower, MemoryUpper int64 }

// State is the state of VPA's recommender: a VPA for each service, a pod for each replica.
type State struct {
	state     model.ClusterState
	estimator logic.PodResourceRecommender
	vpas      []*model.Vpa
	ids       []model.ContainerID
}

// New returns the state without samples.
func New(f *fleet.Fleet, s Setting) (*State, error) {
	out := &State{state: model.NewClusterState(time.Hour), estimator: s.estimator()}
	for _, service := range f.Services {
		object := &autoscaling.VerticalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: service.Name}}
		if err := out.state.AddOrUpdateVpa(object, labels.SelectorFromSet(labels.Set{appLabel: service.Name})); err != nil {
			return nil, err
		}
		out.vpas = append(out.vpas, out.state.VPAs()[model.VpaID{Namespace: Namespace, VpaName: service.Name}])
	}
	for i := range f.Pods {
		p := &f.Pods[i]
		name := f.Services[p.Service].Name
		pod := model.PodID{Namespace: Namespace, PodName: fmt.Sprintf("%s-%d", name, p.Number)}
		id := model.ContainerID{PodID: pod, ContainerName: container}
		out.state.AddOrUpdatePod(pod, labels.Set{appLabel: name}, corev1.PodRunning)
		if err := out.state.AddOrUpdateContainer(id, resources(p)); err != nil {
			return nil, err
		}
		out.ids = append(out.ids, id)
	}
	return out, nil
}

func resources(p *fleet.Pod) model.Resources {
	return model.Resources{model.ResourceCPU: model.ResourceAmount(p.Milli), model.ResourceMemory: model.ResourceAmount(p.Memory)}
}

// Add feeds a minute's usage of all pods, in cores, which ended at a time.
func (s *State) Add(end float64, cores func(pod int) float64) error {
	start := Clock(end - minute)
	for i, id := range s.ids {
		for _, u := range []model.ContainerUsageSample{
			{MeasureStart: start, Resource: model.ResourceCPU, Usage: model.CPUAmountFromCores(cores(i))},
			{MeasureStart: start, Resource: model.ResourceMemory, Usage: model.MemoryAmountFromBytes(fleet.MemoryBytes)},
		} {
			if err := s.state.AddSample(&model.ContainerUsageSampleWithKey{ContainerUsageSample: u, Container: id}); err != nil {
				return fmt.Errorf("%s at %v s: %w", id.PodName, end, err)
			}
		}
	}
	return nil
}

// Recommend returns a recommendation for the pods of each service.
func (s *State) Recommend() []Bounds {
	out := make([]Bounds, len(s.vpas))
	for i, vpa := range s.vpas {
		r := s.estimator.GetRecommendedPodResources(routines.GetContainerNameToAggregateStateMap(vpa))[container]
		cpu, memory := model.ResourceCPU, model.ResourceMemory
		out[i] = Bounds{
			int64(r.Target[cpu]), int64(r.LowerBound[cpu]), int64(r.UpperBound[cpu]),
			int64(r.Target[memory]), int64(r.LowerBound[memory]), int64(r.UpperBound[memory]),
		}
	}
	return out
}

// Usage is the computed use of the pods: rate × work per request over replicas, with the noise of a minute's calls, whose work varies
// as callCV says. One source of noise for all arms and settings of a seed.
type Usage struct {
	perRequest []float64 // core-seconds, by pod
	rng        *rand.Rand
}

// callCV is the coefficient of variation of a call's work: log-normal stages of 0.8, mixed over patterns and operations.
const callCV = 1

// NewUsage starts the noise of a seed.
func NewUsage(f *fleet.Fleet, seed uint64) *Usage {
	work := hotel.WorkPerRequest()
	u := &Usage{rng: rand.New(rand.NewPCG(seed, 0x7573))} //nolint:gosec // a simulation
	for i := range f.Pods {
		s := f.Services[f.Pods[i].Service]
		u.perRequest = append(u.perRequest, work[s.Name]/float64(s.Replicas))
	}
	return u
}

// At returns the use of a pod over a minute, in cores. Its calls are Poisson, so their work in sum has the variation callCV' over the
// root of their number, with callCV'^2 = 1 + callCV^2; a pod gets about a call per replica and request.
func (u *Usage) At(perSecond float64, pod int) float64 {
	m := perSecond * u.perRequest[pod]
	calls := perSecond * minute / 3
	return m * max(0, 1+math.Sqrt((1+callCV*callCV)/calls)*u.rng.NormFloat64())
}
