package jointplacement

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/cluster"
)

// ErrReasonHeld is the reason of pods that wait for a plan.
const ErrReasonHeld = "waiting to be placed together with its group"

// PreEnqueue holds a pod until its group is planned and the plan is written. It runs inside the lock of the scheduling queue, and
// more than once for a pod: it looks things up and decides nothing that takes time.
func (p *JointPlacement) PreEnqueue(_ context.Context, pod *v1.Pod) *fwk.Status {
	c := p.condition()
	if !plannable(c, pod) {
		return nil
	}
	pass, isNew := p.waiting.Admit(pod, c.Mode == v1alpha1.Shadow, p.clock.Now())
	if isNew {
		p.look()
	}
	if pass {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, ErrReasonHeld)
}

// plannable reports whether a pod is one that waits for a plan: of a class that the model measured, no pod of the background (of a
// DaemonSet, or static), none that the system depends on, none that somebody else holds or placed already.
func plannable(c condition, pod *v1.Pod) bool {
	if c.Known == nil || pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil || len(pod.Spec.SchedulingGates) > 0 {
		return false
	}
	if podclass.Background(pod) || podclass.Exempt(pod) {
		return false
	}
	_, ok := cluster.Measured(c.Known.Own().Model, pod)
	return ok
}

// look makes the planner look at the groups at once.
func (p *JointPlacement) look() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// EventsToRegister names what ends a hold: that the queue sees the pod's nomination, or a change of the pod itself. Pods that are let go
// without a plan are activated.
func (p *JointPlacement) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Update}, QueueingHintFn: afterPodUpdated},
	}, nil
}

// afterPodUpdated looks again at a pod whose own object changed. PreEnqueue then decides.
func afterPodUpdated(_ klog.Logger, pod *v1.Pod, _, newObj any) (fwk.QueueingHint, error) {
	if changed, ok := newObj.(*v1.Pod); ok && changed.UID == pod.UID {
		return fwk.Queue, nil
	}
	return fwk.QueueSkip, nil
}
