package interference

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// group is the kind of a regression term; terms of one kind share a prior.
type group int

const (
	intercept group = iota // ln(performance) alone
	average                // the mean effect of a unit of load, or of a presence, over all neighbour classes
	load                   // what a unit of one class differs from the mean
	presence               // what the presence of one class differs from the mean
	groups
)

// Priors, as standard deviations of ln(performance). They matter where data are few, and keep a model of few data unsure.
const (
	// Alone is 1 by definition; 5 % is the scatter that a careless measurement of it has.
	priorIntercept = 0.05
	// A unit of average load costs at most a third or so: eight of the worst pair of Metis' applications leave 0.156.
	priorAverage = 0.3
	// Where load and presence of single classes start; the data move them (see learn). Metis' mixes give 0.04 and 0.22.
	startLoad, startPresence = 0.1, 0.2
	// Where the residual starts: repeats of Metis' mixes scatter by 2 to 4 %, and laws never fit to the noise.
	startResidual = 0.05
	// What the starting values count for, in observations of the same kind.
	startWeight = 4
)

// design is the regression of one class: rows are mixes as one container of the class sees them, columns are terms.
type design struct {
	kinds []group // by column
	x     *mat.Dense
	gram  *mat.SymDense // x'x
	y     []float64
}

func newDesign(kinds []group, rows [][]float64, y []float64) *design {
	d := &design{kinds: kinds, x: mat.NewDense(len(rows), len(kinds), nil), gram: mat.NewSymDense(len(kinds), nil), y: y}
	for i, row := range rows {
		d.x.SetRow(i, row)
	}
	d.gram.SymOuterK(1, d.x.T())
	return d
}

// prior is the variance of the terms by kind.
type prior [groups]float64

func startPrior() prior {
	return prior{
		intercept: priorIntercept * priorIntercept, average: priorAverage * priorAverage,
		load: startLoad * startLoad, presence: startPresence * startPresence,
	}
}

// posterior is the belief about one class's terms after the data: normal, given the residual variance.
type posterior struct {
	mean       *mat.VecDense
	covariance *mat.SymDense
	residual   float64 // variance of one measurement around the law
}

// solve returns the posterior under a prior and a residual variance: precision x'x/residual + 1/prior.
func (d *design) solve(p prior, residual float64) (*posterior, error) {
	n := len(d.kinds)
	precision := mat.NewSymDense(n, nil)
	precision.ScaleSym(1/residual, d.gram)
	for j, kind := range d.kinds {
		precision.SetSym(j, j, precision.At(j, j)+1/p[kind])
	}
	var chol mat.Cholesky
	if !chol.Factorize(precision) {
		return nil, fmt.Errorf("normal equations of %d mixes and %d terms are not positive definite", len(d.y), n)
	}
	out := &posterior{mean: mat.NewVecDense(n, nil), covariance: mat.NewSymDense(n, nil), residual: residual}
	var right mat.VecDense
	right.MulVec(d.x.T(), mat.NewVecDense(len(d.y), d.y))
	right.ScaleVec(1/residual, &right)
	if err := chol.SolveVecTo(out.mean, &right); err != nil {
		return nil, fmt.Errorf("solving normal equations: %w", err)
	}
	if err := chol.InverseTo(out.covariance); err != nil {
		return nil, fmt.Errorf("inverting normal equations: %w", err)
	}
	return out, nil
}

// learn fits all classes together: the prior variances of load and presence are common to all classes and follow from the spread
// of the terms (empirical Bayes by expectation maximisation, so that a good fit in one place does not make another place certain),
// the residual variance is each class's own. classes are the designs' class indices, for errors.
func learn(designs []*design, classes []int) ([]*posterior, prior, error) {
	const rounds = 40 // the variances change by less than 1 % a round after 20 on Metis' mixes
	p := startPrior()
	residuals := make([]float64, len(designs))
	for t := range residuals {
		residuals[t] = startResidual * startResidual
	}
	posteriors := make([]*posterior, len(designs))
	for range rounds {
		var spread, terms [groups]float64
		for t, d := range designs {
			post, err := d.solve(p, residuals[t])
			if err != nil {
				return nil, p, fmt.Errorf("class %d: %w", classes[t], err)
			}
			posteriors[t] = post
			for j, kind := range d.kinds {
				m := post.mean.AtVec(j)
				spread[kind] += m*m + post.covariance.At(j, j)
				terms[kind]++
			}
			residuals[t] = d.residual(post)
		}
		start := startPrior()
		for _, kind := range []group{load, presence} {
			p[kind] = (startWeight*start[kind] + spread[kind]) / (startWeight + terms[kind])
		}
	}
	return posteriors, p, nil
}

// residual is the expected squared distance of a measurement from the law, the law's own uncertainty included.
func (d *design) residual(post *posterior) float64 {
	var fitted mat.VecDense
	fitted.MulVec(d.x, post.mean)
	squares := startWeight * startResidual * startResidual
	for i, y := range d.y {
		e := y - fitted.AtVec(i)
		squares += e * e
	}
	var product mat.Dense
	product.Mul(post.covariance, d.gram)
	squares += mat.Trace(&product)
	return squares / (startWeight + float64(len(d.y)))
}

// predict returns the mean and the variance of the law for a row.
func (p *posterior) predict(row []float64) (mean, variance float64) {
	z := mat.NewVecDense(len(row), row)
	return mat.Dot(z, p.mean), math.Max(mat.Inner(z, p.covariance, z), 0)
}
