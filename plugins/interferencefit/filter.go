package interferencefit

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// ErrReasonHeld is the reason of pods that wait for a model.
const ErrReasonHeld = "waiting for a current interference model: the pod carries " + v1alpha1.MinPerformanceAnnotation +
	" and staleModelPolicy is FailClosed"

// PreFilter takes the condition of the cycle. It skips the filter unless the pod, or somebody in the cluster, was promised a
// performance that a model of measured classes can check.
func (p *InterferenceFit) PreFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	c, err := p.begin(state, pod)
	if err != nil {
		klog.FromContext(ctx).Info("Ignored an annotation", "pod", klog.KObj(pod), "err", err)
		p.events.Tell(pod, nil, v1.EventTypeWarning, eventActionRead, err.Error)
	}
	if c.exempt || c.Mode == v1alpha1.Off {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	if c.Hold && c.floor > 0 {
		p.held.Add(pod, c.attempt())
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonHeld)
	}
	if c.Known == nil || !c.Known.Trusted(c.class) || (c.floor == 0 && !p.promised.Any()) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	if c.Mode == v1alpha1.Active {
		p.held.Add(pod, c.attempt()) // once here rather than for each node that Filter rejects; Reserve removes it
	}
	return nil, nil
}

// PreFilterExtensions returns nil: Filter derives everything from the NodeInfo it is given.
func (p *InterferenceFit) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter rejects a node where the pod would newly push itself or a resident below a promised performance.
func (p *InterferenceFit) Filter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	c, err := readCycle(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if c.Known == nil {
		return nil
	}
	v := p.node(state, info, c.Known).Violation(c.class, c.floor, c.priority)
	if !v.Broken() {
		return nil
	}
	p.metrics.filterRejections.WithLabelValues(p.profile, string(c.Mode), v.Protects).Inc()
	if logger := klog.FromContext(ctx).V(6); logger.Enabled() {
		logger.Info("Node would break a promised performance", "pod", klog.KObj(pod), "node", klog.KObj(info.Node()),
			"protects", v.Protects, "class", c.Known.Names()[v.Class], "predicted", v.Predicted, "floor", v.Floor, "mode", c.Mode)
	}
	if c.Mode == v1alpha1.Shadow {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, v.Reason(c.Known))
}
