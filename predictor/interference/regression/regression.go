// Package regression is Bayesian linear regression with terms in kinds: terms of one kind share a prior variance, which may be learned
// from the data of many regressions at once (empirical Bayes), so that a kind that explains nothing shrinks to nothing.
package regression

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Prior is the variance of the terms by kind.
type Prior []float64

// Design is one regression: rows are observations, columns are terms.
type Design struct {
	kinds []int // by column
	rows  *mat.Dense
	y     []float64
	gram  *mat.SymDense // rows'rows
	right *mat.VecDense // rows'y
}

// New returns the regression of y on rows, all as long as kinds. It needs at least one row.
func New(kinds []int, rows [][]float64, y []float64) *Design {
	n := len(kinds)
	d := &Design{kinds: kinds, rows: mat.NewDense(len(rows), n, nil), gram: mat.NewSymDense(n, nil), right: mat.NewVecDense(n, nil), y: y}
	for i, row := range rows {
		d.rows.SetRow(i, row)
	}
	d.gram.SymOuterK(1, d.rows.T())
	d.right.MulVec(d.rows.T(), mat.NewVecDense(len(y), y))
	return d
}

// Without returns the regression without some of its observations. It can be solved, not asked for its errors.
func (d *Design) Without(rows [][]float64, y []float64) *Design {
	if len(rows) == 0 {
		return d
	}
	held := New(d.kinds, rows, y)
	rest := &Design{kinds: d.kinds, gram: mat.NewSymDense(len(d.kinds), nil), right: mat.NewVecDense(len(d.kinds), nil)}
	held.gram.ScaleSym(-1, held.gram)
	rest.gram.AddSym(d.gram, held.gram)
	rest.right.SubVec(d.right, held.right)
	return rest
}

// Posterior is the belief about the terms after the data, given the residual variance: normal.
type Posterior struct {
	Mean []float64
	// Covariance is that of the first terms (see Solve), given the rest.
	Covariance *mat.SymDense
	// Residual is the variance of one observation around the law.
	Residual float64
}

// Solve returns the posterior under a prior and a residual variance, with the covariance of the first head terms given the rest.
func (d *Design) Solve(p Prior, residual float64, head int) (*Posterior, error) {
	precision, chol, mean, err := d.factorize(p, residual)
	if err != nil {
		return nil, err
	}
	out := &Posterior{Mean: mean.RawVector().Data, Residual: residual}
	if head == 0 {
		return out, nil
	}
	if head < len(d.kinds) {
		chol = &mat.Cholesky{}
		if !chol.Factorize(precision.SliceSym(0, head)) {
			return nil, fmt.Errorf("normal equations of the first %d terms are not positive definite", head)
		}
	}
	out.Covariance = mat.NewSymDense(head, nil)
	if err := chol.InverseTo(out.Covariance); err != nil {
		return nil, fmt.Errorf("inverting normal equations: %w", err)
	}
	return out, nil
}

// factorize solves the normal equations: precision rows'rows/residual + 1/prior.
func (d *Design) factorize(p Prior, residual float64) (*mat.SymDense, *mat.Cholesky, *mat.VecDense, error) {
	n := len(d.kinds)
	precision := mat.NewSymDense(n, nil)
	precision.ScaleSym(1/residual, d.gram)
	for j, kind := range d.kinds {
		precision.SetSym(j, j, precision.At(j, j)+1/p[kind])
	}
	var chol mat.Cholesky
	if !chol.Factorize(precision) {
		return nil, nil, nil, fmt.Errorf("normal equations of %d terms are not positive definite", n)
	}
	mean := mat.NewVecDense(n, nil)
	if err := chol.SolveVecTo(mean, d.right); err != nil {
		return nil, nil, nil, fmt.Errorf("solving normal equations: %w", err)
	}
	mean.ScaleVec(1/residual, mean)
	return precision, &chol, mean, nil
}

// Predict returns the mean of the law for a row, and the variance that its first terms leave.
func (p *Posterior) Predict(row []float64) (mean, variance float64) {
	for j, x := range row {
		mean += x * p.Mean[j]
	}
	n, _ := p.Covariance.Dims()
	z := mat.NewVecDense(n, row[:n])
	return mean, math.Max(mat.Inner(z, p.Covariance, z), 0)
}

// Start is where learning starts, and what it falls back on with few data.
type Start struct {
	Prior Prior
	// Learned says which kinds' variances are learned; the others stay.
	Learned []bool
	// Residual is a variance too. Weight is what the starting values count for, in observations of the same kind.
	Residual, Weight float64
	// Rounds of the fixed point.
	Rounds int
}

// Learn finds the prior that is common to all designs and the residual variance of each by maximising the evidence (MacKay's fixed
// point): a kind's variance is the squared terms over how many of them the data determine.
func Learn(designs []*Design, s Start) (Prior, []float64, error) {
	p := append(Prior(nil), s.Prior...)
	residuals := make([]float64, len(designs))
	for t := range residuals {
		residuals[t] = s.Residual
	}
	for range s.Rounds {
		squares, determined := make([]float64, len(p)), make([]float64, len(p))
		for t, d := range designs {
			_, chol, mean, err := d.factorize(p, residuals[t])
			if err != nil {
				return nil, nil, fmt.Errorf("regression %d: %w", t, err)
			}
			var covariance mat.SymDense
			if err := chol.InverseTo(&covariance); err != nil {
				return nil, nil, fmt.Errorf("regression %d: inverting normal equations: %w", t, err)
			}
			var all float64
			for j, kind := range d.kinds {
				share := math.Max(1-covariance.At(j, j)/p[kind], 0)
				squares[kind] += mean.AtVec(j) * mean.AtVec(j)
				determined[kind] += share
				all += share
			}
			residuals[t] = (s.Weight*s.Residual + d.squaredErrors(mean)) / (s.Weight + math.Max(float64(len(d.y))-all, 0))
		}
		for kind := range p {
			if s.Learned[kind] {
				p[kind] = math.Max((s.Weight*s.Prior[kind]+squares[kind])/(s.Weight+determined[kind]), 1e-4*s.Prior[kind])
			}
		}
	}
	return p, residuals, nil
}

func (d *Design) squaredErrors(terms *mat.VecDense) float64 {
	var fitted mat.VecDense
	fitted.MulVec(d.rows, terms)
	var sum float64
	for i, y := range d.y {
		e := y - fitted.AtVec(i)
		sum += e * e
	}
	return sum
}
