package recommender

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	vpalisters "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/listers/autoscaling.k8s.io/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/routines"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/klog/v2"
)

// stock is VPA's recommender under our name.
type stock struct {
	routines.Recommender
	vpas        vpalisters.VerticalPodAutoscalerLister
	checkpoints vpalisters.VerticalPodAutoscalerCheckpointLister
	pods        corelisters.PodLister
	nodes       corelisters.NodeLister
	usage       *usageTee
	sla         *objectiveRounds
}

// round is one round of VPA's, between deciding for the latency objectives and writing how they stand. VPA objects that are new to
// this process bring their history along: looked for last, because VPA's round would take up one that came in between without it.
func (s *stock) round(ctx context.Context) {
	s.usage.read(ctx)
	s.sla.begin(ctx, s)
	s.loadHistories(ctx)
	s.RunOnce()
	s.sla.end(ctx)
}

// loadHistories gives VPA objects that are new here their checkpoints. At the start, these are all that name us: so a replica knows what
// the last leader knew. Later, it is an object that named another recommender before. VPA's own way loads checkpoints at the start
// only: a round after such a change it would overwrite days of history with what it has seen itself.
func (s *stock) loadHistories(ctx context.Context) {
	for range mostLooks {
		if !s.loadNew(ctx) {
			return
		}
	}
}

// mostLooks bounds how often a round looks for VPA objects that came while it took up others, which may take long: VPA's round, which
// follows, would take them up without history, and write it.
const mostLooks = 10

// loadNew reports whether there were new VPA objects.
func (s *stock) loadNew(ctx context.Context) bool {
	logger := klog.FromContext(ctx)
	known := maps.Clone(s.GetClusterState().VPAs())
	if isNew, err := s.anyNew(known); err != nil || !isNew {
		if err != nil {
			logger.Error(err, "Cannot look for new VPA objects")
		}
		return false
	}
	s.GetClusterStateFeeder().LoadVPAs(ctx)
	vpas, loaded := 0, 0
	for id, vpa := range s.GetClusterState().VPAs() {
		if known[id] != nil {
			continue
		}
		vpas++
		states, err := s.history(id)
		if err != nil {
			logger.Error(err, "Left out a history", "vpa", klog.KRef(id.Namespace, id.VpaName))
		}
		loaded += len(states)
		maps.Copy(vpa.ContainersInitialAggregateState, states)
	}
	logger.Info("Took up VPA objects", "new", vpas, "histories", loaded, "all", len(s.GetClusterState().VPAs()))
	return vpas > 0
}

// anyNew reports whether a VPA object names us that is not known. Finding the pods of all objects, which VPA does next, may ask the
// API server about each: that is for once a round.
func (s *stock) anyNew(known map[model.VpaID]*model.Vpa) (bool, error) {
	objects, err := s.vpas.List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("listing VPA objects: %w", err)
	}
	return slices.ContainsFunc(objects, func(vpa *vpav1.VerticalPodAutoscaler) bool {
		return namesUs(vpa) && known[model.VpaID{Namespace: vpa.Namespace, VpaName: vpa.Name}] == nil
	}), nil
}

func namesUs(vpa *vpav1.VerticalPodAutoscaler) bool {
	return slices.ContainsFunc(vpa.Spec.Recommenders, func(r *vpav1.VerticalPodAutoscalerRecommenderSelector) bool { return r.Name == Name })
}

// history reads the checkpoints of one VPA object, by container. With an error it is what could be read.
func (s *stock) history(id model.VpaID) (model.ContainerNameToAggregateStateMap, error) {
	states := model.ContainerNameToAggregateStateMap{}
	checkpoints, err := s.checkpoints.VerticalPodAutoscalerCheckpoints(id.Namespace).List(labels.Everything())
	if err != nil {
		return states, fmt.Errorf("listing checkpoints of namespace %q: %w", id.Namespace, err)
	}
	for _, checkpoint := range checkpoints {
		if checkpoint.Spec.VPAObjectName != id.VpaName {
			continue
		}
		state := model.NewAggregateContainerState()
		if loadErr := state.LoadFromCheckpoint(&checkpoint.Status); loadErr != nil {
			err = errors.Join(err, fmt.Errorf("loading checkpoint %q: %w", checkpoint.Name, loadErr))
			continue
		}
		states[checkpoint.Spec.ContainerName] = state
	}
	return states, err
}
