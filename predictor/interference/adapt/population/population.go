// Package population is what classes have in common: the belief about the coefficients of one more class, from those of the known ones.
//
// Median and covariance over the classes, the covariance shrunk to a simple target, because few classes say little about many
// covariances. How strongly is what predicts each class best from the others.
package population

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Kind is what a coefficient is the effect of.
type Kind int

// The kinds.
const (
	Intercept Kind = iota // ln(performance) alone
	Load                  // a unit of load
	Presence              // something being there
	kinds
)

// What is believed of the variances before any class is known, and what that counts for in degrees of freedom: the standard deviations that a
// fit starts from (package laws).
var start = [kinds]float64{0.05 * 0.05, 0.1 * 0.1, 0.2 * 0.2}

const startWeight = 4

// weights are what the target of the covariance may count for, in classes.
var weights = []float64{1, 2, 4, 8, 16, 32, 64}

// Prior is the belief about one more class: normal.
type Prior struct {
	Mean []float64
	// Covariance is that of one more class, the uncertainty of the centre of few classes included.
	Covariance *mat.SymDense
	// Weight is what the target counted for against the classes, in classes. Degrees are the degrees of freedom of the covariance's size.
	Weight, Degrees float64
}

// Sample are the known classes.
type Sample struct {
	// Vectors are the coefficients of each class, at least one, all as long as Coordinates, which say the kind of each.
	Vectors     [][]float64
	Coordinates []Kind
	// Alike says that coordinates of a kind are effects of different classes, so that their variances are alike and their correlations too (a
	// sensitive class is sensitive to all); else they are learned dimensions, uncorrelated unless the classes show it.
	Alike bool
	// OneEach says that each class has but its own coordinate of each kind, so that a median would be of zeros: the centre is the mean.
	OneEach bool
}

// Prior is the belief about one more class. Its centre is the median over the classes: one that is unlike all others, of seven, says nothing of the
// eighth.
func (s *Sample) Prior() (*Prior, error) {
	if len(s.Vectors) == 0 {
		return nil, fmt.Errorf("no class is known, expected at least one to learn from")
	}
	at := weights[len(weights)-1] // of one or two classes nothing can be said
	if len(s.Vectors) > 2 {
		fits, err := s.leaveOneOut()
		if err != nil {
			return nil, err
		}
		at = weights[floats.MaxIdx(fits)]
	}
	all := s.without(none)
	return &Prior{Mean: all.centre, Covariance: all.covariance(at), Weight: at, Degrees: startWeight + float64(len(s.Vectors)) - 1}, nil
}

// leaveOneOut is the log likelihood of each class under the prior from the others, summed, for each weight.
func (s *Sample) leaveOneOut() ([]float64, error) {
	sums := make([]float64, len(weights))
	for left := range s.Vectors {
		others := s.without(left)
		e := mat.NewVecDense(len(s.Coordinates), nil)
		for i, x := range s.Vectors[left] {
			e.SetVec(i, x-others.centre[i])
		}
		for i, weight := range weights {
			var chol mat.Cholesky
			if !chol.Factorize(others.covariance(weight)) {
				return nil, fmt.Errorf("covariance of %d coefficients over %d classes is not positive definite", e.Len(), len(s.Vectors)-1)
			}
			var solved mat.VecDense
			if err := chol.SolveVecTo(&solved, e); err != nil {
				return nil, fmt.Errorf("likelihood of a class: %w", err)
			}
			sums[i] -= (mat.Dot(e, &solved) + chol.LogDet()) / 2
		}
	}
	return sums, nil
}

// moments are what some classes say.
type moments struct {
	centre          []float64
	chance          float64 // the variance of the centre for a variance of 1
	scatter, target *mat.SymDense
	degrees         float64 // of freedom of the scatter
}

// covariance is that of one more class if the target counts for so many.
func (m *moments) covariance(weight float64) *mat.SymDense {
	width := len(m.centre)
	c := mat.NewSymDense(width, nil)
	for i := range width {
		for j := range i + 1 {
			v := (weight*m.target.At(i, j) + m.scatter.At(i, j)) / (weight + m.degrees)
			c.SetSym(i, j, v*(1+m.chance))
		}
	}
	return c
}

// none is no class.
const none = -1

// without is what all classes but one say.
func (s *Sample) without(left int) *moments {
	width := len(s.Coordinates)
	m := &moments{scatter: mat.NewSymDense(width, nil), degrees: -1}
	m.centre, m.chance = s.centre(left)
	deviation := mat.NewVecDense(width, nil)
	for t, v := range s.Vectors {
		if t == left {
			continue
		}
		m.degrees++
		for i, x := range v {
			deviation.SetVec(i, x-m.centre[i])
		}
		m.scatter.SymRankOne(m.scatter, 1, deviation)
	}
	m.target = s.target(m.scatter, m.degrees)
	return m
}

// centre is the median over all classes but one (or the mean), and the variance of that for a variance of 1: π/2n of a median, 1/n of a mean.
func (s *Sample) centre(left int) (centre []float64, chance float64) {
	centre = make([]float64, len(s.Coordinates))
	var n float64
	for i := range centre {
		var values []float64
		for t, v := range s.Vectors {
			if t != left {
				values = append(values, v[i])
				centre[i] += v[i]
			}
		}
		n = float64(len(values))
		centre[i] /= n
		if !s.OneEach {
			slices.Sort(values)
			centre[i] = (values[(len(values)-1)/2] + values[len(values)/2]) / 2
		}
	}
	if s.OneEach {
		return centre, 1 / n
	}
	return centre, math.Pi / 2 / n
}

// target is the simple covariance that few classes are shrunk to: a variance for each kind (alike) or coordinate, and within a kind the
// mean correlation.
func (s *Sample) target(scatter *mat.SymDense, degrees float64) *mat.SymDense {
	width := len(s.Coordinates)
	t := mat.NewSymDense(width, nil)
	var squares, products, n, pairs [kinds]float64
	for i, a := range s.Coordinates {
		squares[a] += scatter.At(i, i)
		n[a]++
		for j := range i {
			if s.Coordinates[j] == a {
				products[a] += scatter.At(i, j) / math.Sqrt(max(scatter.At(i, i)*scatter.At(j, j), 1e-12))
				pairs[a]++
			}
		}
	}
	variances := make([]float64, width)
	for i, a := range s.Coordinates {
		around := start[a]
		if s.Alike {
			around = (startWeight*start[a] + squares[a]) / (startWeight + degrees*n[a])
		}
		variances[i] = (startWeight*around + scatter.At(i, i)) / (startWeight + degrees)
		t.SetSym(i, i, variances[i])
		for j := range i {
			if s.Alike && s.Coordinates[j] == a && pairs[a] > 0 {
				t.SetSym(i, j, correlation(products[a]/pairs[a])*math.Sqrt(variances[i]*variances[j]))
			}
		}
	}
	return t
}

// correlation keeps a mean correlation within what leaves the target positive definite.
func correlation(mean float64) float64 { return min(max(mean, 0), 0.9) }
