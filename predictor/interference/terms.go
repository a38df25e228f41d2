package interference

import "gonum.org/v1/gonum/mat"

// terms says how a mix turns into the row of a regression, and how the regression's terms turn into a class's response.
//
// Up to MaxRank classes every class has terms of its own, around a common mean: what has never been seen beside a class is
// believed to act like the average neighbour, not like nothing. Beyond, the terms are the pressure and presence dimensions.
type terms struct {
	pressure, presence [][]float64
	rank               int
	own                bool // one dimension for each class
	// Without: seen[t][j] is whether j was measured beside t, and how far effects of single classes lie from a class's mean effect,
	// as standard deviations; nil and 0 with dimensions of their own.
	seen                       [][]bool
	unseenLoad, unseenPresence float64
}

// kinds are the columns: intercept, means (if own), pressure dimensions, presence dimensions.
func (s *terms) kinds() []group {
	k := []group{intercept}
	if s.own {
		k = append(k, average, average)
	}
	for range s.rank {
		k = append(k, load)
	}
	for range s.rank {
		k = append(k, presence)
	}
	return k
}

// row is the mix as one container of class t sees it.
func (s *terms) row(mix Mix, t int) []float64 {
	head := 1
	if s.own {
		head = 3
	}
	z := make([]float64, head+2*s.rank)
	z[0] = 1
	for _, l := range mix {
		units := l.neighbours(t)
		if units <= 0 {
			continue
		}
		if s.own {
			z[1] += units
			z[2]++
		}
		for d := range s.rank {
			z[head+d] += units * s.pressure[l.Class][d]
			z[head+s.rank+d] += s.presence[l.Class][d]
		}
	}
	return z
}

// response expresses a posterior in the document's terms: 1+2·rank numbers and their covariance. With terms of its own, the effect
// of a class is the mean plus its deviation.
func (s *terms) response(p *posterior) (mean []float64, covariance *mat.SymDense) {
	if !s.own {
		return p.mean.RawVector().Data, p.covariance
	}
	width := 1 + 2*s.rank
	to := mat.NewDense(width, p.mean.Len(), nil)
	to.Set(0, 0, 1)
	for d := range s.rank {
		to.Set(1+d, 1, 1)
		to.Set(1+d, 3+d, 1)
		to.Set(1+s.rank+d, 2, 1)
		to.Set(1+s.rank+d, 3+s.rank+d, 1)
	}
	var m mat.VecDense
	m.MulVec(to, p.mean)
	var half, full mat.Dense
	half.Mul(to, p.covariance)
	full.Mul(&half, to.T())
	covariance = mat.NewSymDense(width, nil)
	for i := range width {
		for j := range i + 1 {
			covariance.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
		}
	}
	return m.RawVector().Data, covariance
}

// lower is the lower triangle by rows.
func lower(s *mat.SymDense) []float64 {
	var out []float64
	n, _ := s.Dims()
	for i := range n {
		for j := range i + 1 {
			out = append(out, s.At(i, j))
		}
	}
	return out
}
