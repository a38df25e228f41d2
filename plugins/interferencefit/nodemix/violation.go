package nodemix

import (
	"fmt"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// tolerance is how far below its floor a prediction may lie by rounding: models are stored with six significant digits.
const tolerance = 1e-6

// Whom a violation protects; label values of a metric.
const (
	ProtectsPod      = "pod"
	ProtectsResident = "resident"
)

// Violation is the promise that a pod would break on a node.
type Violation struct {
	// Protects is ProtectsPod, ProtectsResident or "" for none.
	Protects string
	// Class is whose performance it is, Predicted what it would be, Floor what was promised.
	Class            int
	Predicted, Floor float64
}

// Broken reports whether there is one.
func (v Violation) Broken() bool { return v.Protects != "" }

// Reason is what `kubectl describe pod` shows. The scheduler counts nodes by equal reasons, so it names the class and the
// floor, of which there are few, and leaves out the prediction, which differs from node to node (it is in the log at level 6).
func (v Violation) Reason(k *Knowledge) string {
	if v.Protects == ProtectsPod {
		return fmt.Sprintf("node(s) would slow the pod (%s) below its %s %.2f", k.names[v.Class], v1alpha1.MinPerformanceAnnotation, v.Floor)
	}
	return fmt.Sprintf("node(s) where the pod would slow %s below its %s %.2f", k.names[v.Class], v1alpha1.MinPerformanceAnnotation, v.Floor)
}

// Violation returns the first promise that one more pod of the class would break, the pod's own first. Only load of measured
// classes counts, on either side: what was not measured never blocks. A resident that lies below its floor already is not this
// pod's doing, and one of lower priority has no say.
func (n *Node) Violation(class int, floor float64, priority int32) Violation {
	if !n.know.Trusted(class) || (floor == 0 && len(n.floors) == 0) {
		return Violation{}
	}
	var spare [64]interference.Load
	m := n.Setting.Likely
	with := n.trusted.Add(spare[:0], class, 1)
	if floor > 0 {
		if predicted := m.Performance(with, class); predicted < floor-tolerance {
			return Violation{Protects: ProtectsPod, Class: class, Predicted: predicted, Floor: floor}
		}
	}
	for _, promise := range n.floors {
		if promise.here < promise.floor-tolerance || promise.priority < priority {
			continue
		}
		if predicted := m.Performance(with, promise.class); predicted < promise.floor-tolerance {
			return Violation{Protects: ProtectsResident, Class: promise.class, Predicted: predicted, Floor: promise.floor}
		}
	}
	return Violation{}
}
