package interference

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// penalties are the ridge penalties tried on standardised columns; leave-one-out error chooses. The grid spans from none to one
// that leaves almost only the mean; on Metis' mixes the choice is 0.1 to 1 and the error flat around it.
var penalties = []float64{1e-3, 1e-2, 1e-1, 1, 10, 100}

// ridge is a fitted linear model with its uncertainty.
type ridge struct {
	// coefficients are the intercept and one number a column, in the columns' own units.
	coefficients []float64
	// covariance is their posterior covariance, lower triangle by rows.
	covariance []float64
	// residual is the leave-one-out standard deviation.
	residual float64
	// left[i] is the error of row i in a fit without it, leverage[i] its part of the fit: the variance of that fit's prediction is
	// residual²·leverage/(1−leverage).
	left, leverage []float64
}

// fitRidge regresses y on the rows, with the penalty of least leave-one-out error. The intercept is not penalised.
func fitRidge(rows [][]float64, y []float64) (*ridge, error) {
	scales := columnScales(rows)
	x := design(rows, scales)
	var best *ridge
	bestError := math.Inf(1)
	for _, penalty := range penalties {
		r, err := solveRidge(x, y, penalty)
		if err != nil {
			return nil, err
		}
		if r.residual < bestError {
			best, bestError = r, r.residual
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no finite fit of %d mixes", len(y))
	}
	best.unscale(scales)
	return best, nil
}

// columnScales is the root mean square of each column, 1 for a column of zeros.
func columnScales(rows [][]float64) []float64 {
	scales := make([]float64, len(rows[0]))
	for _, row := range rows {
		for j, v := range row {
			scales[j] += v * v
		}
	}
	for j := range scales {
		scales[j] = math.Sqrt(scales[j] / float64(len(rows)))
		if scales[j] == 0 {
			scales[j] = 1
		}
	}
	return scales
}

// design is the matrix of the rows with a leading one, columns divided by their scale.
func design(rows [][]float64, scales []float64) *mat.Dense {
	x := mat.NewDense(len(rows), 1+len(scales), nil)
	for i, row := range rows {
		x.Set(i, 0, 1)
		for j, v := range row {
			x.Set(i, 1+j, v/scales[j])
		}
	}
	return x
}

// solveRidge solves (X'X + penalty·I)·b = X'y and derives the leave-one-out errors e_i/(1−h_i), h the diagonal of the hat matrix.
func solveRidge(x *mat.Dense, y []float64, penalty float64) (*ridge, error) {
	n, p := x.Dims()
	var gram mat.SymDense
	gram.SymOuterK(1, x.T())
	for j := range p {
		d := penalty
		if j == 0 {
			d = 1e-9 // not penalised; a trace of it keeps the matrix definite
		}
		gram.SetSym(j, j, gram.At(j, j)+d)
	}
	var chol mat.Cholesky
	if !chol.Factorize(&gram) {
		return nil, fmt.Errorf("normal equations of %d mixes and %d terms are not positive definite", n, p)
	}
	var xty, b mat.VecDense
	xty.MulVec(x.T(), mat.NewVecDense(n, y))
	if err := chol.SolveVecTo(&b, &xty); err != nil {
		return nil, fmt.Errorf("solving normal equations: %w", err)
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		return nil, fmt.Errorf("inverting normal equations: %w", err)
	}
	r := &ridge{coefficients: append([]float64(nil), b.RawVector().Data...), left: make([]float64, n), leverage: make([]float64, n)}
	r.leaveOneOut(x, y, &inverse)
	for i := range p {
		for j := range i + 1 {
			r.covariance = append(r.covariance, inverse.At(i, j)*r.residual*r.residual)
		}
	}
	return r, nil
}

func (r *ridge) leaveOneOut(x *mat.Dense, y []float64, inverse mat.Symmetric) {
	n, p := x.Dims()
	row := mat.NewVecDense(p, nil)
	var half mat.VecDense
	var squares float64
	for i := range n {
		row.CopyVec(x.RowView(i))
		half.MulVec(inverse, row)
		h := math.Min(mat.Dot(row, &half), 0.999) // one mix that alone decides a coefficient has h = 1
		e := y[i] - mat.Dot(row, mat.NewVecDense(p, r.coefficients))
		r.left[i], r.leverage[i] = e/(1-h), h
		squares += r.left[i] * r.left[i]
	}
	r.residual = math.Sqrt(squares / float64(n))
}

// unscale expresses coefficients and covariance in the columns' own units.
func (r *ridge) unscale(scales []float64) {
	unit := append([]float64{1}, scales...)
	at := 0
	for i := range r.coefficients {
		r.coefficients[i] /= unit[i]
		for j := range i + 1 {
			r.covariance[at] /= unit[i] * unit[j]
			at++
		}
	}
}
