package patterns

import "math"

// pace is how far to go towards the solution of the first order problem. A longer time weighs more, gets more cores and becomes shorter,
// so that full steps may swing to and fro.
type pace struct {
	part float64
	last []float64 // the last way in logarithms
}

func newPace(cores []float64) *pace { return &pace{part: 1, last: make([]float64, len(cores))} }

// step moves the cores a part of the way to a goal, and returns the largest change that the whole way would have been, relative. If the
// way is c times the last one, of which a part p was gone, then p/(1 − c) would have led there at once (Aitken).
func (p *pace) step(cores, towards []float64) (far float64) {
	const least, back, ahead = 0.05, -4, 0.8
	along, square := 0.0, 0.0
	for i, x := range cores {
		way := math.Log(towards[i] / x)
		far = max(far, math.Abs(way))
		along += way * p.last[i]
		square += p.last[i] * p.last[i]
		p.last[i] = way
	}
	if square > 0 {
		p.part = min(max(p.part/(1-min(max(along/square, back), ahead)), least), 1)
	}
	for i := range cores {
		cores[i] *= math.Exp(p.part * p.last[i])
	}
	return far
}
