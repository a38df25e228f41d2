package interference

import "math"

// Row appends to dst what Class.Response multiplies where one container of class t feels the rest of a mix: 1, the pressure and the presence in
// each dimension. Load of no known class is left out.
func (m *Model) Row(dst []float64, mix Mix, t int) []float64 {
	rank, weight := m.doc.Rank, m.weight(t)
	at := len(dst)
	dst = append(dst, 1)
	for range 2 * rank {
		dst = append(dst, 0)
	}
	z := dst[at:]
	for _, l := range mix {
		units := l.Neighbours(t) * weight
		if units <= 0 || l.Class == Unknown {
			continue
		}
		neighbour := &m.doc.Classes[l.Class]
		for d := range rank {
			z[1+d] += units * neighbour.Pressure[d]
			z[1+rank+d] += neighbour.Presence[d]
		}
	}
	return dst
}

// Law returns ln(performance) of one container of class t under the law alone, neither looked up nor bounded, and how unsure the law is
// of it for want of data, as a variance. A new measurement scatters around it by ResidualStdDev as well. The mix must hold t: NaN is
// returned if it does not.
func (m *Model) Law(mix Mix, t int) (mean, variance float64) {
	for k, l := range mix {
		if l.Class == t && t != Unknown {
			var f gathered
			m.gather(&f, mix)
			return m.law(mix, k, &f), m.coefficientVariance(mix, t)
		}
	}
	return math.NaN(), math.NaN()
}
