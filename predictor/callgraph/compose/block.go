package compose

import "math"

// block is branches at the same time. Its methods speak of the time after its shift, the largest of theirs.
type block struct {
	shift    float64
	branches []series
	grid     *grid
}

// at returns the distribution function and the density at t.
func (b *block) at(t float64) (cdf, density float64) {
	cdf = 1
	for i := range b.branches {
		branch := &b.branches[i]
		f, slope := branch.at(t + b.shift - branch.shift)
		cdf, density = cdf*f, density*f+cdf*slope
	}
	return cdf, density
}

// back adds to the slopes the derivatives of weight·CDF(t).
func (b *block) back(t, weight float64, slopes slopes) {
	values := make([]float64, len(b.branches))
	for i := range b.branches {
		values[i], _ = b.branches[i].at(t + b.shift - b.branches[i].shift)
	}
	for i := range b.branches {
		others := weight
		for j, f := range values {
			if j != i {
				others *= f
			}
		}
		b.branches[i].back(t+b.shift-b.branches[i].shift, others, slopes)
	}
}

// transforms are those of the block at the nodes: 1 − s∫e^(−sv)(1 − C(v))dv.
func (b *block) transforms(in inversion, out []complex128) []complex128 {
	g := b.gridFor(in.t)
	out = zeroed(out, len(in.weights))
	in.project(g.times, g.tails, out)
	for k := range out {
		out[k] = 1 - in.node(k)*out[k]
	}
	return out
}

// pull adds to the slopes the derivatives of Re Σ rest·transform/s. The transform over s changes by ∫e^(−sv)dC(v)dv.
func (b *block) pull(in inversion, rest []complex128, slopes slopes) {
	g := b.gridFor(in.t)
	sums := make([]float64, len(b.branches)) // of those whose derivative is a factor times time times density
	shapes := make([][]float64, len(b.branches))
	for i := range b.branches {
		if branch := &b.branches[i]; branch.simple() && slopes.byShape(branch.terms[0].service) {
			shapes[i] = g.byShape(i, &branch.terms[0], b.shift-branch.shift)
		}
	}
	in.collect(g.times, rest, func(j int, sum float64) {
		sum *= g.weights[j]
		for i := range b.branches {
			others := sum
			for l := range b.branches {
				if l != i {
					others *= g.cdfs[l][j]
				}
			}
			branch := &b.branches[i]
			t := g.times[j] + b.shift - branch.shift
			if branch.simple() {
				sums[i] += others * g.densities[i][j] * t
				if shapes[i] != nil {
					slopes.shapes[branch.terms[0].service] += others * shapes[i][j]
				}
			} else {
				branch.back(t, others, slopes)
			}
		}
	})
	for i, sum := range sums {
		if branch := &b.branches[i]; branch.simple() {
			one := &branch.terms[0]
			slopes.means[one.service] -= sum * one.calls / (one.shape * one.scale)
		}
	}
}

// zeroed is a slice of n zeros, the given one if it is long enough.
func zeroed(x []complex128, n int) []complex128 {
	if cap(x) < n {
		return make([]complex128, n)
	}
	x = x[:n]
	clear(x)
	return x
}

// larger is the mean and the variance of the larger of two, both taken for normal (Clark, Operations Research 9, 1961).
func larger(mean, variance, otherMean, otherVariance float64) (m, v float64) {
	spread := math.Sqrt(variance + otherVariance)
	if !(spread > 0) {
		return max(mean, otherMean), 0
	}
	z := (mean - otherMean) / spread
	p := math.Erfc(-z/math.Sqrt2) / 2
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	m = mean*p + otherMean*(1-p) + spread*density
	square := (mean*mean+variance)*p + (otherMean*otherMean+otherVariance)*(1-p) + (mean+otherMean)*spread*density
	return m, max(square-m*m, 0)
}
