package interferencefit

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// scale is that of scores: Score returns the gain in 1/10,000 of a container's alone-performance, and one point is 0.01 of a container. The limit
// is a million containers' worth.
var scale = schedplugin.Scale{Units: 10_000, PerPoint: 100, Limit: 1e10}

// PreScore skips the cycle, which leaves the pod to the stock plugins, where the model has nothing to say about it.
func (p *InterferenceFit) PreScore(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	c, err := readCycle(state)
	if err != nil {
		// A profile may enable the plugin for scoring only; a broken annotation matters to filters alone.
		c, _ = p.begin(state, pod)
	}
	if reason := c.skips(pod); reason != "" {
		p.metrics.skippedPods.WithLabelValues(p.profile, reason).Inc()
		return fwk.NewStatus(fwk.Skip)
	}
	return nil
}

// skips says why the pod is not scored, "" if it is.
func (c *cycle) skips(pod *v1.Pod) string {
	switch {
	case c.Known == nil:
		return c.Blind
	case podclass.OfDaemonSet(pod):
		return reasonDaemonSet
	case c.class == interference.Unknown:
		return reasonUnknownClass
	}
	return ""
}

// Score returns the gain of placing the pod on the node, in 1/10,000 of a container's alone-performance.
func (p *InterferenceFit) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	c, err := readCycle(state)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	n := p.node(state, info, c.Known)
	if c.Mode == v1alpha1.Shadow && !c.exempt && n.Violation(c.class, c.floor, c.priority).Broken() {
		return -scale.Limit, nil // Filter would have rejected it: never the best of a shadow decision
	}
	return scale.Raw(n.Gain(c.class)), nil
}

// ScoreExtensions returns the plugin itself.
func (p *InterferenceFit) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore maps gains to 0..100: 100 for the best node, one point less for each 0.01 of a container's alone-performance
// that a node loses against it, at least 0. In mode shadow every node gets 0, which changes nothing.
func (p *InterferenceFit) NormalizeScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	c, err := readCycle(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	c.best, c.next = scale.Normalize(scores, c.Mode == v1alpha1.Shadow)
	c.scored = len(scores) > 0
	return nil
}
