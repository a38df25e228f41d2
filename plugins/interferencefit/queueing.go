package interferencefit

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
)

// EventsToRegister lists what can end a rejection by this plugin. The InterferenceModel is not among them although
// kube-scheduler takes resources of CRDs: it waits for their informers before it schedules anything, so a cluster without our CRD
// would stand still. So would one without that of NodeIsolation. Changes of model and switch, and of a NodeIsolation that make its node
// better, activate the held pods instead (see package held).
func (p *InterferenceFit) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.UpdateNodeLabel}, QueueingHintFn: p.afterNodeLabelled},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete}, QueueingHintFn: p.afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Add}, QueueingHintFn: p.afterPodAdded},
		// Any update, as there is no event of its own for annotations.
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Update}, QueueingHintFn: p.afterPodUpdated},
	}, nil
}

// afterNodeLabelled wakes a pod when a node is said to be of a machine shape where neighbours press less.
func (p *InterferenceFit) afterNodeLabelled(logger klog.Logger, pod *v1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	was, okWas := oldObj.(*v1.Node)
	is, okIs := newObj.(*v1.Node)
	know := p.known()
	if !okWas || !okIs || know == nil {
		return fwk.QueueSkip, nil
	}
	report := p.reports.Of(is.Name)
	if !know.Improves(know.Settings().Setting(was, report), know.Settings().Setting(is, report)) {
		return fwk.QueueSkip, nil
	}
	logger.V(5).Info("A node is of another shape now", "pod", klog.KObj(pod), "node", klog.KObj(is))
	return fwk.Queue, nil
}

// afterPodDeleted wakes a pod when one leaves that pressed on measured classes, or that held a promise: both can be what it was
// rejected for. Load that filters don't look at (of unknown or never measured class) never is.
func (p *InterferenceFit) afterPodDeleted(logger klog.Logger, pod *v1.Pod, oldObj, _ any) (fwk.QueueingHint, error) {
	gone, ok := oldObj.(*v1.Pod)
	if !ok || gone.Spec.NodeName == "" || podclass.Background(gone) {
		return fwk.QueueSkip, nil
	}
	know := p.known()
	if know == nil {
		return fwk.QueueSkip, nil
	}
	class := know.Class(gone)
	if !know.Trusted(class) {
		return fwk.QueueSkip, nil
	}
	if _, carries := gone.Annotations[v1alpha1.MinPerformanceAnnotation]; !carries && !know.Presses(class) {
		return fwk.QueueSkip, nil
	}
	logger.V(5).Info("A pod that pressed on its node left", "pod", klog.KObj(pod), "left", klog.KObj(gone), "class", know.Names()[class])
	return fwk.Queue, nil
}

// afterPodAdded wakes a pod when one came to a node that helps a measured class.
func (p *InterferenceFit) afterPodAdded(logger klog.Logger, pod *v1.Pod, _, newObj any) (fwk.QueueingHint, error) {
	came, ok := newObj.(*v1.Pod)
	if !ok || came.Spec.NodeName == "" || podclass.Background(came) {
		return fwk.QueueSkip, nil
	}
	know := p.known()
	if know == nil {
		return fwk.QueueSkip, nil
	}
	class := know.Class(came)
	if !know.Trusted(class) || !know.Helps(class) {
		return fwk.QueueSkip, nil
	}
	logger.V(5).Info("A pod that helps others came", "pod", klog.KObj(pod), "came", klog.KObj(came), "class", know.Names()[class])
	return fwk.Queue, nil
}

// afterPodUpdated wakes a pod when its own class or floor changed, or those of a pod on a node.
func (p *InterferenceFit) afterPodUpdated(logger klog.Logger, pod *v1.Pod, oldObj, newObj any) (fwk.QueueingHint, error) {
	was, okWas := oldObj.(*v1.Pod)
	is, okIs := newObj.(*v1.Pod)
	if !okWas || !okIs || (is.UID != pod.UID && is.Spec.NodeName == "") {
		return fwk.QueueSkip, nil
	}
	if podclass.Label(was) == podclass.Label(is) &&
		was.Annotations[v1alpha1.MinPerformanceAnnotation] == is.Annotations[v1alpha1.MinPerformanceAnnotation] {
		return fwk.QueueSkip, nil
	}
	logger.V(5).Info("Class or floor of a pod changed", "pod", klog.KObj(pod), "changed", klog.KObj(is))
	return fwk.Queue, nil
}
