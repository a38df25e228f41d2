package belief_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func diagonal(values ...float64) *mat.SymDense {
	s := mat.NewSymDense(len(values), nil)
	for i, v := range values {
		s.SetSym(i, i, v)
	}
	return s
}

// By hand: prior (0, 0) with variances 4 and 1; z = (1, 2), so z·x has mean 0 and variance 4 + 4 = 8. Seen: 3 with an error variance of 1, total 9. The
// gain is Pz/9 = (4/9, 2/9): mean (12/9, 6/9). Covariance: P − Pz z'P/9 = [4 − 16/9, −8/9; −8/9, 1 − 4/9].
func TestOneStepByHand(t *testing.T) {
	t.Parallel()
	b := belief.Normal{Mean: []float64{0, 0}, Covariance: diagonal(4, 1)}
	mean, variance := b.Predict([]float64{1, 2})
	near(t, "mean before", mean, 0)
	near(t, "variance before", variance, 8)
	b.Observe([]float64{1, 2}, 3, 1)
	near(t, "first", b.Mean[0], 12.0/9)
	near(t, "second", b.Mean[1], 6.0/9)
	near(t, "variance of the first", b.Covariance.At(0, 0), 20.0/9)
	near(t, "covariance", b.Covariance.At(0, 1), -8.0/9)
	near(t, "variance of the second", b.Covariance.At(1, 1), 5.0/9)
}

// One by one is the same as the regression of all at once, (P⁻¹ + Z'Z/r)⁻¹ Z'y/r.
func TestStepsAreTheRegression(t *testing.T) {
	t.Parallel()
	const n, rows, variance = 5, 40, 0.3
	r := rand.New(rand.NewPCG(1, 1))
	b := belief.Normal{Mean: make([]float64, n), Covariance: diagonal(1, 2, 3, 0.5, 0.1)}
	precision, right := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for i := range n {
		precision.SetSym(i, i, 1/b.Covariance.At(i, i))
	}
	for range rows {
		z := make([]float64, n)
		for i := range z {
			z[i] = r.NormFloat64()
		}
		y := r.NormFloat64()
		b.Observe(z, y, variance)
		v := mat.NewVecDense(n, z)
		precision.SymRankOne(precision, 1/variance, v)
		right.AddScaledVec(right, y/variance, v)
	}
	var chol mat.Cholesky
	var mean mat.VecDense
	var covariance mat.SymDense
	if !chol.Factorize(precision) || chol.SolveVecTo(&mean, right) != nil || chol.InverseTo(&covariance) != nil {
		t.Fatal("the regression has no solution")
	}
	for i := range n {
		near(t, "mean", b.Mean[i], mean.AtVec(i))
		for j := range n {
			near(t, "covariance", b.Covariance.At(i, j), covariance.At(i, j))
		}
	}
}

// By hand in one dimension: variance 1, prior 4, a quarter kept: precision 0.25·1 + 0.75/4 = 0.4375. Kept nothing, it is the prior's; twice half is once a
// quarter.
func TestForget(t *testing.T) {
	t.Parallel()
	b := belief.Normal{Mean: []float64{7}, Covariance: diagonal(1)}
	prior := diagonal(4)
	if err := b.Forget(0.25, prior); err != nil {
		t.Fatal(err)
	}
	near(t, "variance", b.Covariance.At(0, 0), 1/0.4375)
	near(t, "mean", b.Mean[0], 7)
	twice := belief.Normal{Mean: []float64{7}, Covariance: diagonal(1)}
	for range 2 {
		if err := twice.Forget(0.5, prior); err != nil {
			t.Fatal(err)
		}
	}
	near(t, "twice half", twice.Covariance.At(0, 0), 1/0.4375)
	if err := b.Forget(0, prior); err != nil {
		t.Fatal(err)
	}
	near(t, "variance with nothing kept", b.Covariance.At(0, 0), 4)
	certain := belief.Normal{Mean: []float64{1, 1}, Covariance: mat.NewSymDense(2, nil)}
	if err := certain.Forget(0.5, diagonal(1, 1)); err != nil || certain.Covariance.At(0, 0) != 0 {
		t.Errorf("what is certain stays so: %v %v", certain.Covariance.At(0, 0), err)
	}
	if err := certain.Forget(0.5, mat.NewSymDense(2, nil)); err == nil {
		t.Error("a prior that is certain is taken to forget towards")
	}
}

func TestPackIsTheReverseOfUnpack(t *testing.T) {
	t.Parallel()
	packed := []float64{1, 2, 3, 4, 5, 6} // rows 1; 2 3; 4 5 6
	s := belief.Unpack(packed, 3)
	near(t, "at 2, 1", s.At(2, 1), 5)
	near(t, "at 1, 2", s.At(1, 2), 5)
	for i, x := range belief.Pack(s) {
		near(t, "packed", x, packed[i])
	}
}

// A clone shares nothing, and what is certain or says nothing teaches nothing.
func TestCloneAndNothingToLearn(t *testing.T) {
	t.Parallel()
	b := belief.Normal{Mean: []float64{1}, Covariance: diagonal(1)}
	c := b.Clone()
	c.Observe([]float64{1}, 5, 1)
	near(t, "the original's mean", b.Mean[0], 1)
	near(t, "the original's variance", b.Covariance.At(0, 0), 1)
	b.Observe([]float64{0}, 9, 1)
	near(t, "mean after a row of zeros", b.Mean[0], 1)
}
