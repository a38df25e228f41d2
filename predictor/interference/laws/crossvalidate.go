package laws

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/laws/crossvalidation"
)

// crossValidate fits ten times without a tenth of the distinct mixes and predicts that tenth. Cells of a class that the rest does not
// hold at all are left out: there is no law to judge.
func (l *laws) crossValidate(observations int) ([]crossvalidation.Class, error) {
	out := make([]crossvalidation.Class, len(l.targets))
	n := min(crossvalidation.Folds, observations)
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
				add(&out[t], s, fold, mean, variance+single)
			}
		}
	}
	return out, nil
}

// add notes a prediction of ln(performance) of the given variance.
func add(h *crossvalidation.Class, s sample, fold int, predicted, variance float64) {
	judge := func(x, weight float64) crossvalidation.Error {
		return crossvalidation.Error{
			Mix: s.mixID, Fold: fold, Truth: math.Exp(x), Predicted: math.Exp(predicted),
			Deviations: math.Abs(x-predicted) / math.Sqrt(variance), Weight: weight,
		}
	}
	h.Cells = append(h.Cells, judge(s.log, s.weight))
	for _, x := range s.repeats {
		h.Single = append(h.Single, judge(x, s.weight/float64(len(s.repeats))))
	}
	for _, x := range s.older {
		h.Older = append(h.Older, judge(x, s.weight/float64(len(s.older))))
	}
}
