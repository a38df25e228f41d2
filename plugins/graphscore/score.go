package graphscore

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// scale is that of scores: Score returns the loss in millionths of a target, below 0, and one point is a thousandth of the target. The limit is
// a thousand targets' worth.
var scale = schedplugin.Scale{Units: 1e6, PerPoint: 1000, Limit: 1e9}

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
		c.class = c.know.class(podclass.Name(pod))
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
	c, err := schedplugin.ReadState[*cycle](state, stateKey)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return scale.Raw(-p.loss(state, c, info, "").Total()), nil
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

// ScoreExtensions returns the plugin itself.
func (p *GraphScore) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore maps losses to 0..100: 100 for the best node, one point less for each thousandth of the target that is lost against it.
// In mode shadow every node gets 0, which changes nothing.
func (p *GraphScore) NormalizeScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	c, err := schedplugin.ReadState[*cycle](state, stateKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	c.best, c.next = scale.Normalize(scores, c.mode == v1alpha1.Shadow)
	return nil
}
