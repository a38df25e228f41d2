package interferencefit

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

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

	// scored reports that nodes were compared: best and next are the two with the largest gain. next.name is "" if there was one.
	scored     bool
	best, next rated
	// reserved reports that Reserve counted the pod, for Unreserve.
	reserved bool
}

// rated is a node with its gain in score units.
type rated struct {
	name string
	gain int64
}

var _ fwk.StateData = (*cycle)(nil)

// Clone returns an independent copy. What it points to (the model) is immutable, and nothing depends on the pods of a node:
// Filter and Score read those from the NodeInfo they are given, so preemption needs no AddPod and RemovePod.
func (c *cycle) Clone() fwk.StateData {
	clone := *c
	return &clone
}

// attempt is what the cycle goes by that no queueing event tells of.
func (c *cycle) attempt() attempt { return attempt{c.condition, c.improved} }

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

// systemCriticalPriority is the priority of class system-cluster-critical; the two system classes are the only ones above the
// range that users may define.
const systemCriticalPriority int32 = 2_000_000_000

// Exempt reports whether the pod is never rejected: those of DaemonSets, which belong to one node, and system-critical ones.
func Exempt(pod *v1.Pod) bool {
	return ownedByDaemonSet(pod) || priorityOf(pod) >= systemCriticalPriority
}

// priorityOf is the pod's priority, 0 where admission set none.
func priorityOf(pod *v1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

// begin takes the condition and what matters of the pod for a new cycle. The error is about the pod's annotation; the cycle is
// good all the same.
func (p *InterferenceFit) begin(state fwk.CycleState, pod *v1.Pod) (*cycle, error) {
	c := &cycle{condition: p.assess(), improved: p.improved.Load(), class: interference.Unknown}
	floor, err := floorOf(pod)
	c.floor = floor
	c.exempt, c.priority = Exempt(pod), priorityOf(pod)
	if c.Known != nil {
		c.class = c.Known.class(pod)
	}
	state.Write(stateKey, c)
	return c, err
}

// node observes a node for this cycle.
func (p *InterferenceFit) node(state fwk.CycleState, info fwk.NodeInfo, k *knowledge) *node {
	if state.IsPodGroupSchedulingCycle() {
		return p.cache.observe(info, k, "") // the snapshot changes within such a cycle under one generation
	}
	return p.cache.get(info, k)
}
