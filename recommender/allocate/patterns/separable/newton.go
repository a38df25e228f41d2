package separable

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// newton is the change of the multipliers by Newton's method for sum = bound of the constraints that are not settled. The matrix is kept
// regular by a small part of its diagonal where two constraints say the same, or all their services stand at bounds.
func (s *Problem) newton() []float64 {
	const ridge = 1e-9
	s.pull()
	var open []int
	for k := range s.Multipliers {
		if s.over(k) != 0 {
			open = append(open, k)
		}
	}
	matrix, right := mat.NewSymDense(len(open), nil), mat.NewVecDense(len(open), nil)
	for a, k := range open {
		right.SetVec(a, s.sum(k)*s.over(k))
		for b, l := range open[:a] {
			matrix.SetSym(a, b, s.curvature(k, l))
		}
		matrix.SetSym(a, a, (1+ridge)*s.own(k))
	}
	var factors mat.Cholesky
	var step mat.VecDense
	if !factors.Factorize(matrix) || factors.SolveVecTo(&step, right) != nil {
		return s.alone()
	}
	way := make([]float64, len(s.Multipliers))
	for a, k := range open {
		way[k] = step.AtVec(a)
	}
	return way
}

// alone is the change by Newton's method of each multiplier by itself.
func (s *Problem) alone() []float64 {
	way := make([]float64, len(s.Multipliers))
	for k := range way {
		if over := s.over(k); over != 0 {
			way[k] = s.sum(k) * over / s.own(k)
		}
	}
	return way
}

// pull sets pulls.
func (s *Problem) pull() {
	derivatives := make([]float64, len(s.columns))
	for c, column := range s.columns {
		if gain := s.gains[column.Service]; gain > 0 {
			derivatives[c] = column.Slope(s.Cores[column.Service]) * math.Sqrt(gain)
		}
	}
	s.pulls = make([][]float64, len(s.Multipliers))
	for k := range s.pulls {
		s.pulls[k] = make([]float64, len(s.choices))
		for c, slope := range s.Slopes[k] {
			s.pulls[k][s.columns[c].Service] += slope * derivatives[c]
		}
	}
}

// curvature is what a constraint's sum falls by for the multiplier of another.
func (s *Problem) curvature(k, l int) (sum float64) {
	for i, pull := range s.pulls[k] {
		sum += pull * s.pulls[l][i]
	}
	return sum
}

// own is what a constraint's sum falls by for its own multiplier; where that is nothing, so much that the multiplier changes a few times
// over.
func (s *Problem) own(k int) float64 {
	if own := s.curvature(k, k); own > 0 {
		return own
	}
	multiplier := s.Multipliers[k]
	if multiplier == 0 {
		multiplier = s.typical(k)
	}
	return s.sum(k) * math.Abs(s.over(k)) / (2 * multiplier)
}

// highest is the multiplier at which a constraint by itself has all its services at their most cores.
func (s *Problem) highest(k int) (most float64) {
	for c, slope := range s.Slopes[k] {
		if slope > 0 && s.lows[c] < s.highs[c] {
			most = max(most, math.Exp(s.highs[c])/slope)
		}
	}
	return 2 * most
}

// typical is a multiplier somewhat above that at which the typical service gets more than its least cores.
func (s *Problem) typical(k int) float64 {
	sum, n := 0.0, 0.0
	for c, slope := range s.Slopes[k] {
		if slope > 0 && s.lows[c] < s.highs[c] {
			sum += s.lows[c] - math.Log(slope)
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return math.Exp(sum/n + longest)
}
