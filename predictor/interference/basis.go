package interference

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// basis returns each class's pressure and presence vector. Up to rank classes they are the unit vectors: every class presses in
// its own way. Beyond, they are the leading right singular vectors of the effect matrices of a plain fit, times the root of their
// singular values.
func basis(ds *Dataset, targets [][]sample, rank int) (pressure, presence [][]float64, err error) {
	n := len(ds.Classes)
	if n <= rank {
		for i := range n {
			unit := make([]float64, rank)
			unit[i] = 1
			pressure, presence = append(pressure, unit), append(presence, unit)
		}
		return pressure, presence, nil
	}
	count, present := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for t, samples := range targets {
		b, err := plainFit(samples, t, n)
		if err != nil {
			return nil, nil, fmt.Errorf("fitting class %s: %w", ds.Classes[t], err)
		}
		count.SetRow(t, b[1:1+n])
		present.SetRow(t, b[1+n:])
	}
	if pressure, err = leading(count, rank); err != nil {
		return nil, nil, err
	}
	presence, err = leading(present, rank)
	return pressure, presence, err
}

// plainPenalty is the ridge penalty of the plain fit: with more terms than mixes it has to shrink firmly; the cut to MaxRank
// follows.
const plainPenalty = 1

// plainFit regresses one class on every class's load and presence: intercept, n count effects, n presence effects.
func plainFit(samples []sample, t, n int) ([]float64, error) {
	rows := make([][]float64, len(samples))
	y := make([]float64, len(samples))
	for i, s := range samples {
		z := make([]float64, 2*n)
		for _, l := range s.mix {
			if units := l.neighbours(t); units > 0 {
				z[l.Class] = units
				z[n+l.Class] = 1
			}
		}
		rows[i], y[i] = z, s.log
	}
	scales := columnScales(rows)
	r, err := solveRidge(design(rows, scales), y, plainPenalty)
	if err != nil {
		return nil, err
	}
	r.unscale(scales)
	return r.coefficients, nil
}

// leading returns V·sqrt(S) of the matrix's first rank singular values, a row a class.
func leading(m *mat.Dense, rank int) ([][]float64, error) {
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDThin) {
		return nil, fmt.Errorf("singular values of the %T did not converge", m)
	}
	var v mat.Dense
	svd.VTo(&v)
	values := svd.Values(nil)
	n, _ := v.Dims()
	vectors := make([][]float64, n)
	for i := range vectors {
		vectors[i] = make([]float64, rank)
		for d := range rank {
			vectors[i][d] = significant(v.At(i, d) * math.Sqrt(values[d]))
		}
	}
	return vectors, nil
}
