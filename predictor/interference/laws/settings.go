package laws

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// Setting is a machine shape or a partitioning of the node other than the one the laws were fitted in. It differs in one number a class:
// how many neighbours of the fitted setting one neighbour weighs on it.
type Setting struct {
	Name string `json:"name"`
	// Pressure is by class: below 1 on a larger machine or behind a partition, above 1 on a smaller one.
	Pressure []float64 `json:"pressure"`
	// Cells is the number of (mix, class) pairs behind them.
	Cells int `json:"cells"`
}

// Pressures are sought on a grid, and believed to lie around the setting's common one, which lies around 1.
const (
	leastPressure, mostPressure, pressureStep = 0.01, 3.0, 0.01
	commonSpread, ownSpread                   = 0.5, 0.2 // standard deviations
)

// settings finds the pressures of each other setting under the fitted laws: first what is common to all classes (a machine's shape), then
// what a class has of its own (its partition).
func (l *laws) settings(observations []mixes.Observation) []Setting {
	by := map[string][]mixes.Observation{}
	var names []string
	for _, o := range observations {
		if _, ok := by[o.Setting]; !ok {
			names = append(names, o.Setting)
		}
		by[o.Setting] = append(by[o.Setting], o)
	}
	slices.Sort(names)
	var out []Setting
	for _, name := range names {
		s := Setting{Name: name, Pressure: make([]float64, len(l.targets))}
		curves := make([][]float64, len(l.targets))
		all := make([]float64, gridSize)
		for t, samples := range targets(by[name], nil, len(l.targets)) {
			s.Cells += len(samples)
			curves[t] = l.misfits(samples, t)
			for i, x := range curves[t] {
				all[i] += x
			}
		}
		common := lowest(all, 1, commonSpread)
		for t := range s.Pressure {
			s.Pressure[t] = Significant(lowest(curves[t], common, ownSpread))
		}
		out = append(out, s)
	}
	return out
}

const gridSize = 300 // (mostPressure - leastPressure)/pressureStep + 1

// misfits are half the squared errors over the residual variance at each pressure of the grid.
func (l *laws) misfits(samples []sample, t int) []float64 {
	out := make([]float64, gridSize)
	most := heaviestBeside(l.targets[t], t)
	for _, s := range samples {
		for i := range out {
			mean, _ := l.posteriors[t].Predict(l.terms.row(weigh(s.mix, t, leastPressure+float64(i)*pressureStep), t, most))
			out[i] += (s.log - mean) * (s.log - mean) / (2 * l.posteriors[t].Residual)
		}
	}
	return out
}

// weigh is the mix as if every neighbour of one container of class t were pressure neighbours.
func weigh(mix mixes.Mix, t int, pressure float64) mixes.Mix {
	out := slices.Clone(mix)
	for k, l := range out {
		if beside := l.Neighbours(t); beside > 0 {
			out[k].Units = l.Units - beside + beside*pressure
		}
	}
	return out
}

// lowest is the pressure of the least misfit under a normal prior.
func lowest(misfits []float64, mean, spread float64) float64 {
	best, at := math.Inf(1), mean
	for i, x := range misfits {
		p := leastPressure + float64(i)*pressureStep
		if x += (p - mean) * (p - mean) / (2 * spread * spread); x < best {
			best, at = x, p
		}
	}
	return at
}
