package plan

import (
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// worth values patterns of new pods on a node that holds a mix already, in a setting or one of several. It keeps buffers, so that a value costs no memory: it is not
// safe for concurrent use.
type worth struct {
	// models are of the settings that the node may be in.
	models []*interference.Model
	kinds  []Kind
	// present is the node's mix, known its part of classes that the model has, valued bases under each model.
	present, known interference.Mix
	bases          []float64

	// constraints are the soft ones, nil without; profiles is how many pods of each profile are there, which cost what they do now.
	constraints *constraints.Set
	profiles    []int
	cost        float64

	counted     []int
	with, spare interference.Mix
}

func newWorth(in Input, n Node) *worth {
	w := &worth{models: n.Models, kinds: in.Kinds, present: n.Present}
	if len(w.models) == 0 {
		w.models = []*interference.Model{in.Model}
	}
	for _, l := range w.present {
		if l.Class != interference.Unknown {
			w.known = append(w.known, l)
		}
	}
	if in.Constraints != nil {
		w.constraints, w.profiles = in.Constraints, n.Profiles
		if w.profiles == nil {
			w.profiles = make([]int, in.Constraints.Classes())
		}
		w.cost = w.constraints.Cost(constraints.Node, w.profiles)
	}
	for _, m := range w.models {
		w.bases = append(w.bases, m.Value(w.known, nil))
	}
	return w
}

// beside is the mix with the pods of counts added, valid until the next call.
func (w *worth) beside(mix interference.Mix, counts []int) interference.Mix {
	w.with = append(w.with[:0], mix...)
	for k, n := range counts {
		if n > 0 {
			w.spare = w.with.Add(w.spare, w.kinds[k].Class, float64(n))
			w.with, w.spare = w.spare, w.with
		}
	}
	return w.with
}

// gain is V(present + counts) - V(present), the least under any of the models, less what that costs under the constraints.
func (w *worth) gain(counts []int) float64 {
	least, _ := w.leastGain(counts)
	return least - w.extra(counts)
}

// extra is what the node costs more under the constraints with the pods of counts; less than 0 where they are wanted there.
func (w *worth) extra(counts []int) float64 {
	if w.constraints == nil {
		return 0
	}
	return w.constraints.Cost(constraints.Node, w.profilesWith(counts)) - w.cost
}

// broken adds up by constraint what the nodes of an assignment do not keep.
func (w *worth) broken(a configlp.Assignment, sum map[int]float64) {
	if w.constraints == nil {
		return
	}
	for _, b := range w.constraints.Broken(constraints.Node, w.profilesWith(a.Counts)) {
		sum[b.Constraint] += float64(a.Nodes) * b.Cost
	}
}

// profilesWith is how many pods of each profile the node has with those of counts, valid until the next call.
func (w *worth) profilesWith(counts []int) []int {
	w.counted = append(w.counted[:0], w.profiles...)
	for k, n := range counts {
		w.counted[w.kinds[k].Profile] += n
	}
	return w.counted
}

// leastGain is the gain with the model under which it is so.
func (w *worth) leastGain(counts []int) (float64, *interference.Model) {
	least, worst := w.gainUnder(0, counts), w.models[0]
	for i := 1; i < len(w.models); i++ {
		if gain := w.gainUnder(i, counts); gain < least {
			least, worst = gain, w.models[i]
		}
	}
	return least, worst
}

// gainUnder is the gain under one of the models. Load of no known class lowers the performance of the new pods only: what it does to the
// others would otherwise make its node look better, as there is less left to take from them.
func (w *worth) gainUnder(i int, counts []int) float64 {
	m := w.models[i]
	with := w.beside(w.known, counts)
	gain := m.Value(with, nil) - w.bases[i]
	if len(w.known) == len(w.present) {
		return gain
	}
	for k, n := range counts {
		if n > 0 {
			gain -= float64(n) * m.Performance(with, w.kinds[k].Class)
		}
	}
	with = w.beside(w.present, counts)
	for k, n := range counts {
		if n > 0 {
			gain += float64(n) * m.Performance(with, w.kinds[k].Class)
		}
	}
	return gain
}

// performance is the predicted performance of a pod of each kind in a pattern, 0 where there is none.
func (w *worth) performance(counts []int) []float64 {
	_, m := w.leastGain(counts)
	with := w.beside(w.present, counts)
	out := make([]float64, len(w.kinds))
	for k, n := range counts {
		if n > 0 {
			out[k] = m.Performance(with, w.kinds[k].Class)
		}
	}
	return out
}

// upper bounds what one pod of each kind can gain: its own performance lies below the most that the model ever says of its class, and
// so do those of the pods that are there, which new neighbours may help. At most all that the constraints cost now can be saved.
func (w *worth) upper() []float64 {
	m := w.models[0] // the least is at most what any of them says
	classes := m.Document().Classes
	help := w.cost
	for _, l := range w.known {
		help += l.Units * max(0, classes[l.Class].Max-m.Performance(w.known, l.Class))
	}
	out := make([]float64, len(w.kinds))
	for k, kind := range w.kinds {
		out[k] = classes[kind.Class].Max + help
	}
	return out
}

// Gain is what the placement of pods on nodes gains, by name: the scale of Plan.Gain. Pods and nodes that the input does not have count
// for nothing. It is for comparing what was planned with what was done.
func Gain(in Input, at map[string]string) float64 {
	patterns := map[string][]int{}
	for k, kind := range in.Kinds {
		for _, pod := range kind.Pods {
			node, ok := at[pod]
			if !ok {
				continue
			}
			if patterns[node] == nil {
				patterns[node] = make([]int, len(in.Kinds))
			}
			patterns[node][k]++
		}
	}
	gain := 0.0
	for _, n := range in.Nodes { // in the order of the input, so that equal inputs give equal sums
		if counts := patterns[n.Name]; counts != nil {
			gain += newWorth(in, n).gain(counts)
		}
	}
	return gain
}
