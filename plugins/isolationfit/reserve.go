package isolationfit

import (
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Events on pods are bounded, over all profiles, to a tenth of what the scheduler's client for events sends by default (50 a second), so
// that with InterferenceFit's and GraphScore's the scheduler's own find room. What is left out stands in the log at level 2.
const (
	podEventsPerSecond = 5
	podEventsAtOnce    = 10
)

// Reserve records the decision: a log line, metrics, and an event on the pod where what agents found on nodes had a part in it. It counts
// nothing: the pod is in the scheduler's cache by now, and thereby among the pods that the next cycle's Filter sees on the node.
func (p *IsolationFit) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodeName string) *fwk.Status {
	c, err := schedplugin.ReadState[*cycle](state, scoreKey)
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
		"own", l.own, "neighbours", l.theirs, "worst", klog.KObj(l.worst), "evidence", l.evidence, "bandwidth", l.taken, "missed", l.missed,
		"best", c.best.Name)
	if len(c.partners) > 0 || l.missed > 0 {
		p.events.Tell(pod, schedplugin.NodeReference(nodeName), v1.EventTypeNormal, "Placing", func() string { return c.sentence(pod, nodeName, l) })
	}
	return nil
}

// Unreserve does nothing: Reserve counts nothing, and the scheduler's cache forgets the pod.
func (p *IsolationFit) Unreserve(context.Context, fwk.CycleState, *v1.Pod, string) {}

// sentence is the event that the pod's owner reads, who need not be one who may see other namespaces: it has nothing of the agents' own
// words, which name pods of any; these stand in the log.
func (c *cycle) sentence(pod *v1.Pod, node string, l loss) string {
	var parts []string
	switch {
	case len(c.partners) == 0:
	case l.worst == nil:
		parts = append(parts, fmt.Sprintf("%s has none of the %d workloads that agents found to disturb this one, or to be disturbed by it",
			node, len(c.partners)))
	default:
		parts = append(parts, fmt.Sprintf("%s costs the pod %.2f and its neighbours %.2f of a container's speed by confirmed interference, most with %s",
			node, l.own, l.theirs, neighbour(pod, l.worst)))
	}
	if l.missed > 0 {
		parts = append(parts, "the agent of "+node+" cannot keep its set-points beside what runs there")
	}
	var b strings.Builder
	if c.mode == v1alpha1.Shadow {
		b.WriteString("shadow, nothing was changed: ")
	}
	b.WriteString(strings.Join(parts, "; "))
	lost := l.total() + float64(c.best.Score)/scale.Units
	switch {
	case c.scored < 2:
		b.WriteString("; no other node was compared")
	case c.best.Name != node && lost > 0.5/scale.Units:
		fmt.Fprintf(&b, "; %s costs %.2f less, but other scores decided", c.best.Name, lost)
	}
	return b.String()
}

// neighbour names a pod to whoever may see another.
func neighbour(to, other *v1.Pod) string {
	if other.Namespace != to.Namespace {
		return "a pod of another namespace"
	}
	return "pod " + other.Name
}

// mostWarned bounds the pods that are remembered: of more with annotations of another form that wait at once, some are told again.
const mostWarned = 10_000

// warning is what a pod was warned of; told says that there is an event, and not the line in the log alone.
type warning struct {
	text string
	told bool
}

// warn says once, in the log and on the pod, what is wrong with its annotations: a pod that waits is tried again and again.
func (p *IsolationFit) warn(ctx context.Context, pod *v1.Pod, problem error) {
	text := strings.ReplaceAll(problem.Error(), "\n", "; ")
	cached, _ := p.warned.Get(pod.UID)
	w, _ := cached.(warning)
	if w.text != text {
		klog.FromContext(ctx).Info("Ignored an annotation", "pod", klog.KObj(pod), "problem", text)
		w = warning{text: text}
	}
	if !w.told { // it stays false where the budget is spent
		p.events.Tell(pod, nil, v1.EventTypeWarning, "Reading", func() string { w.told = true; return text })
	}
	p.warned.Add(pod.UID, w)
}
