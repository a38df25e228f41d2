// Package nodemix says what an interference model predicts on a node as it is: what the node gains by one more pod of a class, and which promised
// performance that pod would break. It reads a node's mix once per change of the node and keeps it ([Cache]).
package nodemix

import (
	"math"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/floor"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Node is what a model says of one node as it is, before the pod at hand. It is immutable but for what it remembers.
type Node struct {
	// What a remembered gain takes comes first, to be in one line of the processor's cache.
	know *Knowledge
	name string
	// epoch is the number of the reports under which report stood.
	epoch atomic.Uint64
	// kept nodes remember their gains: pods come in batches of one class, and change few of the nodes that are scored for each. gains are
	// those asked for so far, by class, as the bits of a float64; 0 where none was. It is nil until the first.
	kept  bool
	gains atomic.Pointer[[interference.MaxClasses]atomic.Uint64]

	// Mix is the load of the node, known its part of classes that the model has, of which values are the values in each possible setting. They
	// share memory where equal.
	Mix, known interference.Mix
	values     []float64
	value      [1]float64 // what values are where there is one, in the node's own memory: it is read with the rest
	// Setting is by which models the node is valued, as the report has it.
	Setting nodesetting.Setting
	report  nodesetting.Report
	// trusted is the part of measured classes, which is all that filters look at; floors are what its pods were promised.
	trusted interference.Mix
	floors  []promise
}

// promise is a floor that a resident carries: the class's performance now and the least it accepts. It binds pods of at most the
// resident's priority: a floor must not keep out what could preempt its owner.
type promise struct {
	class       int
	floor, here float64
	priority    int32
}

// observe reads the node's mix, and its setting by the report on it. The pod with UID except is left out: in a pod-group cycle the snapshot
// already holds it.
func observe(info fwk.NodeInfo, k *Knowledge, report nodesetting.Report, except types.UID) *Node {
	n := &Node{know: k, name: info.Node().Name, report: report, Setting: k.settings.Setting(info.Node(), report)}
	var spare [2][16]interference.Load // most nodes hold fewer classes, and then nothing else is allocated here
	mix, next := interference.Mix(spare[0][:0]), interference.Mix(spare[1][:0])
	for _, pi := range info.GetPods() {
		pod := pi.GetPod()
		if podclass.Background(pod) || (except != "" && pod.UID == except) {
			continue
		}
		class := k.Class(pod)
		mix, next = mix.Add(next, class, 1), mix
		if !k.Trusted(class) {
			continue
		}
		if least, err := floor.Of(pod); err == nil && least > 0 {
			n.floors = append(n.floors, promise{class: class, floor: least, priority: podclass.Priority(pod)})
		}
	}
	n.Mix = append(make(interference.Mix, 0, len(mix)), mix...)
	n.known = without(n.Mix, func(class int) bool { return class == interference.Unknown })
	n.trusted = without(n.known, func(class int) bool { return !k.measured[class] })
	n.values = n.value[:0]
	for _, in := range n.Setting.Possible {
		n.values = append(n.values, in.Value(n.known, nil))
	}
	for i := range n.floors {
		n.floors[i].here = n.Setting.Likely.Performance(n.trusted, n.floors[i].class)
	}
	return n
}

// without returns the mix without the classes to drop; the same slice if there are none.
func without(mix interference.Mix, drop func(class int) bool) interference.Mix {
	for i, l := range mix {
		if !drop(l.Class) {
			continue
		}
		kept := append(make(interference.Mix, 0, len(mix)-1), mix[:i]...)
		for _, l := range mix[i+1:] {
			if !drop(l.Class) {
				kept = append(kept, l)
			}
		}
		return kept
	}
	return mix
}

// Gain is the score before it is scaled: V(mix + pod) - V(mix), in containers' worth of alone-performance. A node that is kept remembers it.
func (n *Node) Gain(class int) float64 {
	if !n.kept || class < 0 {
		return n.computeGain(class)
	}
	gains := n.gains.Load()
	if gains == nil {
		n.gains.CompareAndSwap(nil, new([interference.MaxClasses]atomic.Uint64))
		gains = n.gains.Load()
	}
	if bits := gains[class].Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	gain := n.computeGain(class)
	gains[class].Store(math.Float64bits(gain)) // who comes at the same time stores the same
	return gain
}

// computeGain computes the gain, the least over the settings that the node may be in. It allocates nothing on a node of at most 63 classes.
func (n *Node) computeGain(class int) float64 {
	gain, _ := n.LeastGain(class)
	return gain
}

// LeastGain is the gain with the setting in which it is so.
func (n *Node) LeastGain(class int) (float64, *nodesetting.In) {
	least, worst := n.gainIn(0, class), n.Setting.Possible[0]
	for i := 1; i < len(n.Setting.Possible); i++ {
		if gain := n.gainIn(i, class); gain < least {
			least, worst = gain, n.Setting.Possible[i]
		}
	}
	return least, worst
}

// gainIn is the gain in a possible setting.
//
// Load of no known class lowers only the pod's own performance; the loss of the neighbours is counted as if that load were
// absent. Without this rule, unknown load could make a node look better: it depresses the neighbours first, so that the pod has
// less left to take from them.
func (n *Node) gainIn(possible, class int) float64 {
	var spare [64]interference.Load
	m := n.Setting.Possible[possible]
	with := n.known.Add(spare[:0], class, 1)
	gain := m.Value(with, nil) - n.values[possible]
	if len(n.known) == len(n.Mix) {
		return gain
	}
	gain -= m.Performance(with, class)
	with = n.Mix.Add(spare[:0], class, 1)
	return gain + m.Performance(with, class)
}
