package isolationfit

import (
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Events on pods are bounded, over all profiles, to a tenth of what the scheduler's client for events sends by default (50 a second), so
// that with InterferenceFit's and GraphScore's the scheduler's own find room. What is left out stands in the log at level 2.
const (
	podEventsPerSecond = 5
	podEventsAtOnce    = 10
)

// Reserve records the decision: a log line, metrics, and an event on the pod where a confirmed pair had a part in it.
func (p *IsolationFit) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodeName string) *fwk.Status {
	c, err := readCycle(state)
	if err != nil {
		return nil // the pod was not scored
	}
	info, err := p.snapshot.NodeInfos().Get(nodeName)
	if err != nil {
		return nil // a record is no reason to reject the pod
	}
	l := c.loss(info, pod.UID)
	p.metrics.decisions.WithLabelValues(p.profile, string(c.mode)).Inc()
	klog.FromContext(ctx).V(2).Info("Reserved by the reports of nodes' agents", "pod", klog.KObj(pod), "node", klog.KRef("", nodeName), "mode", c.mode,
		"own", l.own, "neighbours", l.theirs, "bandwidth", l.taken, "best", c.best.Name)
	if len(c.partners) > 0 {
		p.tell(pod, &v1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: nodeName}, v1.EventTypeNormal, "Placing", c.sentence(nodeName, l))
	}
	return nil
}

// Unreserve does nothing: Reserve counts nothing.
func (p *IsolationFit) Unreserve(context.Context, fwk.CycleState, *v1.Pod, string) {}

// sentence is the event that an operator reads.
func (c *cycle) sentence(node string, l loss) string {
	var b strings.Builder
	if c.mode == v1alpha1.Shadow {
		b.WriteString("shadow, nothing was changed: ")
	}
	if l.own+l.theirs == 0 {
		fmt.Fprintf(&b, "%s has none of the %d workloads that agents found to disturb this one, or to be disturbed by it", node, len(c.partners))
	} else {
		fmt.Fprintf(&b, "%s costs the pod %.2f and its neighbours %.2f of a container's speed by confirmed interference (%s)", node, l.own, l.theirs, l.evidence)
	}
	lost := l.total() + float64(c.best.Score)/lossUnits
	switch {
	case c.scored < 2:
		b.WriteString("; no other node was compared")
	case c.best.Name != node && lost > 0.5/lossUnits:
		fmt.Fprintf(&b, "; %s costs %.2f less, but other scores decided", c.best.Name, lost)
	}
	return b.String()
}

// tell puts an event on a pod, within the budget.
func (p *IsolationFit) tell(pod *v1.Pod, related runtime.Object, kind, action, sentence string) {
	if !p.eventBudget.TryAccept() {
		p.metrics.eventsDropped.WithLabelValues(p.profile).Inc()
		return
	}
	p.events.Eventf(pod, related, kind, Name, action, "%s", sentence)
}
