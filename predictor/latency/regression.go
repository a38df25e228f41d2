package latency

import (
	"math"
	"slices"
)

// regression finds the law's two free numbers.
type regression struct {
	points []point
	prior  Law
	weight float64 // of the prior, in windows
}

// solve minimises over fixed, stretch >= 0
//
//	Σ w ((self − fixed − stretch·sojourn)/scale)² + κ(A(fixed − prior)² + B(stretch − prior)²),  κ = weight
//
// where A and B are the means of (1/scale)² and (sojourn/scale)²: the prior is as good as κ windows of each number alone.
func (f *regression) solve() (fixed, stretch float64) {
	var n, a, b, c, y, z float64 // the sums of w, w/scale², w·sojourn²/scale², w·sojourn/scale², and the right-hand sides
	for _, p := range f.points {
		w := p.weight * p.trust
		u := w / (p.scale * p.scale)
		n += w
		a += u
		b += u * p.sojourn * p.sojourn
		c += u * p.sojourn
		y += u * p.self
		z += u * p.self * p.sojourn
	}
	ka, kb := f.weight*a/n, f.weight*b/n
	y, z = y+ka*f.prior.Fixed, z+kb*f.prior.Stretch
	a, b = a+ka, b+kb
	// The function is convex, so if the free optimum has a negative number, the optimum has that number 0. Both are not negative: c, y and z
	// are positive. The prior makes ab > c² whatever the windows.
	det := a*b - c*c
	fixed, stretch = (b*y-c*z)/det, (a*z-c*y)/det
	switch {
	case fixed < 0:
		return 0, z / b
	case stretch < 0:
		return y / a, 0
	}
	return fixed, stretch
}

// reweigh compares the windows with a law: errors become relative to what it predicts, and windows far off lose weight.
func (f *regression) reweigh(law Law) {
	sizes := make([]float64, len(f.points))
	for i := range f.points {
		p := &f.points[i]
		p.scale = law.Fixed + law.Stretch*p.sojourn
		p.off = math.Log(p.self / p.scale)
		sizes[i] = math.Abs(p.off)
	}
	slices.Sort(sizes)
	bend := huber * max(leastSpread, consistent*sizes[len(sizes)/2])
	for i := range f.points {
		p := &f.points[i]
		p.trust = min(1, bend/max(bend, math.Abs(p.off)))
	}
}

// trustPrior sets the weight of the prior by how far windows are off: PriorWindows is for windows that differ by DefaultSpread, which one
// window stands for before there are any; the less they do, the more each says.
func (f *regression) trustPrior() {
	sum, n := DefaultSpread*DefaultSpread, 1.0
	for _, p := range f.points {
		sum += p.weight * p.trust * p.off * p.off
		n += p.weight * p.trust
	}
	f.weight = PriorWindows * min(1, sum/n/(DefaultSpread*DefaultSpread))
}

// spread returns the standard deviation of ln(observed/predicted), the prior's counted as PriorWindows windows, and the number of windows.
func (f *regression) spread() (deviation, windows float64) {
	sum, trusted := PriorWindows*f.prior.Spread*f.prior.Spread, float64(PriorWindows)
	for _, p := range f.points {
		sum += p.weight * p.trust * p.off * p.off
		trusted += p.weight * p.trust
		windows += p.weight
	}
	return max(leastSpread, math.Sqrt(sum/trusted)), windows
}
