package firm

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestFeature(t *testing.T) {
	// Deviations −1.5, −0.5, 0.5, 1.5 and −3, 1, −1, 3: products 4.5 − 0.5 − 0.5 + 4.5 = 8, squares 5 and 20: 8/√100.
	// The median of 1, 2, 3, 4 is the second, the 99th percentile the last.
	f := FeatureOf([]float64{1, 2, 3, 4}, []float64{2, 6, 4, 8})
	if math.Abs(f.Importance-0.8) > 1e-12 || f.Congestion != 2 {
		t.Errorf("%+v", f)
	}
	for name, service := range map[string][]float64{"none": nil, "constant": {0, 0, 0}} {
		if f := FeatureOf(service, make([]float64, len(service))); f != (Feature{0, 1}) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	service := make([]float64, 200) // 1 to 200: the median is the 100th, the 99th percentile the 198th
	for i := range service {
		service[i] = float64(i + 1)
	}
	if f := FeatureOf(service, service); math.Abs(f.Importance-1) > 1e-12 || f.Congestion != 1.98 {
		t.Errorf("%+v", f)
	}
}

// The kernel learns what no line divides: critical are those of which both features are large or both small. Learning goes on with
// the next batch.
func TestLearn(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) (features []Feature, critical []bool) {
		for range n {
			f := Feature{2*random.Float64() - 1, math.Exp(2 * random.NormFloat64())}
			features = append(features, f)
			critical = append(critical, (f.Importance > 0) == (f.Congestion > 1))
		}
		return features, critical
	}
	right := func(s *SVM) float64 {
		features, critical := draw(2000)
		n := 0.0
		for i, f := range features {
			if s.Score(f) > 0 == critical[i] {
				n++
			}
		}
		return n / 2000
	}
	s := New(random)
	if got := right(s); got > 0.65 {
		t.Errorf("%.3f right before anything was learnt", got)
	}
	for range 5 {
		features, critical := draw(300)
		s.Learn(features, critical, random)
	}
	if got := right(s); got < 0.9 {
		t.Errorf("%.3f right", got)
	}
}

// The features approximate the kernel: the mean over many draws of z(x)·z(y) is exp(−γ|x−y|²).
func TestKernel(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	x, y := Feature{0.2, math.Exp(0.5)}, Feature{0.7, math.Exp(-0.3)}
	sum := 0.0
	const draws = 400
	for range draws {
		s := New(random) // nothing seen: features are not standardised
		a, b := s.lift(x), s.lift(y)
		for k := range a {
			sum += a[k] * b[k] / draws
		}
	}
	if want := math.Exp(-gamma * (0.25 + 0.64)); math.Abs(sum-want) > 0.02 { // one term has a deviation below 1, and there are 40,000: 0.005
		t.Errorf("%.4f, want %.4f", sum, want)
	}
}
