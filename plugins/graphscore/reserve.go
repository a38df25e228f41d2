package graphscore

import (
	"context"
	"fmt"
	"math"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Events on pods are bounded, over all profiles, to a quarter of what the scheduler's client for events sends by default (50 a second): the
// scheduler's own have one for each pod, and InterferenceFit's take half. What is left out stands in the log at level 2.
const (
	podEventsPerSecond = 12
	podEventsAtOnce    = 25
)

// Reserve records the decision: a log line, an event on the pod, metrics; and counts the pod where it will run, for the ways of others.
func (p *GraphScore) Reserve(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodeName string) *fwk.Status {
	p.places.reserve(pod, nodeName)
	c, err := schedplugin.ReadState[*cycle](state, stateKey)
	if err != nil {
		return nil // the pod was not scored
	}
	info, err := p.snapshot.NodeInfos().Get(nodeName)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Cannot record a decision", "pod", klog.KObj(pod), "node", klog.KRef("", nodeName))
		return nil // a record is no reason to reject the pod
	}
	d := p.decide(state, c, info, pod)
	p.metrics.decisions.WithLabelValues(p.profile, string(c.mode)).Inc()
	p.metrics.loss.WithLabelValues(p.profile).Observe(max(0, d.Total()))
	klog.FromContext(ctx).V(2).Info("Reserved by effect on latency objectives", "pod", klog.KObj(pod), "node", klog.KRef("", nodeName),
		"mode", c.mode, "own", d.Own, "neighbours", d.Neighbours, "network", d.Network, "best", c.best.Name, "next", c.next.Name, "model", c.version,
		"stale", c.stale)
	p.events.Tell(pod, schedplugin.NodeReference(nodeName), v1.EventTypeNormal, "Placing", d.sentence)
	return nil
}

// decide states the decision for a node.
func (p *GraphScore) decide(state fwk.CycleState, c *cycle, info fwk.NodeInfo, pod *v1.Pod) decision {
	d := decision{mode: c.mode, stale: c.stale, node: info.Node().Name, Loss: p.loss(state, c, info, pod.UID), best: c.best, next: c.next}
	if len(c.own.Parts) > 0 {
		d.own = c.own.Parts[0].Model
	}
	if c.class != interference.Unknown {
		n := p.node(state, c, info, pod.UID)
		d.predicted, d.theirs = n.Predict(c.class), n.MostAffected(c.class)
	}
	return d
}

// Unreserve takes back where the pod is counted.
func (p *GraphScore) Unreserve(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ string) {
	p.places.unreserve(pod)
}

// decision is what is known of a pod's node when it is reserved.
type decision struct {
	mode  v1alpha1.Mode
	stale bool
	node  string
	stake.Loss
	// own is the objective with the largest part in the pod, theirs that of the neighbours that lose most.
	own, theirs *stake.Model
	predicted   interference.Prediction
	best, next  fwk.NodeScore
}

// sentence is the event that an operator reads.
func (d decision) sentence() string {
	var b strings.Builder
	if d.mode == v1alpha1.Shadow {
		b.WriteString("shadow, nothing was changed: ")
	}
	fmt.Fprintf(&b, "%s: ", d.node)
	if percent(d.Total()) < 0 {
		fmt.Fprintf(&b, "wins latency objectives %.1f %% of their target", percent(-d.Total()))
	} else {
		fmt.Fprintf(&b, "costs latency objectives %.1f %% of their target", percent(d.Total()))
	}
	var parts []string
	if d.predicted.Mean > 0 {
		parts = append(parts, fmt.Sprintf("%.1f%s by its own speed of %.2f (%.2f to %.2f)", percent(d.Own), named(d.own), d.predicted.Mean, d.predicted.Lo, d.predicted.Hi))
	}
	if percent(d.Neighbours) != 0 {
		parts = append(parts, fmt.Sprintf("%.1f%s by its neighbours'", percent(d.Neighbours), named(d.theirs)))
	}
	if percent(d.Network) != 0 {
		parts = append(parts, fmt.Sprintf("%.1f on the network", percent(d.Network)))
	}
	if len(parts) > 0 {
		b.WriteString(": " + strings.Join(parts, ", "))
	}
	b.WriteString(d.comparison())
	if d.stale {
		b.WriteString("; by a stale interference model (staleModelPolicy FallBack)")
	}
	return b.String()
}

// percent is rounded to what is shown, without a sign before 0.
func percent(share float64) float64 { return math.Round(1000*share)/10 + 0 }

// named says whose target a part is of.
func named(m *stake.Model) string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf(" (%s/%s, p%g within %g ms)", m.Namespace, m.Name, m.Percentile, 1000*m.Target)
}

// comparison says what the alternative was.
func (d decision) comparison() string {
	apart := func(from, to int64) float64 { return percent(float64(from-to) / scale.Units) }
	switch here := scale.Raw(-d.Total()); {
	case d.best.Name == "" || d.next.Name == "" && d.best.Name == d.node:
		return "; no other node was compared"
	case apart(d.best.Score, here) > 0:
		return fmt.Sprintf("; %s costs %.1f less, but other scores decided", d.best.Name, apart(d.best.Score, here))
	case d.node != d.best.Name:
		return fmt.Sprintf("; %s is as good", d.best.Name)
	case apart(here, d.next.Score) > 0:
		return fmt.Sprintf("; next best %s costs %.1f more", d.next.Name, apart(here, d.next.Score))
	default:
		return fmt.Sprintf("; %s is as good", d.next.Name)
	}
}
