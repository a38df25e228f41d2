package plan

import "github.com/ballast-k8s/ballast/predictor/interference"

// worth values patterns of new pods on a node that holds a mix already. It keeps buffers, so that a value costs no memory: it is not
// safe for concurrent use.
type worth struct {
	model *interference.Model
	kinds []Kind
	// present is the node's mix, known its part of classes that the model has, valued base.
	present, known interference.Mix
	base           float64

	with, spare interference.Mix
}

func newWorth(m *interference.Model, kinds []Kind, present interference.Mix) *worth {
	w := &worth{model: m, kinds: kinds, present: present}
	for _, l := range present {
		if l.Class != interference.Unknown {
			w.known = append(w.known, l)
		}
	}
	w.base = m.Value(w.known, nil)
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

// gain is V(present + counts) - V(present). Load of no known class lowers the performance of the new pods only: what it does to the
// others would otherwise make its node look better, as there is less left to take from them.
func (w *worth) gain(counts []int) float64 {
	with := w.beside(w.known, counts)
	gain := w.model.Value(with, nil) - w.base
	if len(w.known) == len(w.present) {
		return gain
	}
	for k, n := range counts {
		if n > 0 {
			gain -= float64(n) * w.model.Performance(with, w.kinds[k].Class)
		}
	}
	with = w.beside(w.present, counts)
	for k, n := range counts {
		if n > 0 {
			gain += float64(n) * w.model.Performance(with, w.kinds[k].Class)
		}
	}
	return gain
}

// performance is the predicted performance of a pod of each kind in a pattern, 0 where there is none.
func (w *worth) performance(counts []int) []float64 {
	with := w.beside(w.present, counts)
	out := make([]float64, len(w.kinds))
	for k, n := range counts {
		if n > 0 {
			out[k] = w.model.Performance(with, w.kinds[k].Class)
		}
	}
	return out
}

// upper bounds what one pod of each kind can gain: its own performance lies below the most that the model ever says of its class, and
// so do those of the pods that are there, which new neighbours may help.
func (w *worth) upper() []float64 {
	classes := w.model.Document().Classes
	help := 0.0
	for _, l := range w.known {
		help += l.Units * max(0, classes[l.Class].Max-w.model.Performance(w.known, l.Class))
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
			gain += newWorth(in.Model, in.Kinds, n.Present).gain(counts)
		}
	}
	return gain
}
