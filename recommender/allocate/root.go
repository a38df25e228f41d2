package allocate

import "math"

// root returns an x in [low, high] with f(x) in [−exact, 0], for a function that falls from above 0 at low to at most 0 at high; at a
// jump the x after it. The functions searched are logarithms, so that exact is a relative error. It is the false position method with
// the Illinois modification (Dowell and Jarratt 1971), and a bisection in every third round for functions that are flat on one side.
func root(f func(float64) float64, low, high, exact float64) float64 {
	aim := exact / 2
	flow, fhigh := f(low)+aim, f(high)+aim
	switch {
	case flow <= aim:
		return low
	case fhigh >= -aim:
		return high
	}
	side := 0
	const rounds = 200 // 60 bisections among them, as many as a float64 needs
	for round := 1; round < rounds && high-low > 1e-15*max(math.Abs(low), math.Abs(high)); round++ {
		x := (low*fhigh - high*flow) / (fhigh - flow)
		if round%3 == 0 || !(x > low && x < high) {
			x = low + (high-low)/2
		}
		fx := f(x) + aim
		switch {
		case math.Abs(fx) <= aim:
			return x
		case fx > 0:
			low, flow = x, fx
			if side > 0 {
				fhigh /= 2
			}
			side = 1
		default:
			high, fhigh = x, fx
			if side < 0 {
				flow /= 2
			}
			side = -1
		}
	}
	return high
}
