package interferencefit

import (
	"context"
	"math"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// The scale of scores, in one place: Score returns the gain in units of 1/gainUnits of a container's alone-performance,
// NormalizeScore takes gainPerPoint of them off 100 for every point. So one point is 0.01 of a container.
const (
	gainUnits    = 10_000
	gainPerPoint = gainUnits / 100
	// gainLimit bounds a raw score, so that differences cannot overflow: a million containers' worth.
	gainLimit = 1_000_000 * gainUnits
)

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
	case ownedByDaemonSet(pod):
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
	if c.Mode == v1alpha1.Shadow && !c.exempt && n.violation(c.class, c.floor, c.priority).broken() {
		return -gainLimit, nil // Filter would have rejected it: never the best of a shadow decision
	}
	return inUnits(n.gain(c.class)), nil
}

// inUnits rounds a gain to score units. What is not a number is the least: it must not make a node best.
func inUnits(gain float64) int64 {
	if math.IsNaN(gain) {
		return -gainLimit
	}
	return int64(math.Round(min(max(gain*gainUnits, -gainLimit), gainLimit)))
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
	c.best, c.next = twoBest(scores)
	c.scored = len(scores) > 0
	for i := range scores {
		if c.Mode == v1alpha1.Shadow {
			scores[i].Score = 0
			continue
		}
		scores[i].Score = points(c.best.gain - scores[i].Score)
	}
	return nil
}

// points is the score of a node that loses so many units against the best.
func points(lost int64) int64 {
	return max(fwk.MinScore, fwk.MaxScore-(lost+gainPerPoint/2)/gainPerPoint)
}

// twoBest returns the nodes with the largest gains; of equal ones the first by name.
func twoBest(scores fwk.NodeScoreList) (best, next rated) {
	for _, s := range scores {
		r := rated{name: s.Name, gain: s.Score}
		switch {
		case best.name == "" || r.above(best):
			best, next = r, best
		case next.name == "" || r.above(next):
			next = r
		}
	}
	return best, next
}

func (r rated) above(other rated) bool {
	return r.gain > other.gain || (r.gain == other.gain && r.name < other.name)
}
