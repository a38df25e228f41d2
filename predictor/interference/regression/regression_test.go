package regression

import (
	"math"
	"math/rand/v2"
	"testing"
)

// One term, two observations y = 1 and 2 at x = 1: precision 2/0.5 + 1/0.25 = 8, mean (3/0.5)/8 = 0.75, variance 1/8.
func TestSolveByHand(t *testing.T) {
	t.Parallel()
	post, err := New([]int{0}, [][]float64{{1}, {1}}, []float64{1, 2}).Solve(Prior{0.25}, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := post.Predict([]float64{2})
	if math.Abs(mean-1.5) > 1e-12 || math.Abs(variance-0.5) > 1e-12 {
		t.Errorf("at 2 the law is %v with variance %v, want 1.5 and 4/8", mean, variance)
	}
}

// Two terms, x = (1, 1): precision ((1+1, 1), (1, 1+1)). Given the second, the first has variance 1/2, not its marginal 2/3.
func TestCovarianceGivenTheRest(t *testing.T) {
	t.Parallel()
	post, err := New([]int{0, 0}, [][]float64{{1, 1}}, []float64{1}).Solve(Prior{1}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := post.Covariance.At(0, 0); math.Abs(got-0.5) > 1e-12 {
		t.Errorf("variance of the first term given the second is %v, want 0.5", got)
	}
}

func TestSolveRefusesWhatHasNoSolution(t *testing.T) {
	t.Parallel()
	if _, err := New([]int{0}, [][]float64{{math.NaN()}}, []float64{1}).Solve(Prior{1}, 1, 1); err == nil {
		t.Error("a regression on NaN is solved")
	}
}

// Twenty regressions on terms of three kinds: the first has effects of variance 1, the second none, the third is not learned. Noise
// has variance 0.01.
func TestLearnFindsTheVariances(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	kinds := []int{0, 0, 0, 0, 1, 1, 1, 1, 2}
	var designs []*Design
	for range 20 {
		var effects [4]float64
		for j := range effects {
			effects[j] = rng.NormFloat64()
		}
		var rows [][]float64
		var y []float64
		for range 100 {
			row := make([]float64, len(kinds))
			x := 0.1 * rng.NormFloat64()
			for j := range row {
				row[j] = rng.NormFloat64()
				if j < len(effects) {
					x += row[j] * effects[j]
				}
			}
			rows, y = append(rows, row), append(y, x)
		}
		designs = append(designs, New(kinds, rows, y))
	}
	p, residuals, err := Learn(designs, Start{Prior: Prior{0.1, 0.1, 0.5}, Learned: []bool{true, true, false}, Residual: 1, Weight: 1, Rounds: 15})
	if err != nil {
		t.Fatal(err)
	}
	// 80 effects of variance 1: their mean square has a standard error of sqrt(2/80) = 0.16. What is not there is left with the start's
	// weight: 1·0.1 over 1 and what the data determine of 80 terms.
	if p[0] < 0.5 || p[0] > 1.5 || p[1] > 0.02 || p[2] != 0.5 {
		t.Errorf("variances are %v, want about 1, next to nothing, and 0.5 as it was", p)
	}
	var mean float64
	for _, r := range residuals {
		mean += r / 20
	}
	// 100 observations of variance 0.01, and the start's 1 with the weight of one: (0.95 + 1)/(95 + 1).
	if mean < 0.017 || mean > 0.024 {
		t.Errorf("residual variance is %v, want about 0.0203", mean)
	}
}
