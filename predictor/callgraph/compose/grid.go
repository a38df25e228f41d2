package compose

import "math"

const (
	panels  = 8    // in the time asked for
	beyond  = 6    // in as long after it, where the exponential is small
	reach   = 2.4  // times the time asked for
	grading = 5    // halvings of the first panel, at whose beginning a power of the time need not be whole
	peaked  = 3    // standard deviations to the mean from which on a branch has a peak that takes narrower panels
	far     = 8    // standard deviations from the mean where they begin
	fine    = 3    // standard deviations that they are wide
	finest  = 4096 // panels in the time asked for at most: a narrower peak is a jump
	nodes   = 16   // of a panel
	similar = 1.1  // how far, as a factor, times may be from that of a grid that is used for them
	// negligible is the share of requests beyond which a tail is left out.
	negligible = 1e-12
)

// legendre are the nodes and weights of Gauss and Legendre's rule with 16 nodes on [−1, 1] (Abramowitz and Stegun, table 25.4), those above
// 0.
var legendre = [nodes / 2][2]float64{
	{0.0950125098376374402, 0.1894506104550684963},
	{0.2816035507792589132, 0.1826034150449235889},
	{0.4580167776572273863, 0.1691565193950025382},
	{0.6178762444026437484, 0.1495959888165767321},
	{0.7554044083550030339, 0.1246289712555338720},
	{0.8656312023878317439, 0.0951585116824927848},
	{0.9445750230732325761, 0.0622535239386478929},
	{0.9894009349916499326, 0.0271524594117540949},
}

// rule is the same in rising order, with what integrates the polynomial through values at the nodes from −1 to each node.
var rule = newRule()

type gauss struct {
	at, weights [nodes]float64
	upTo        [nodes][nodes]float64
}

func newRule() (g gauss) {
	for i, n := range legendre {
		g.at[nodes/2+i], g.weights[nodes/2+i] = n[0], n[1]
		g.at[nodes/2-1-i], g.weights[nodes/2-1-i] = -n[0], n[1]
	}
	// The polynomial is Σ (n+½)·P_n·Σ_m w_m·P_n(x_m)·y_m, and the integral of P_n is (P_{n+1} − P_{n−1})/(2n+1), of P_0 x + 1.
	var p [nodes][nodes + 1]float64
	for m, x := range g.at {
		p[m][0], p[m][1] = 1, x
		for n := 1; n < nodes; n++ {
			p[m][n+1] = (float64(2*n+1)*x*p[m][n] - float64(n)*p[m][n-1]) / float64(n+1)
		}
	}
	for j := range g.at {
		for m, w := range g.weights {
			sum := (g.at[j] + 1) / 2
			for n := 1; n < nodes; n++ {
				sum += p[m][n] * (p[j][n+1] - p[j][n-1]) / 2
			}
			g.upTo[j][m] = w * sum
		}
	}
	return g
}

// grid is a block at the nodes of a quadrature for times near one.
type grid struct {
	time           float64
	times, weights []float64
	// cdfs and densities are those of the branches, by branch and node; tails are weights times one less the product of the cdfs.
	cdfs, densities [][]float64
	tails           []float64
	shapes          [][]float64 // by branch and node: derivatives of the cdfs by the shape; nil where they were not asked for
}

// gridFor returns the grid for a time, made anew where there is none for a similar one.
func (b *block) gridFor(t float64) *grid {
	if g := b.grid; g != nil && t < similar*g.time && t*similar > g.time {
		return g
	}
	const expected = 24 * nodes // where no branch has a narrow peak
	room := func() []float64 { return make([]float64, 0, expected) }
	b.grid = &grid{time: t, times: room(), weights: room(), tails: room()}
	for range b.branches {
		b.grid.cdfs, b.grid.densities = append(b.grid.cdfs, room()), append(b.grid.densities, room())
	}
	from, edge := 0.0, math.Ldexp(t/panels, -grading)
	for b.panel(from, edge) && edge < reach*t {
		most := min(edge, t/panels)
		if edge >= t {
			most = t / beyond
		}
		from, edge = edge, edge+max(b.width(edge, most), t/finest)
	}
	return b.grid
}

// width is that of a panel that begins at an edge: most, or less where a branch has its narrow peak.
func (b *block) width(edge, most float64) float64 {
	for i := range b.branches {
		s := &b.branches[i]
		mean, deviation := s.mean+s.shift-b.shift, math.Sqrt(s.narrow)
		if from := mean - far*deviation; deviation*peaked < s.mean && deviation > 0 && edge+most > from && edge < mean+far*deviation {
			most = min(most, max(fine*deviation, from-edge))
		}
	}
	return most
}

// panel appends the nodes of a panel, and says whether there is something left of the tail at its end.
func (b *block) panel(from, to float64) bool {
	g := b.grid
	middle, half := (from+to)/2, (to-from)/2
	first := len(g.times)
	for i, x := range rule.at {
		g.times, g.weights = append(g.times, middle+half*x), append(g.weights, half*rule.weights[i])
	}
	for i := range b.branches {
		branch := &b.branches[i]
		g.cdfs[i], g.densities[i] = branch.along(g.cdfs[i], g.densities[i], g.times[first:], b.shift-branch.shift, from, half)
	}
	last := 0.0
	for j := first; j < len(g.times); j++ {
		cdf := 1.0
		for i := range b.branches {
			cdf *= g.cdfs[i][j]
		}
		last = 1 - cdf
		g.tails = append(g.tails, g.weights[j]*last)
	}
	return last > negligible
}

// along appends the distribution function and the density at the times of a panel that begins at from, all of them after an offset. Where
// the panel is not the first and the density is a closed form, the distribution function is its integral, which takes a tenth of the
// effort.
func (s *series) along(cdfs, densities, times []float64, offset, from, half float64) (c, d []float64) {
	if !s.simple() || from == 0 {
		for _, t := range times {
			cdf, density := s.at(t + offset)
			cdfs, densities = append(cdfs, cdf), append(densities, density)
		}
		return cdfs, densities
	}
	first, one := len(densities), &s.terms[0]
	base, log := one.cdf(from+offset), one.logGamma()
	for _, t := range times {
		densities = append(densities, one.densityBy(t+offset, log))
	}
	for j := range times {
		sum := 0.0
		for m, y := range densities[first:] {
			sum += rule.upTo[j][m] * y
		}
		cdfs = append(cdfs, min(base+half*sum, 1))
	}
	return cdfs, densities
}

// project adds to sums, for all nodes s of the inversion, Σ values·e^(−s·times).
func (in inversion) project(times, values []float64, sums []complex128) {
	const together = 4 // sums that do not wait for each other
	var z, turn [together]complex128
	for from := 0; from < len(times); from += together {
		for i := range together {
			z[i], turn[i] = 0, 0
			if j := from + i; j < len(times) {
				z[i], turn[i] = in.exponential(times[j])
				z[i] *= complex(values[j], 0)
			}
		}
		a, b, c, d := z[0], z[1], z[2], z[3]
		for k := range sums {
			sums[k] += (a + b) + (c + d)
			a *= turn[0]
			b *= turn[1]
			c *= turn[2]
			d *= turn[3]
		}
	}
}

// collect calls f for each of the times with Re Σ rest·e^(−s·time) over the nodes of the inversion.
func (in inversion) collect(times []float64, rest []complex128, f func(j int, sum float64)) {
	for j := 0; j < len(times); j += 2 {
		next := min(j+1, len(times)-1)
		a, turnA := in.exponential(times[j])
		b, turnB := in.exponential(times[next])
		sumA, sumB := 0.0, 0.0
		for _, r := range rest {
			sumA += real(r)*real(a) - imag(r)*imag(a)
			sumB += real(r)*real(b) - imag(r)*imag(b)
			a *= turnA
			b *= turnB
		}
		f(j, sumA)
		if next > j {
			f(next, sumB)
		}
	}
}

// exponential is e^(−sv) at the first node, and what it is multiplied with from each to the next.
func (in inversion) exponential(v float64) (first, turn complex128) {
	sin, cos := math.Sincos(-math.Pi * v / in.t)
	return complex(math.Exp(-damping/2*v/in.t), 0), complex(cos, sin)
}
