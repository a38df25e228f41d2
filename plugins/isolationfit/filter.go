package isolationfit

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
)

const (
	filterKey fwk.StateKey = "PreFilter" + Name
	scoreKey  fwk.StateKey = "PreScore" + Name
)

// demand is the state of the filters in one scheduling cycle. It is immutable.
type demand struct {
	wish
	mode v1alpha1.Mode
	know *knowledge
}

// Clone returns the demand itself: nothing changes it.
func (d *demand) Clone() fwk.StateData { return d }

// PreFilter skips the filter unless an annotation of the pod asks for something.
func (p *IsolationFit) PreFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	w, err := wishOf(pod)
	if err != nil {
		klog.FromContext(ctx).Info("Ignored an annotation", "pod", klog.KObj(pod), "err", err)
		p.tell(pod, nil, v1.EventTypeWarning, "Reading", err.Error())
	}
	d := &demand{wish: w, mode: p.position(), know: p.current.Load()}
	if w == (wish{}) || d.know == nil || interferencefit.Exempt(pod) || d.mode != v1alpha1.Active && d.mode != v1alpha1.Shadow {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(filterKey, d)
	if d.mode == v1alpha1.Active {
		p.waiting.add(pod, d.know.granting(w)) // once here rather than for each node that Filter rejects; Reserve makes it go
	}
	return nil, nil
}

// PreFilterExtensions returns nil: pods that come or go change no report.
func (p *IsolationFit) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter rejects a node that has not what the pod asks for.
func (p *IsolationFit) Filter(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	data, err := state.Read(filterKey)
	d, ok := data.(*demand)
	if err != nil || !ok {
		return fwk.AsStatus(fmt.Errorf("reading %q from cycleState: got a %T: %w", filterKey, data, err))
	}
	lack := d.know.lacks(info.Node().Name, d.wish)
	if lack == "" {
		return nil
	}
	p.metrics.rejections.WithLabelValues(p.profile, string(d.mode), lack).Inc()
	if d.mode == v1alpha1.Shadow {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, d.reason(lack))
}

// EventsToRegister lists what can end a rejection: nodes that come. Reports activate the pods themselves.
func (p *IsolationFit) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Update}, QueueingHintFn: afterPodUpdated},
	}, nil
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
