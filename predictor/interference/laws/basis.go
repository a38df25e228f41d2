package laws

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/regression"
)

// interactingDims is how many of the leading dimensions interact where classes have none of their own: with three, a class has 33
// terms for it, with eight 143, which neither the data nor an object of 200 classes have room for.
const interactingDims = 3

// basis returns the terms of a regression. Up to interactions.MaxDims classes every class presses in its own way: unit vectors. Beyond, the
// vectors are the leading right singular vectors of the effect matrices of a regression with terms for every class, times the root
// of their singular values.
func basis(classes int, targets [][]sample) (*terms, error) {
	rank := min(classes, interactions.MaxDims)
	own := make([][]float64, classes)
	for i := range own {
		own[i] = make([]float64, classes)
		own[i][i] = 1
	}
	every := &terms{pressure: own, presence: own, rank: classes, own: true}
	if classes == rank {
		every.seen = make([][]bool, classes)
		every.inner = &interactions.Directions{Pressure: own, Presence: own, Dims: rank, Unit: true, Most: heaviest(targets)}
		return every, nil
	}
	seen := make([][]bool, classes)
	loads, presences := mat.NewDense(classes, classes, nil), mat.NewDense(classes, classes, nil)
	for t, samples := range targets {
		seen[t] = beside(samples, t, classes)
		if len(samples) == 0 {
			continue // no effect on it is known
		}
		effects, err := every.effects(samples, t)
		if err != nil {
			return nil, fmt.Errorf("class %d: %w", t, err)
		}
		loads.SetRow(t, effects[1:1+classes])
		presences.SetRow(t, effects[1+classes:])
	}
	pressure, err := leading(loads, rank)
	if err != nil {
		return nil, err
	}
	presence, err := leading(presences, rank)
	if err != nil {
		return nil, err
	}
	return &terms{
		inner:    &interactions.Directions{Pressure: pressure, Presence: presence, Dims: interactingDims, Most: heaviest(targets)},
		pressure: pressure, presence: presence, rank: rank, seen: seen,
		unseenLoad: spread(loads, seen, startLoad), unseenPresence: spread(presences, seen, startPresence),
	}, nil
}

// heaviest is the largest load that any container had as neighbours, at least 1.
func heaviest(targets [][]sample) float64 {
	most := 1.0
	for t, samples := range targets {
		for _, s := range samples {
			most = math.Max(most, s.mix.Beside(t))
		}
	}
	return most
}

// beside lists the classes that one container of t had as neighbours in any sample.
func beside(samples []sample, t, classes int) []bool {
	seen := make([]bool, classes)
	for _, s := range samples {
		for _, l := range s.mix {
			if l.Neighbours(t) > 0 {
				seen[l.Class] = true
			}
		}
	}
	return seen
}

// spread is the standard deviation of the seen effects around the mean of their row, over all rows. The start counts for
// startWeight effects: those of few data were shrunk to the mean.
func spread(effects *mat.Dense, seen [][]bool, start float64) float64 {
	squares, n := startWeight*start*start, float64(startWeight)
	for t, row := range seen {
		var mean, count float64
		for j, ok := range row {
			if ok {
				mean += effects.At(t, j)
				count++
			}
		}
		mean /= max(count, 1)
		for j, ok := range row {
			if ok {
				e := effects.At(t, j) - mean
				squares += e * e
				n++
			}
		}
	}
	return math.Sqrt(squares / n)
}

// effects is the posterior mean of a class's response under the starting priors, in the document's terms. With more terms than
// mixes it is solved in the mixes' space, D x'(x D x' + residual)⁻¹ y, which is the same.
func (s *terms) effects(samples []sample, t int) ([]float64, error) {
	kinds, p := s.kinds(), start().Prior
	rows, y := s.rows(samples, t)
	const residual = startResidual * startResidual
	if len(rows) >= len(kinds) {
		post, err := regression.New(kinds, rows, y).Solve(p, residual, 0)
		if err != nil {
			return nil, err
		}
		return s.means(post.Mean), nil
	}
	n := len(rows)
	x := mat.NewDense(n, len(kinds), nil)
	for i, row := range rows {
		x.SetRow(i, row)
	}
	scaled := mat.DenseCopyOf(x)
	scaled.Apply(func(_, j int, v float64) float64 { return v * p[kinds[j]] }, scaled)
	var kernel mat.Dense
	kernel.Mul(scaled, x.T())
	symmetric := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			symmetric.SetSym(i, j, kernel.At(i, j))
		}
		symmetric.SetSym(i, i, symmetric.At(i, i)+residual)
	}
	var chol mat.Cholesky
	if !chol.Factorize(symmetric) {
		return nil, fmt.Errorf("kernel of %d mixes is not positive definite", n)
	}
	var weights, mean mat.VecDense
	if err := chol.SolveVecTo(&weights, mat.NewVecDense(n, y)); err != nil {
		return nil, fmt.Errorf("solving the kernel: %w", err)
	}
	mean.MulVec(scaled.T(), &weights)
	return s.means(mean.RawVector().Data), nil
}

// means adds the mean effect to each class's deviation: intercept, load effects, presence effects.
func (s *terms) means(v []float64) []float64 {
	out := make([]float64, 1+2*s.rank)
	out[0] = v[0]
	for d := range s.rank {
		out[1+d] = v[1] + v[3+d]
		out[1+s.rank+d] = v[2] + v[3+s.rank+d]
	}
	return out
}

func (s *terms) rows(samples []sample, t int) (rows [][]float64, y []float64) {
	most := heaviestBeside(samples, t)
	for _, sample := range samples {
		rows, y = append(rows, s.row(sample.mix, t, most)), append(y, sample.fitted)
	}
	return rows, y
}

// leading returns V·sqrt(S) of the matrix's first rank singular values, a row a class.
func leading(m *mat.Dense, rank int) ([][]float64, error) {
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDThin) {
		n, _ := m.Dims()
		return nil, fmt.Errorf("singular values of the effects of %d classes did not converge", n)
	}
	var v mat.Dense
	svd.VTo(&v)
	values := svd.Values(nil)
	n, _ := v.Dims()
	vectors := make([][]float64, n)
	for i := range vectors {
		vectors[i] = make([]float64, rank)
		for d := range rank {
			vectors[i][d] = Significant(v.At(i, d) * math.Sqrt(values[d]))
		}
	}
	return vectors, nil
}
