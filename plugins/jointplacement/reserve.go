package jointplacement

import (
	"context"
	"fmt"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/cluster"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// What the plugin's events carry.
const (
	eventReason      = "JointPlacement"
	eventActionPlace = "Placing"
	eventActionHold  = "Holding"
	eventActionRead  = "ReadingAnnotation"
)

// Reserve compares where the pod goes with its plan. It reserves nothing and never fails: the plan is advice, and kube-scheduler's
// filters had the last word.
func (p *JointPlacement) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, node string) *fwk.Status {
	p.leads.Store(true)
	if state.IsPodGroupSchedulingCycle() {
		return nil // a rehearsal: the pod comes again
	}
	p.ledger.Put(pod, node, cluster.Assumed)
	batch, place, ok := p.waiting.Reserve(pod.UID, node)
	if !ok {
		return nil
	}
	honoured := place.Node == node
	p.metrics.placements.WithLabelValues(p.profile, strconv.FormatBool(honoured)).Inc()
	klog.FromContext(ctx).V(2).Info("Reserved a planned pod", "pod", klog.KObj(pod), "node", klog.KRef("", node),
		"planned", klog.KRef("", place.Node), "honoured", honoured, "predicted", place.Predicted)
	p.events.Tell(pod, schedplugin.NodeReference(node), v1.EventTypeNormal, eventActionPlace, func() string { return sentence(batch, place, node) })
	return nil
}

// Unreserve takes back what Reserve noted. The pod is tried again, with its nomination if that still stands.
func (p *JointPlacement) Unreserve(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ string) {
	p.ledger.Take(pod.UID, cluster.Assumed)
	if live, err := p.pods.Pods(pod.Namespace).Get(pod.Name); err == nil && live.UID == pod.UID {
		p.ledger.See(live)
	}
	p.waiting.Unreserve(pod.UID)
}

// sentence is the event that an operator reads. An event holds 1,024 characters; a name takes 253, of namespace and name of up to three
// groups and two nodes, in the worst case: then the names of groups are cut.
func sentence(b hold.Batch, at hold.Place, node string) string {
	const most = 400
	groups := b.Groups
	if len(groups) > most {
		groups = groups[:most] + "..."
	}
	what := fmt.Sprintf("planned with %d pods (%s) on node %s", b.Pods, groups, at.Node)
	if at.Node != node {
		return fmt.Sprintf("%s, which did not take it (a filter or a change of the cluster): placed on %s by the scheduler; model %s",
			what, node, b.Model)
	}
	return fmt.Sprintf("%s, predicted %.2f of its speed alone; of the plan: %s; model %s", what, at.Predicted, b.Sentence, b.Model)
}
