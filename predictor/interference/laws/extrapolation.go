package laws

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/regression"
)

// leastDrift is the least extrapolation error per unit of load that is believed. Fitted to Metis' mixes of up to 3, 4 or 5
// containers, the law errs by 0.018 to 0.10 a unit on the larger ones, 0.036 in the mean over classes, and the lighter half of
// such data does not show it.
const leastDrift = 0.04

// drift is the standard deviation by which the law of class t errs more for each unit of load beyond what it was fitted on. It is
// measured: the law is fitted to the lighter half of the mixes and asked for the heavier; what its squared errors exceed their
// expectation by is regressed on the squared excess of load.
func (l *laws) drift(t int) (float64, error) {
	var most float64
	for _, s := range l.targets[t] {
		most = math.Max(most, s.mix.Beside(t))
	}
	half := math.Floor(most / 2)
	var light, heavy []sample
	for _, s := range l.targets[t] {
		if s.mix.Beside(t) <= half {
			light = append(light, s)
		} else {
			heavy = append(heavy, s)
		}
	}
	if half == 0 || len(light) < Enough {
		return leastDrift, nil
	}
	rows, y := l.terms.rows(light, t)
	post, err := regression.New(l.terms.kinds(), rows, y).Solve(l.prior, l.posteriors[t].Residual, l.terms.head())
	if err != nil {
		return 0, err
	}
	var product, fourth float64
	for _, s := range heavy {
		mean, variance := post.Predict(l.terms.row(s.mix, t, half))
		e, excess := s.fitted-mean, s.mix.Beside(t)-half
		product += (e*e - variance - post.Residual) * excess * excess
		fourth += excess * excess * excess * excess
	}
	if fourth == 0 {
		return leastDrift, nil
	}
	return math.Max(leastDrift, math.Sqrt(math.Max(product/fourth, 0))), nil
}
