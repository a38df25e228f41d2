package laws

import (
	"math"
)

// folds is how often the fit is repeated without a part of the mixes.
const folds = 10

// judged is one measurement of one class in a mix that the law which predicts it never saw.
type judged struct {
	mix, fold        int
	truth, predicted float64 // performance
	deviations       float64 // |error of ln| over its predicted standard deviation
	weight           float64
}

// heldOut are the errors of one class.
type heldOut struct {
	cells  []judged // the mean measurement of each cell
	single []judged // each measurement that stands
	older  []judged // each of another campaign
}

// crossValidate fits ten times without a tenth of the distinct mixes and predicts that tenth. Cells of a class that the rest does not
// hold at all are left out: there is no law to judge.
func (l *laws) crossValidate(observations int) ([]heldOut, error) {
	out := make([]heldOut, len(l.targets))
	n := min(folds, observations)
	if n < 2 {
		return out, nil
	}
	for fold := range n {
		held, rest := make([][]sample, len(l.targets)), make([][]sample, len(l.targets))
		for t, samples := range l.targets {
			for _, s := range samples {
				if s.mixID%n == fold {
					held[t] = append(held[t], s)
				} else {
					rest[t] = append(rest[t], s)
				}
			}
		}
		other, err := l.without(held, rest)
		if err != nil {
			return nil, err
		}
		for t, samples := range held {
			if other.posteriors[t] == nil {
				continue
			}
			most, single := heaviestBeside(l.targets[t], t), l.single(t)
			for _, s := range samples {
				mean, variance := other.posteriors[t].Predict(other.terms.row(s.mix, t, most))
				out[t].add(s, fold, mean, variance+single)
			}
		}
	}
	return out, nil
}

// add notes a prediction of ln(performance) of the given variance.
func (h *heldOut) add(s sample, fold int, predicted, variance float64) {
	judge := func(x, weight float64) judged {
		return judged{s.mixID, fold, math.Exp(x), math.Exp(predicted), math.Abs(x-predicted) / math.Sqrt(variance), weight}
	}
	h.cells = append(h.cells, judge(s.log, s.weight))
	for _, x := range s.repeats {
		h.single = append(h.single, judge(x, s.weight/float64(len(s.repeats))))
	}
	for _, x := range s.older {
		h.older = append(h.older, judge(x, s.weight/float64(len(s.older))))
	}
}
