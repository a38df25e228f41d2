package interferencefit

import (
	"context"
	"fmt"
	"strconv"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// What the plugin's events carry: the reason that users filter by, and the actions.
const (
	eventReason       = "InterferenceFit"
	eventActionPlace  = "Placing"
	eventActionRead   = "ReadingAnnotation"
	eventActionFollow = "FollowingModel"
)

// Events on pods are bounded, over all profiles, to half of what the scheduler's client for events sends by default (50 a second, 100 at once):
// when hundreds of pods come at a time, ours must neither crowd out the scheduler's own events nor slow the API server down
// (measured on two cores: one more event for each pod costs a fifth of the placements per second). What is left out is counted,
// and stands in the log.
const (
	podEventsPerSecond = 25
	podEventsAtOnce    = 50
)

// Reserve records the decision as data and shows it: a log line, an event on the pod, metrics. It reserves nothing itself: the
// pod is in the scheduler's cache by now, and thereby in the mix that the next cycle sees; node metrics, whose lag would have to
// be bridged here, are no input of the plugin.
func (p *InterferenceFit) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodeName string) *fwk.Status {
	p.held.Remove(pod.UID)
	c, err := readCycle(state)
	if err != nil {
		return nil // neither PreFilter nor PreScore ran: nothing was decided here
	}
	if c.floor > 0 {
		p.promised.Add(pod.UID)
		p.warnUnchecked(ctx, c, pod)
	}
	if c.skips(pod) != "" {
		return nil
	}
	info, err := p.snapshot.NodeInfos().Get(nodeName)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Cannot record a decision", "pod", klog.KObj(pod), "node", klog.KRef("", nodeName))
		return nil // a record is no reason to reject the pod
	}
	n := p.cache.Find(info, c.Known)
	if n == nil || state.IsPodGroupSchedulingCycle() {
		n = p.cache.Observe(info, c.Known, pod.UID) // in a pod-group cycle the snapshot holds the pod by now
	}
	d := c.decide(n, nodeName)
	d.namespace = pod.Namespace
	p.record(ctx, c, pod, d)
	return nil
}

// Unreserve takes back what Reserve counted; the event stands, as the scheduler's own failure event follows it.
func (p *InterferenceFit) Unreserve(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ string) {
	if c, err := readCycle(state); err == nil && c.reserved {
		c.reserved = false
		p.metrics.placements.WithLabelValues(p.profile).Dec()
	}
	// The informer removes the pod from the promised when it is deleted; that event may already have passed.
	if _, err := p.pods.Pods(pod.Namespace).Get(pod.Name); apierrors.IsNotFound(err) {
		p.promised.Remove(pod.UID)
	}
}

// decide states the decision for a node without the pod.
func (c *cycle) decide(n *nodemix.Node, nodeName string) decision {
	gain, m := n.LeastGain(c.class)
	with := n.Mix.Add(nil, c.class, 1)
	d := decision{
		mode: c.Mode, node: nodeName, mix: n.Mix, names: c.Known.Names(), version: m.Version(), stale: c.Stale, scored: c.scored,
		setting: n.Setting.Name, doubt: n.Setting.Doubt, predicted: m.Predict(with, c.class), gain: scale.Raw(gain),
		breaks: !c.exempt && n.Violation(c.class, c.floor, c.priority).Broken(),
		best:   c.best, next: c.next,
	}
	// What the neighbours lose is what the pod brings less what the node gains.
	d.neighboursLose = m.Performance(with, c.class) - gain
	return d
}

func (p *InterferenceFit) record(ctx context.Context, c *cycle, pod *v1.Pod, d decision) {
	basis := basisUnscored
	if d.scored {
		basis = basisScored
	}
	p.metrics.decisions.WithLabelValues(p.profile, string(d.mode), basis).Inc()
	if d.mode == v1alpha1.Shadow && d.scored {
		p.metrics.shadowDecisions.WithLabelValues(p.profile, strconv.FormatBool(d.agrees())).Inc()
	}
	if d.doubt != "" {
		p.metrics.doubtful.WithLabelValues(p.profile, string(d.doubt)).Inc()
	}
	p.metrics.performance.WithLabelValues(p.profile).Observe(d.predicted.Mean)
	p.metrics.placements.WithLabelValues(p.profile).Inc()
	c.reserved = true

	klog.FromContext(ctx).V(2).Info("Reserved by predicted interference", "pod", klog.KObj(pod), "node", klog.KRef("", d.node),
		"class", d.names[c.class], "mode", d.mode, "predicted", d.predicted.Mean, "low", d.predicted.Lo, "high", d.predicted.Hi,
		"measured", d.predicted.Measured, "neighboursLose", d.neighboursLose, "best", d.best.Name, "bestGain", d.best.Score,
		"gain", d.gain, "scored", d.scored, "agrees", d.agrees(), "setting", d.setting, "doubt", d.doubt, "model", d.version, "stale", d.stale)
	p.events.Tell(pod, schedplugin.NodeReference(d.node), v1.EventTypeNormal, eventActionPlace, d.sentence)
}

// warnUnchecked says on the pod that nobody checked the floor it asks for.
func (p *InterferenceFit) warnUnchecked(ctx context.Context, c *cycle, pod *v1.Pod) {
	why := c.unchecked(pod)
	if why == "" {
		return
	}
	klog.FromContext(ctx).V(2).Info("Placed a pod without checking its floor", "pod", klog.KObj(pod), "floor", c.floor, "why", why)
	p.events.Tell(pod, nil, v1.EventTypeWarning, eventActionPlace, func() string { return uncheckedSentence(c.floor, why) })
}

// unchecked says why the pod's floor was not checked, "" if it was.
func (c *cycle) unchecked(pod *v1.Pod) string {
	class := podclass.Name(pod)
	if class == "" {
		class = "(none: the pod has no label and no controller)"
	}
	switch {
	case c.exempt:
		return "DaemonSet and system-critical pods are never rejected"
	case c.Mode == v1alpha1.Off || c.Mode == v1alpha1.Shadow:
		return fmt.Sprintf("mode is %s", c.Mode)
	case c.Known == nil:
		return "there is no usable interference model: " + c.Blind
	case c.class == interference.Unknown:
		return fmt.Sprintf("the interference model has no class %s", class)
	case !c.Known.Trusted(c.class):
		return fmt.Sprintf("class %s was never measured", class)
	}
	return ""
}
