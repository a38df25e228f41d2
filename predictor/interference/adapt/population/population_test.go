package population_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference/adapt/population"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// By hand: two classes of one load effect, 0.1 and 0.5. The centre is 0.3, squares about it 0.04 + 0.04 = 0.08 with one degree of freedom. What all coordinates
// of the kind have in common is (4·0.01 + 0.08)/(4 + 1) = 0.024, the coordinate's own target (4·0.024 + 0.08)/5 = 0.0352. Two classes cannot say how much that
// counts: 64. Covariance (64·0.0352 + 0.08)/65, and π/4 more for the centre of two.
func TestPriorByHand(t *testing.T) {
	t.Parallel()
	s := population.Sample{Vectors: [][]float64{{0.1}, {0.5}}, Coordinates: []population.Kind{population.Load}, Alike: true}
	p, err := s.Prior()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "centre", p.Mean[0], 0.3)
	near(t, "weight", p.Weight, 64)
	near(t, "degrees", p.Degrees, 5)
	near(t, "variance", p.Covariance.At(0, 0), (64*0.0352+0.08)/65*(1+math.Pi/4))
}

// A class unlike all others moves the centre of learned effects by nothing; where each class has its own coordinate the centre is the mean.
func TestCentre(t *testing.T) {
	t.Parallel()
	kinds := []population.Kind{population.Presence}
	odd := population.Sample{Vectors: [][]float64{{0}, {0.01}, {-0.01}, {0.9}, {0}}, Coordinates: kinds, Alike: true}
	p, err := odd.Prior()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "median", p.Mean[0], 0)
	odd.OneEach = true
	if p, err = odd.Prior(); err != nil {
		t.Fatal(err)
	}
	near(t, "mean", p.Mean[0], 0.18)
	if _, err := (&population.Sample{}).Prior(); err == nil {
		t.Error("no class at all is taken for a population")
	}
}

// Many classes of a known covariance give it back: variance 0.04 and correlation 0.8 between the two loads, so that one tells of the other.
func TestManyClassesTellTheCovariance(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	s := population.Sample{Coordinates: []population.Kind{population.Load, population.Load}}
	for range 400 {
		a, b := r.NormFloat64(), r.NormFloat64()
		s.Vectors = append(s.Vectors, []float64{0.2 * a, 0.2 * (0.8*a + 0.6*b)})
	}
	p, err := s.Prior()
	if err != nil {
		t.Fatal(err)
	}
	if v, c := p.Covariance.At(0, 0), p.Covariance.At(0, 1); math.Abs(v-0.04) > 0.008 || math.Abs(c-0.032) > 0.008 {
		t.Errorf("variance %v and covariance %v, want 0.04 and 0.032", v, c)
	}
}

// Few classes of many coordinates still give a covariance that can be inverted, sensitive classes being sensitive to all.
func TestFewClasses(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 2, 3, 7} {
		s := population.Sample{Alike: true}
		for range 8 {
			s.Coordinates = append(s.Coordinates, population.Load)
		}
		for range n {
			common := -0.1 * math.Exp(0.5*r.NormFloat64())
			v := make([]float64, 8)
			for i := range v {
				v[i] = common * (1 + 0.1*r.NormFloat64())
			}
			s.Vectors = append(s.Vectors, v)
		}
		p, err := s.Prior()
		if err != nil {
			t.Fatal(err)
		}
		var chol mat.Cholesky
		if !chol.Factorize(p.Covariance) {
			t.Errorf("%d classes: the covariance is not positive definite", n)
		}
		if c := p.Covariance.At(0, 1) / p.Covariance.At(0, 0); n == 7 && c < 0.5 {
			t.Errorf("correlation %v between effects that have nearly all in common", c)
		}
	}
}
