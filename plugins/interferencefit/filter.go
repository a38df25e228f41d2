package interferencefit

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// ErrReasonHeld is the reason of pods that wait for a model.
const ErrReasonHeld = "waiting for a current interference model: the pod carries " + v1alpha1.MinPerformanceAnnotation +
	" and staleModelPolicy is FailClosed"

// tolerance is how far below its floor a prediction may lie by rounding: models are stored with six significant digits.
const tolerance = 1e-6

// PreFilter takes the condition of the cycle. It skips the filter unless the pod, or somebody in the cluster, was promised a
// performance that a model of measured classes can check.
func (p *InterferenceFit) PreFilter(ctx context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	c, err := p.begin(state, pod)
	if err != nil {
		klog.FromContext(ctx).Info("Ignored an annotation", "pod", klog.KObj(pod), "err", err)
		p.tell(pod, nil, v1.EventTypeWarning, eventActionRead, err.Error)
	}
	if c.exempt || c.Mode == v1alpha1.Off {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	if c.Hold && c.floor > 0 {
		p.held.add(pod, c.attempt())
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonHeld)
	}
	if c.Known == nil || !c.Known.trusted(c.class) || (c.floor == 0 && !p.promised.any()) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	if c.Mode == v1alpha1.Active {
		p.held.add(pod, c.attempt()) // once here rather than for each node that Filter rejects; Reserve removes it
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
	v := p.node(state, info, c.Known).violation(c.class, c.floor, c.priority)
	if !v.broken() {
		return nil
	}
	p.metrics.filterRejections.WithLabelValues(p.profile, string(c.Mode), v.protects).Inc()
	if logger := klog.FromContext(ctx).V(6); logger.Enabled() {
		logger.Info("Node would break a promised performance", "pod", klog.KObj(pod), "node", klog.KObj(info.Node()),
			"protects", v.protects, "class", c.Known.names[v.class], "predicted", v.predicted, "floor", v.floor, "mode", c.Mode)
	}
	if c.Mode == v1alpha1.Shadow {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, v.reason(c.Known))
}

// violation is the promise that a pod would break on a node.
type violation struct {
	protects         string // protectsPod, protectsResident or "" for none
	class            int
	predicted, floor float64
}

func (v violation) broken() bool { return v.protects != "" }

// reason is what `kubectl describe pod` shows. The scheduler counts nodes by equal reasons, so it names the class and the
// floor, of which there are few, and leaves out the prediction, which differs from node to node (it is in the log at level 6).
func (v violation) reason(k *knowledge) string {
	if v.protects == protectsPod {
		return fmt.Sprintf("node(s) would slow the pod (%s) below its %s %.2f", k.names[v.class], v1alpha1.MinPerformanceAnnotation, v.floor)
	}
	return fmt.Sprintf("node(s) where the pod would slow %s below its %s %.2f", k.names[v.class], v1alpha1.MinPerformanceAnnotation, v.floor)
}

// violation returns the first promise that one more pod of the class would break, the pod's own first. Only load of measured
// classes counts, on either side: what was not measured never blocks. A resident that lies below its floor already is not this
// pod's doing, and one of lower priority has no say.
func (n *node) violation(class int, floor float64, priority int32) violation {
	if !n.know.trusted(class) || (floor == 0 && len(n.floors) == 0) {
		return violation{}
	}
	var spare [64]interference.Load
	m := n.setting.Likely
	with := n.trusted.Add(spare[:0], class, 1)
	if floor > 0 {
		if predicted := m.Performance(with, class); predicted < floor-tolerance {
			return violation{protects: protectsPod, class: class, predicted: predicted, floor: floor}
		}
	}
	for _, promise := range n.floors {
		if promise.here < promise.floor-tolerance || promise.priority < priority {
			continue
		}
		if predicted := m.Performance(with, promise.class); predicted < promise.floor-tolerance {
			return violation{protects: protectsResident, class: promise.class, predicted: predicted, floor: promise.floor}
		}
	}
	return violation{}
}
