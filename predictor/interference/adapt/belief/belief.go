// Package belief is a normal belief about a vector of coefficients that learns from one linear observation at a time (a Kalman filter whose
// state stands still) and forgets towards a prior.
package belief

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Normal is a normal distribution of a vector.
type Normal struct {
	Mean       []float64
	Covariance *mat.SymDense
}

// Predict returns the mean and the variance of z·x under the belief about x.
func (b *Normal) Predict(z []float64) (mean, variance float64) {
	for i, x := range z {
		mean += x * b.Mean[i]
	}
	v := mat.NewVecDense(len(z), z)
	return mean, max(mat.Inner(v, b.Covariance, v), 0)
}

// Observe learns that z·x was y with an error of a variance above 0. Without forgetting, the order of observations does not matter: the result
// is Bayesian linear regression on all of them.
func (b *Normal) Observe(z []float64, y, variance float64) {
	mean, own := b.Predict(z)
	total := own + variance
	if total <= 0 || own == 0 {
		return // nothing to learn: the belief is certain of it
	}
	var towards mat.VecDense
	towards.MulVec(b.Covariance, mat.NewVecDense(len(z), z))
	for i := range b.Mean {
		b.Mean[i] += towards.AtVec(i) * (y - mean) / total
	}
	b.Covariance.SymRankOne(b.Covariance, -1/total, &towards)
}

// Forget keeps a share of what the belief knows more than a prior covariance: the precision becomes keep times its own and 1 − keep times the
// prior's. The mean stays. So a belief that nothing is learned of widens to the prior and no further, in every direction for itself
// (stabilised forgetting; plain exponential forgetting would grow without bound where nothing is observed).
func (b *Normal) Forget(keep float64, prior *mat.SymDense) error {
	if keep >= 1 {
		return nil
	}
	// (keep·A⁻¹ + (1−keep)·B⁻¹)⁻¹ = A (keep·B + (1−keep)·A)⁻¹ B, which needs no inverse of A.
	n := len(b.Mean)
	blend := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			blend.SetSym(i, j, keep*prior.At(i, j)+(1-keep)*b.Covariance.At(i, j))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(blend) {
		return fmt.Errorf("prior covariance of %d coefficients is not positive definite", n)
	}
	var right, wide mat.Dense
	if err := chol.SolveTo(&right, prior); err != nil {
		return fmt.Errorf("forgetting %d coefficients: %w", n, err)
	}
	wide.Mul(b.Covariance, &right)
	b.Covariance = symmetric(&wide)
	return nil
}

// Clone is a copy that shares nothing.
func (b *Normal) Clone() Normal {
	c := mat.NewSymDense(len(b.Mean), nil)
	c.CopySym(b.Covariance)
	return Normal{Mean: append([]float64(nil), b.Mean...), Covariance: c}
}

// symmetric is the symmetric part of a matrix.
func symmetric(m mat.Matrix) *mat.SymDense {
	n, _ := m.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, (m.At(i, j)+m.At(j, i))/2)
		}
	}
	return s
}

// Unpack reads a covariance from its lower triangle by rows, as a model's document has it.
func Unpack(packed []float64, n int) *mat.SymDense {
	s := mat.NewSymDense(n, nil)
	at := 0
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, packed[at])
			at++
		}
	}
	return s
}

// Pack is the reverse of Unpack.
func Pack(s *mat.SymDense) []float64 {
	n, _ := s.Dims()
	packed := make([]float64, 0, n*(n+1)/2)
	for i := range n {
		for j := range i + 1 {
			packed = append(packed, s.At(i, j))
		}
	}
	return packed
}
