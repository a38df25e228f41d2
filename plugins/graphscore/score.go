package graphscore

import (
	"context"
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// The scale of scores, in one place: Score returns the loss in millionths of a target, below 0, NormalizeScore takes lossPerPoint of them
// off 100 for every point. So one point is a thousandth of the target.
const (
	lossUnits    = 1_000_000
	lossPerPoint = lossUnits / 1000
	// lossLimit bounds a raw score, so that differences cannot overflow: a thousand targets' worth.
	lossLimit = 1000 * lossUnits
)

// Reasons why one pod is not scored. Like those of a blind profile they are label values of metrics.
const (
	reasonNoObjective = "no_objective" // none that is believed has a stake in it
	// reasonUnknownClass, or why there is no interference model, where no way is longer than another either.
	reasonUnknownClass = "unknown_class"
)

const stateKey fwk.StateKey = "PreScore" + Name

// cycle is the plugin's state of one scheduling cycle.
type cycle struct {
	basis
	mode    v1alpha1.Mode
	version string
	stale   bool
	own     *stake.Stakes
	ways    *stake.Ways
	// class is the pod's, interference.Unknown if the model has none or there is no model.
	class int
	best  fwk.NodeScore
	next  fwk.NodeScore
}

// Clone returns an independent copy; what it points to is immutable.
func (c *cycle) Clone() fwk.StateData {
	clone := *c
	return &clone
}

func readCycle(state fwk.CycleState) (*cycle, error) {
	data, err := state.Read(stateKey)
	if err != nil {
		return nil, fmt.Errorf("reading %q from cycleState: %w", stateKey, err)
	}
	c, ok := data.(*cycle)
	if !ok {
		return nil, fmt.Errorf("reading %q from cycleState: got a %T", stateKey, data)
	}
	return c, nil
}

// PreScore skips the cycle where no objective has a stake in the pod, or where nothing tells nodes apart.
func (p *GraphScore) PreScore(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	c, skip := p.begin(pod)
	if skip != "" {
		p.metrics.skippedPods.WithLabelValues(p.profile, skip).Inc()
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(stateKey, c)
	return nil
}

// begin takes what the cycle decides by, or says why there is nothing to decide.
func (p *GraphScore) begin(pod *v1.Pod) (*cycle, string) {
	condition := p.source.Condition(p.args.Policy(), p.clock.Now())
	if condition.Blind == modelsource.ReasonOff || condition.Blind == modelsource.ReasonNoSwitch {
		return nil, condition.Blind
	}
	now := p.models.current.Load()
	c := &cycle{basis: basis{know: condition.Known, stakes: now}, mode: condition.Mode, version: condition.Version, stale: condition.Stale, class: interference.Unknown}
	if c.own = now.Of(workloadOf(pod)); c.own == nil {
		return nil, reasonNoObjective
	}
	if c.know != nil {
		c.class = c.know.class(interferencefit.ClassName(pod))
	}
	if len(c.own.Links) > 0 {
		c.ways = stake.NewWays(c.own, p.where)
	}
	switch {
	case !c.ways.Empty() || c.class != interference.Unknown:
	case c.know == nil:
		return nil, condition.Blind
	default:
		return nil, reasonUnknownClass
	}
	return c, ""
}

// Score returns what the objectives lose where the pod runs on the node, in millionths of a target, as a number below 0.
func (p *GraphScore) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	c, err := readCycle(state)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return inUnits(p.loss(state, c, info, "").Total()), nil
}

// loss is what is lost on a node, of which the pod except is taken to be off.
func (p *GraphScore) loss(state fwk.CycleState, c *cycle, info fwk.NodeInfo, except types.UID) (l stake.Loss) {
	if c.class != interference.Unknown {
		l = p.node(state, c, info, except).Loss(c.class, c.own.Slowdown)
	}
	if !c.ways.Empty() {
		l.Network = c.ways.Loss(placeOf(info.Node()))
	}
	return l
}

// node is what the residents have at stake. Within a pod-group cycle the snapshot changes under one generation, and holds the pod once it is
// reserved.
func (p *GraphScore) node(state fwk.CycleState, c *cycle, info fwk.NodeInfo, except types.UID) *stake.Node {
	if state.IsPodGroupSchedulingCycle() {
		return p.cache.observe(info, c.basis, except).Node
	}
	return p.cache.get(info, c.basis)
}

func placeOf(node *v1.Node) stake.Place {
	return stake.Place{Node: node.Name, Zone: node.Labels[v1.LabelTopologyZone]}
}

// inUnits rounds a loss to a raw score. What is not a number is the least: it must not make a node best.
func inUnits(lost float64) int64 {
	if math.IsNaN(lost) {
		return -lossLimit
	}
	return -int64(math.Round(min(max(lost*lossUnits, -lossLimit), lossLimit)))
}

// ScoreExtensions returns the plugin itself.
func (p *GraphScore) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore maps losses to 0..100: 100 for the best node, one point less for each thousandth of the target that is lost against it.
// In mode shadow every node gets 0, which changes nothing.
func (p *GraphScore) NormalizeScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	c, err := readCycle(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	c.best, c.next = twoBest(scores)
	for i := range scores {
		if c.mode == v1alpha1.Shadow {
			scores[i].Score = 0
			continue
		}
		lost := c.best.Score - scores[i].Score
		scores[i].Score = max(fwk.MinScore, fwk.MaxScore-(lost+lossPerPoint/2)/lossPerPoint)
	}
	return nil
}

// twoBest returns the nodes with the largest scores, of equal ones the first by name; their Name is "" where there are fewer.
func twoBest(scores fwk.NodeScoreList) (best, next fwk.NodeScore) {
	above := func(a, b fwk.NodeScore) bool {
		return b.Name == "" || a.Score > b.Score || (a.Score == b.Score && a.Name < b.Name)
	}
	for _, s := range scores {
		switch {
		case above(s, best):
			best, next = s, best
		case above(s, next):
			next = s
		}
	}
	return best, next
}
