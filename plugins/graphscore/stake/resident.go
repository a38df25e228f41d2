package stake

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Resident is a pod on a node: its class, interference.Unknown if the model has none, and what is lost per unit of ln(slowdown) of it, 0
// where it is under no objective.
type Resident struct {
	Class    int
	Slowdown float64
	// Model is the objective with the largest part in it, nil for none.
	Model *Model
}

// Node is what a node's residents have at stake. It does not change.
type Node struct {
	// models are those of the settings that the node may be in.
	models []*interference.Model
	// mix is the load of the node, known the part of classes that the models have.
	mix, known interference.Mix
	// at are the classes of residents with a stake.
	at []atStake
}

// atStake is a class on a node: what its residents have at stake together, the objective with the largest part, and ln(performance) of each
// as the node is, by model.
type atStake struct {
	class    int
	slowdown float64
	model    *Model
	logs     []float64
}

// Loss is what is lost on a node, in shares of the target: by the pod's own speed, by that of the residents, and on the network.
type Loss struct{ Own, Neighbours, Network float64 }

// Total is the sum.
func (l Loss) Total() float64 { return l.Own + l.Neighbours + l.Network }

// NewNode adds up the residents of a node. models are those of the settings that it may be in, at least one, all of the same classes.
func NewNode(models []*interference.Model, residents []Resident) *Node {
	n := &Node{models: models}
	var stakes [interference.MaxClasses]Resident
	for _, r := range residents {
		n.mix = n.mix.Add(nil, r.Class, 1)
		if r.Class == interference.Unknown {
			continue
		}
		n.known = n.known.Add(nil, r.Class, 1)
		s := &stakes[r.Class]
		if s.Model == nil {
			s.Model = r.Model
		}
		s.Slowdown += r.Slowdown
	}
	for _, l := range n.known {
		s := &stakes[l.Class]
		if !(s.Slowdown > 0) {
			continue
		}
		at := atStake{class: l.Class, slowdown: s.Slowdown, model: s.Model}
		for _, m := range models {
			at.logs = append(at.logs, logOf(m.Performance(n.known, l.Class)))
		}
		n.at = append(n.at, at)
	}
	return n
}

// Loss is what is lost where a pod of a known class comes to the node: by its own slowdown, of which slowdown is lost per unit of its
// logarithm, and by that of the residents; where the node may be in several settings, the most. It allocates nothing on a node of at most 63
// classes.
func (n *Node) Loss(class int, slowdown float64) Loss {
	most := n.lossIn(0, class, slowdown)
	for i := 1; i < len(n.models); i++ {
		if l := n.lossIn(i, class, slowdown); l.Total() > most.Total() {
			most = l
		}
	}
	return most
}

func (n *Node) lossIn(i, class int, slowdown float64) (l Loss) {
	var spare [64]interference.Load
	if slowdown > 0 {
		l.Own = -slowdown * logOf(n.models[i].Performance(n.mix.Add(spare[:0], class, 1), class))
	}
	if len(n.at) == 0 {
		return l
	}
	with := n.known.Add(spare[:0], class, 1)
	for j := range n.at {
		r := &n.at[j]
		l.Neighbours += r.slowdown * (r.logs[i] - logOf(n.models[i].Performance(with, r.class)))
	}
	return l
}

// MostAffected is the objective of the residents that lose most by a pod of a class, nil where none loses.
func (n *Node) MostAffected(class int) *Model {
	with := n.known.Add(nil, class, 1)
	var most float64
	var whose *Model
	for j := range n.at {
		r := &n.at[j]
		if lost := r.slowdown * (r.logs[0] - logOf(n.models[0].Performance(with, r.class))); lost > most {
			most, whose = lost, r.model
		}
	}
	return whose
}

// Predict returns the performance of a pod of a class if it came to the node, in its likeliest setting, with its interval.
func (n *Node) Predict(class int) interference.Prediction {
	return n.models[0].Predict(n.mix.Add(nil, class, 1), class)
}

// leastPerformance keeps logarithms finite: a container that does nothing at all is as bad as one at a thousandth of its speed.
const leastPerformance = 1e-3

func logOf(performance float64) float64 { return math.Log(max(performance, leastPerformance)) }
