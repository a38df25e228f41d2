package isolationfit

import (
	"context"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/isolationfit/bandwidth"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

const (
	filterKey fwk.StateKey = "PreFilter" + Name
	scoreKey  fwk.StateKey = "PreScore" + Name
)

// demand is the state of the filters in one scheduling cycle. Nothing but crowded changes.
type demand struct {
	wish
	mode v1alpha1.Mode
	know *knowledge
	// rejections and reasons are by what a node lacks, made once rather than for each node.
	rejections [lacks]metrics.CounterMetric
	reasons    [lacks]string
	// crowded is set where a node was rejected for what no report shows yet: the next may change it.
	crowded *atomic.Bool
}

// Clone returns the demand itself: it has nothing of the node's pods, which Filter takes from the NodeInfo.
func (d *demand) Clone() fwk.StateData { return d }

// PreFilter skips the filter unless an annotation of the pod asks for something.
func (p *IsolationFit) PreFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	mode := p.position()
	if mode != v1alpha1.Active && mode != v1alpha1.Shadow {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	w, err := wishOf(pod)
	if err != nil {
		p.warn(ctx, pod, err)
	}
	know := p.current.Load()
	if w == (wish{}) || know == nil || podclass.Exempt(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	d := &demand{wish: w, mode: mode, know: know, crowded: new(atomic.Bool)}
	for lack := noPartition; lack < lacks; lack++ {
		d.rejections[lack] = p.metrics.rejections.WithLabelValues(p.profile, string(mode), lack.wants())
		d.reasons[lack] = w.reason(lack)
	}
	state.Write(filterKey, d)
	if mode == v1alpha1.Active {
		granting, _ := know.granting(w)
		p.waiting.add(pod, held{granting: granting, number: know.number, crowded: d.crowded}) // Reserve makes it go
	}
	return nil, nil
}

// PreFilterExtensions returns nil: Filter takes the pods of a node from the NodeInfo that it is given, which has those that preemption adds,
// and lacks those that it takes away.
func (p *IsolationFit) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter rejects a node that has not what the pod asks for.
func (p *IsolationFit) Filter(_ context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	d, err := schedplugin.ReadState[*demand](state, filterKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	lack := d.know.lacks(info.Node().Name, d.wish, info.GetPods(), pod.UID)
	if lack == nothing {
		return nil
	}
	if lack == noBandwidthYet {
		d.crowded.Store(true)
	}
	d.rejections[lack].Inc()
	if d.mode == v1alpha1.Shadow {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, d.reasons[lack])
}

// EventsToRegister lists what can end a rejection: nodes that come, and pods that leave before a report showed them. Reports activate the
// pods that wait themselves.
func (p *IsolationFit) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Update}, QueueingHintFn: afterPodUpdated},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete}, QueueingHintFn: p.afterPodDeleted},
	}, nil
}

// afterPodDeleted wakes a pod that wants bandwidth when one leaves, or is not bound after all, that counted by what it declares.
func (p *IsolationFit) afterPodDeleted(_ klog.Logger, pod *v1.Pod, oldObj, _ any) (fwk.QueueingHint, error) {
	gone, ok := oldObj.(*v1.Pod)
	if !ok || gone.Spec.NodeName == "" {
		return fwk.QueueSkip, nil
	}
	wants, _ := bandwidth.Declared(pod)
	if had, _ := bandwidth.Declared(gone); wants == 0 || had == 0 {
		return fwk.QueueSkip, nil
	}
	if know := p.current.Load(); know == nil || !bandwidth.Unseen(gone, know.nodes[gone.Spec.NodeName].at) {
		return fwk.QueueSkip, nil // the next report shows that it left
	}
	return fwk.Queue, nil
}

// afterPodUpdated wakes a pod when its own wishes changed.
func afterPodUpdated(_ klog.Logger, pod *v1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	was, okWas := oldObj.(*v1.Pod)
	is, okIs := newObj.(*v1.Pod)
	if !okWas || !okIs || is.UID != pod.UID {
		return fwk.QueueSkip, nil
	}
	before, _ := wishOf(was)
	if after, _ := wishOf(is); before == after {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}
