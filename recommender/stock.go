package recommender

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/informers/externalversions"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/checkpoint"
	stockconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/config"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/input"
	inputmetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/input/metrics"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/logic"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/routines"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/target"
	controllerfetcher "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/target/controller_fetcher"
	vpaclient "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/client"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// Name is by what VerticalPodAutoscaler objects select this recommender.
const Name = "ballast"

// What the stock recommender is built with and does not export.
const (
	aggregateGCPeriod   = time.Hour
	scaleFreshFor       = 10 * time.Minute
	scaleKeptFor        = time.Hour
	scaleJitter         = 1.0
	scalePeriod         = 7 * time.Second
	controllersResync   = 10 * time.Minute
	vpaResync           = time.Hour
	metricsClientName   = "default-metrics-client" // the label client_name of vpa_recommender_metric_server_responses
	allNamespaces       = metav1.NamespaceAll
	neverSavesMemory    = false // or confidence would start at zero whenever a workload gets its VPA
	keepsItsCheckpoints = true
)

// postProcessors lists what may change a recommendation after VPA's estimators, in order. Capping stands last: no other may exceed
// what a VPA's policy allows. The stock recommender's rounding of CPU to whole cores is not in its defaults, so not here.
func postProcessors(sla routines.RecommendationPostProcessor) []routines.RecommendationPostProcessor {
	return []routines.RecommendationPostProcessor{
		sla,
		routines.NewCappingRecommendationProcessor(corev1.ResourceList{}),
	}
}

// stockDefaults are the stock recommender's, with what it remembers and how soon it is sure divided by the speedup.
func stockDefaults(config Config) *stockconfig.RecommenderConfig {
	defaults := stockconfig.DefaultRecommenderConfig()
	for _, period := range []*time.Duration{
		&defaults.MemoryAggregationInterval, &defaults.MemoryHistogramDecayHalfLife, &defaults.CpuHistogramDecayHalfLife,
		&defaults.ConfidenceIntervalCPU, &defaults.ConfidenceIntervalMemory,
	} {
		*period = config.divided(*period)
	}
	return defaults
}

// newStock wires VPA's parts as the stock recommender does, under our name, and loads the histories. It waits for the API server's
// answers. What it starts ends with the context. A process can do this once: VPA keeps how it aggregates in a variable.
func newStock(ctx context.Context, c clients, config Config, sla *objectiveRounds) (*stock, error) {
	defaults := stockDefaults(config)
	model.InitializeAggregationsConfig(model.NewAggregationsConfig(
		defaults.MemoryAggregationInterval, defaults.MemoryAggregationIntervalCount,
		defaults.MemoryHistogramDecayHalfLife, defaults.CpuHistogramDecayHalfLife,
		defaults.OOMBumpUpRatio, defaults.OOMMinBumpUp,
	))
	state := model.NewClusterState(aggregateGCPeriod)
	owners := informers.NewSharedInformerFactoryWithOptions(c.kube, controllersResync, informers.WithTransform(vpaclient.StripManagedFields))
	controllers := controllerfetcher.NewControllerFetcher(c.config, c.kube, owners, scaleFreshFor, scaleKeptFor, scaleJitter, ctx.Done())
	vpas := externalversions.NewSharedInformerFactoryWithOptions(c.vpa, vpaResync, externalversions.WithTransform(vpaclient.StripManagedFields))
	objects := vpas.Autoscaling().V1()
	s := &stock{
		vpas: objects.VerticalPodAutoscalers().Lister(), checkpoints: objects.VerticalPodAutoscalerCheckpoints().Lister(), sla: sla,
		usage: newUsageTee(
			inputmetrics.NewMetricsClient(inputmetrics.NewPodMetricsesSource(c.usage), allNamespaces, metricsClientName), sla.periods.MaxAge,
		),
	}
	feeder, pods, err := newFeeder(ctx, c, s.usage, state, owners, vpas, controllers)
	if err != nil {
		return nil, err
	}
	s.pods = pods
	if s.nodes, err = followNodes(ctx, c.kube); err != nil {
		return nil, err
	}
	controllers.Start(ctx, scalePeriod)
	s.Recommender = routines.RecommenderFactory{
		ClusterState:                 state,
		ClusterStateFeeder:           feeder,
		ControllerFetcher:            controllers,
		CheckpointWriter:             checkpoint.NewCheckpointWriter(state, c.vpa.AutoscalingV1()),
		VpaClient:                    c.vpa.AutoscalingV1(),
		PodResourceRecommender:       logic.CreatePodResourceRecommender(estimation(defaults)),
		RecommendationFormat:         logic.RecommendationFormat{HumanizeMemory: defaults.HumanizeMemory, RoundCPUMillicores: defaults.RoundCPUMillicores, RoundMemoryBytes: defaults.RoundMemoryBytes},
		RecommendationPostProcessors: postProcessors(sla),
		CheckpointsGCInterval:        defaults.CheckpointsGCInterval,
		CheckpointsWriteTimeout:      defaults.CheckpointsWriteTimeout,
		UseCheckpoints:               keepsItsCheckpoints,
		UpdateWorkerCount:            defaults.UpdateWorkerCount,
	}.Make()
	s.loadHistories(ctx)
	if !sla.ready(ctx) {
		return nil, errNotSeen
	}
	return s, nil
}

// newFeeder makes what brings the cluster's objects and usage into the state, and waits until it has seen them all once: workloads
// (owners), VPA objects with their checkpoints, and pods.
func newFeeder(
	ctx context.Context, c clients, usage inputmetrics.MetricsClient, state model.ClusterState,
	owners informers.SharedInformerFactory, vpas externalversions.SharedInformerFactory, controllers controllerfetcher.ControllerFetcher,
) (input.ClusterStateFeeder, corelisters.PodLister, error) {
	objects := vpas.Autoscaling().V1().VerticalPodAutoscalers().Lister()
	checkpoints := vpas.Autoscaling().V1().VerticalPodAutoscalerCheckpoints().Lister()
	selectors := target.NewVpaTargetSelectorFetcher(c.config, c.kube, owners, ctx.Done())
	vpas.Start(ctx.Done())
	owners.Start(ctx.Done())
	pods, ooms := input.NewPodListerAndOOMObserver(ctx, c.kube, allNamespaces, ctx.Done()) // waits for the pods
	if !allTrue(vpas.WaitForCacheSync(ctx.Done())) || !allTrue(owners.WaitForCacheSync(ctx.Done())) {
		return nil, nil, errNotSeen
	}
	return input.ClusterStateFeederFactory{
		ClusterState:        state,
		KubeClient:          c.kube,
		MetricsClient:       usage,
		VpaCheckpointClient: c.vpa.AutoscalingV1(),
		VpaCheckpointLister: checkpoints,
		VpaLister:           objects,
		PodLister:           pods,
		OOMObserver:         ooms,
		SelectorFetcher:     selectors,
		MemorySaveMode:      neverSavesMemory,
		ControllerFetcher:   controllers,
		RecommenderName:     Name,
		VpaObjectNamespace:  allNamespaces,
	}.Make(), pods, nil
}

func allTrue(synced map[reflect.Type]bool) bool {
	return !slices.Contains(slices.Collect(maps.Values(synced)), false)
}

// errNotSeen is that the context ended first.
var errNotSeen = errors.New("stopped before the API server's objects were seen")

// estimation is what VPA's estimators are made with.
func estimation(c *stockconfig.RecommenderConfig) logic.RecommendationConfig {
	return logic.RecommendationConfig{
		SafetyMarginFraction:       c.SafetyMarginFraction,
		PodMinCPUMillicores:        c.PodMinCPUMillicores,
		PodMinMemoryMb:             c.PodMinMemoryMb,
		TargetCPUPercentile:        c.TargetCPUPercentile,
		LowerBoundCPUPercentile:    c.LowerBoundCPUPercentile,
		UpperBoundCPUPercentile:    c.UpperBoundCPUPercentile,
		ConfidenceIntervalCPU:      c.ConfidenceIntervalCPU,
		TargetMemoryPercentile:     c.TargetMemoryPercentile,
		LowerBoundMemoryPercentile: c.LowerBoundMemoryPercentile,
		UpperBoundMemoryPercentile: c.UpperBoundMemoryPercentile,
		ConfidenceIntervalMemory:   c.ConfidenceIntervalMemory,
	}
}
