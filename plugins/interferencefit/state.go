package interferencefit

import (
	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/floor"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// stateKey is where the plugin keeps its state of a cycle.
const stateKey fwk.StateKey = "PreFilter" + Name

// cycle is the plugin's state of one scheduling cycle: computed at PreFilter, completed at NormalizeScore, read at Reserve.
type cycle struct {
	condition
	// improved is what of an attempt is not in its condition.
	improved uint64
	// class is the pod's, interference.Unknown if the model has none; floor is what it asks for, 0 for nothing.
	class    int
	floor    float64
	priority int32
	// exempt pods are never rejected: DaemonSets' and system-critical ones.
	exempt bool

	// scored reports that nodes were compared: best and next are the two with the largest gain. next.Name is "" if there was one.
	scored     bool
	best, next fwk.NodeScore
	// reserved reports that Reserve counted the pod, for Unreserve.
	reserved bool
}

var _ fwk.StateData = (*cycle)(nil)

// Clone returns an independent copy. What it points to (the model) is immutable, and nothing depends on the pods of a node:
// Filter and Score read those from the NodeInfo they are given, so preemption needs no AddPod and RemovePod.
func (c *cycle) Clone() fwk.StateData {
	clone := *c
	return &clone
}

// attempt is what an attempt goes by that no queueing event tells of.
type attempt struct {
	condition
	// improved counts the changes of NodeIsolation objects that made a node better.
	improved uint64
}

// attempt is what the cycle goes by that no queueing event tells of.
func (c *cycle) attempt() attempt { return attempt{c.condition, c.improved} }

func readCycle(state fwk.CycleState) (*cycle, error) {
	return schedplugin.ReadState[*cycle](state, stateKey)
}

// begin takes the condition and what matters of the pod for a new cycle. The error is about the pod's annotation; the cycle is
// good all the same.
func (p *InterferenceFit) begin(state fwk.CycleState, pod *v1.Pod) (*cycle, error) {
	c := &cycle{condition: p.assess(), improved: p.improved.Load(), class: interference.Unknown}
	least, err := floor.Of(pod)
	c.floor = least
	c.exempt, c.priority = podclass.Exempt(pod), podclass.Priority(pod)
	if c.Known != nil {
		c.class = c.Known.Class(pod)
	}
	state.Write(stateKey, c)
	return c, err
}

// node observes a node for this cycle.
func (p *InterferenceFit) node(state fwk.CycleState, info fwk.NodeInfo, k *nodemix.Knowledge) *nodemix.Node {
	if state.IsPodGroupSchedulingCycle() {
		return p.cache.Observe(info, k, "") // the snapshot changes within such a cycle under one generation
	}
	return p.cache.Get(info, k)
}
