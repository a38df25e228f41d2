package patterns

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

const (
	remembered = 6   // steps
	local      = 0.5 // change of the logarithm of any service's cores, and of any quantile, up to which the map counts as nearly linear
)

// pace is how far to go towards the solution of the first order problem. A longer time weighs more, gets more cores and becomes shorter,
// so that full steps may swing to and fro. Near the solution the combination of the last steps is taken that would have led nearest
// (Anderson 1965, in the form of Walker and Ni, SIAM Journal on Numerical Analysis 49, 2011), before that a part of the way.
type pace struct {
	part       float64
	ways, ends [][]float64 // by step: logarithm of goal over cores, and of the goal
}

// step moves the cores towards a goal within the bounds, and returns the largest change that the whole way would have been, relative; off
// is how far quantiles are from their bounds.
func (p *pace) step(cores, towards []float64, services []Service, off float64) (far float64) {
	way, end := make([]float64, len(cores)), make([]float64, len(cores))
	for i, x := range cores {
		end[i] = math.Log(towards[i])
		way[i] = end[i] - math.Log(x)
		far = max(far, math.Abs(way[i]))
	}
	p.aitken(way)
	p.ways, p.ends = append(p.ways, way), append(p.ends, end)
	if max(far, off) > local {
		p.ways, p.ends = p.ways[len(p.ways)-1:], p.ends[len(p.ends)-1:]
	} else if len(p.ways) > remembered {
		p.ways, p.ends = p.ways[1:], p.ends[1:]
	}
	shares := p.combine()
	for i := range cores {
		log := end[i]
		if shares == nil {
			log -= (1 - p.part) * way[i]
		}
		for j, share := range shares {
			log -= share * (end[i] - p.ends[j][i])
		}
		cores[i] = min(max(math.Exp(log), services[i].Min), services[i].Max)
	}
	return far
}

// aitken sets the part of the way. If the way is c times the last one, of which a part p was gone, then p/(1 − c) would have led there at
// once.
func (p *pace) aitken(way []float64) {
	const least, back, ahead = 0.05, -4, 0.8
	along, square := 0.0, 0.0
	if len(p.ways) > 0 {
		for i, last := range p.ways[len(p.ways)-1] {
			along += way[i] * last
			square += last * last
		}
	}
	if square > 0 {
		p.part = min(max(p.part/(1-min(max(along/square, back), ahead)), least), 1)
	}
}

// combine returns the shares of the ways before the last whose difference to it, taken off it, leaves the shortest way. It is nil where
// there are none to tell apart.
func (p *pace) combine() []float64 {
	last := len(p.ways) - 1
	if last < 1 {
		return nil
	}
	const ridge = 1e-10
	matrix, right := mat.NewSymDense(last, nil), mat.NewVecDense(last, nil)
	for a := range last {
		for b := range a + 1 {
			sum := 0.0
			for i, w := range p.ways[last] {
				sum += (w - p.ways[a][i]) * (w - p.ways[b][i])
			}
			if a == b {
				sum *= 1 + ridge
			}
			matrix.SetSym(a, b, sum)
		}
		sum := 0.0
		for i, w := range p.ways[last] {
			sum += w * (w - p.ways[a][i])
		}
		right.SetVec(a, sum)
	}
	var factors mat.Cholesky
	var shares mat.VecDense
	if !factors.Factorize(matrix) || factors.SolveVecTo(&shares, right) != nil {
		return nil
	}
	return shares.RawVector().Data
}
