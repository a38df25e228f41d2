package closedloop

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	autoscaling "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	stockconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/config"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/logic"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"

	"github.com/ballast-k8s/ballast/simulator/closedloop"
)

const (
	speedup = 60
	day     = 24 * time.Hour / speedup
	minutes = 8 * 24 * 60
)

// estimate is what the stock recommender asks for, its confidence interval divided by the speedup as the demonstration's is.
func estimate(s *model.AggregateContainerState) logic.RecommendedContainerResources {
	d := stockconfig.DefaultRecommenderConfig()
	r := logic.CreatePodResourceRecommender(logic.RecommendationConfig{
		SafetyMarginFraction: d.SafetyMarginFraction, PodMinCPUMillicores: d.PodMinCPUMillicores, PodMinMemoryMb: d.PodMinMemoryMb,
		TargetCPUPercentile: d.TargetCPUPercentile, LowerBoundCPUPercentile: d.LowerBoundCPUPercentile,
		UpperBoundCPUPercentile: d.UpperBoundCPUPercentile, ConfidenceIntervalCPU: day,
		TargetMemoryPercentile: d.TargetMemoryPercentile, LowerBoundMemoryPercentile: d.LowerBoundMemoryPercentile,
		UpperBoundMemoryPercentile: d.UpperBoundMemoryPercentile, ConfidenceIntervalMemory: day,
	})
	return r.GetRecommendedPodResources(model.ContainerNameToAggregateStateMap{"server": s})["server"]
}

// A history that is written as a checkpoint and loaded by VPA is what VPA's own state is after it saw every sample.
func TestHistoryIsWhatVPAWouldRemember(t *testing.T) {
	d := stockconfig.DefaultRecommenderConfig()
	model.InitializeAggregationsConfig(model.NewAggregationsConfig(
		day, d.MemoryAggregationIntervalCount, day, day, d.OOMBumpUpRatio, d.OOMMinBumpUp,
	))
	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		demand := make([]float64, 60)
		level := math.Exp(rng.NormFloat64()) / 2
		for i := range demand {
			demand[i] = level * math.Exp(0.3*rng.NormFloat64())
		}
		speeds := []float64{1, 0.7}
		history := closedloop.NewHistory(demand, speeds, end, speedup)
		b, err := json.Marshal(history.Status())
		if err != nil {
			t.Fatal(err)
		}
		var status autoscaling.VerticalPodAutoscalerCheckpointStatus
		if err := json.Unmarshal(b, &status); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		loaded := model.NewAggregateContainerState()
		if err := loaded.LoadFromCheckpoint(&status); err != nil {
			t.Fatal(err)
		}

		lived := model.NewAggregateContainerState()
		for i := range minutes {
			for _, speed := range speeds {
				lived.AddSample(&model.ContainerUsageSample{
					MeasureStart: end.Add(-day * 8).Add(time.Duration(i) * time.Minute / speedup), Resource: model.ResourceCPU,
					Usage: model.CPUAmountFromCores(demand[i%60] / speed),
				})
			}
		}
		if loaded.TotalSamplesCount != lived.TotalSamplesCount || !loaded.FirstSampleStart.Equal(lived.FirstSampleStart) ||
			!loaded.LastSampleStart.Equal(lived.LastSampleStart) {
			t.Errorf("%d samples from %s to %s, VPA has %d from %s to %s", loaded.TotalSamplesCount, loaded.FirstSampleStart, loaded.LastSampleStart,
				lived.TotalSamplesCount, lived.FirstSampleStart, lived.LastSampleStart)
		}
		got, want := estimate(loaded), estimate(lived)
		// A bucket of these sizes is 5 to 10 % wide; weights in a checkpoint are rounded to a ten-thousandth of the heaviest, usage to a millicore.
		for name, pair := range map[string][2]model.Resources{
			"target": {got.Target, want.Target}, "lower bound": {got.LowerBound, want.LowerBound}, "upper bound": {got.UpperBound, want.UpperBound},
		} {
			g, w := pair[0][model.ResourceCPU], pair[1][model.ResourceCPU]
			if r := float64(g) / float64(w); r < 0.9 || r > 1.11 {
				t.Errorf("%s is %d m, VPA's own %d m", name, g, w)
			}
		}
		if g, w := history.Target(), int64(got.Target[model.ResourceCPU]); math.Abs(float64(g-w)) > 0.1*float64(w)+1 {
			t.Errorf("the history's target is %d m, VPA's %d m", g, w)
		}
		// Eight days make sure: the upper bound is p95 × 1.15 × (1 + 1/8), not the many times as much of a new workload.
		if u := float64(got.UpperBound[model.ResourceCPU]) / float64(got.Target[model.ResourceCPU]); u < 1.1 || u > 2 {
			t.Errorf("the upper bound is %.2f times the target", u)
		}
	}
}
