package laws

import (
	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
	"github.com/ballast-k8s/ballast/predictor/interference/regression"
)

// terms says how a mix turns into the row of a regression, and how the regression's terms turn into a class's response.
//
// Up to MaxRank classes every class has terms of its own, around a common mean: what has never been seen beside a class is
// believed to act like the average neighbour, not like nothing. Beyond, the terms are the pressure and presence dimensions.
type terms struct {
	pressure, presence [][]float64
	rank               int
	own                bool // one dimension for each class
	// inner are the dimensions that interact; nil for none.
	inner *interactions.Directions
	// Without: seen[t][j] is whether j was measured beside t, and how far effects of single classes lie from a class's mean effect,
	// as standard deviations; nil and 0 with dimensions of their own.
	seen                       [][]bool
	unseenLoad, unseenPresence float64
}

// head is the number of columns of the law without interactions: intercept, means (if own), pressure and presence dimensions.
func (s *terms) head() int {
	if s.own {
		return 3 + 2*s.rank
	}
	return 1 + 2*s.rank
}

// kinds are the columns: those of the head, then the interactions.
func (s *terms) kinds() []int {
	k := []int{intercept}
	if s.own {
		k = append(k, average, average)
	}
	for range s.rank {
		k = append(k, load)
	}
	for range s.rank {
		k = append(k, presence)
	}
	if s.inner == nil {
		return k
	}
	dims := s.inner.Dims
	for i := range interactions.Count(dims) {
		k = append(k, together+int(interactions.KindOf(i, dims)))
	}
	return k
}

// row is the mix as one container of class t sees it, whose neighbours were measured up to a load of most.
func (s *terms) row(mix mixes.Mix, t int, most float64) []float64 {
	head := s.head() - 2*s.rank
	width := s.head()
	if s.inner != nil {
		width += interactions.Count(s.inner.Dims)
	}
	z := make([]float64, width)
	z[0] = 1
	for _, l := range mix {
		units := l.Neighbours(t)
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
	if s.inner != nil {
		var f interactions.Felt
		s.inner.Gather(&f, mix)
		for _, l := range mix {
			if l.Class == t {
				s.inner.LeaveOut(&f, l, most)
			}
		}
		f.Terms(z[s.head():], s.inner.Dims)
	}
	return z
}

// response expresses a posterior in the document's terms: 1+2·rank numbers, their covariance, and the interactions. With terms of
// its own, the effect of a class is the mean plus its deviation.
func (s *terms) response(p *regression.Posterior) (mean []float64, covariance *mat.SymDense, together []float64) {
	head := s.head()
	together = p.Mean[head:]
	if !s.own {
		return p.Mean[:head], p.Covariance, together
	}
	width := 1 + 2*s.rank
	to := mat.NewDense(width, head, nil)
	to.Set(0, 0, 1)
	for d := range s.rank {
		to.Set(1+d, 1, 1)
		to.Set(1+d, 3+d, 1)
		to.Set(1+s.rank+d, 2, 1)
		to.Set(1+s.rank+d, 3+s.rank+d, 1)
	}
	var m mat.VecDense
	m.MulVec(to, mat.NewVecDense(head, p.Mean[:head]))
	var half, full mat.Dense
	half.Mul(to, p.Covariance)
	full.Mul(&half, to.T())
	covariance = mat.NewSymDense(width, nil)
	for i := range width {
		for j := range i + 1 {
			covariance.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
		}
	}
	return m.RawVector().Data, covariance, together
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
