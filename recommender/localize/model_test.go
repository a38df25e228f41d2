package localize

import (
	"math"
	"math/rand/v2"
	"testing"
)

// draw makes examples that follow known weights.
func draw(source *rand.Rand, n int, weights [Number]float64) []Example {
	list := make([]Example, n)
	for i := range list {
		list[i].Inputs[0] = 1
		for k := 1; k < Number; k++ {
			list[i].Inputs[k] = source.NormFloat64()
		}
		list[i].Cause = source.Float64() < sigmoid(dot(weights, list[i].Inputs))
	}
	return list
}

var truth = [Number]float64{-1, 2, 1, -1, 0, 0.5, 1.5}

// At the weights found the gradient of the posterior vanishes, and the covariance is the inverse of its curvature.
func TestTrain(t *testing.T) {
	list := draw(rand.New(rand.NewPCG(1, 2)), 300, truth)
	prior := Ridge()
	m := Train(prior, list)
	var gradient [Number]float64
	var curvature [Number][Number]float64
	for i := range gradient {
		gradient[i] = (prior.Weights[i] - m.Weights[i]) / prior.Covariance[i][i]
		curvature[i][i] = 1 / prior.Covariance[i][i]
	}
	for _, e := range list {
		p := sigmoid(dot(m.Weights, e.Inputs))
		for i, x := range e.Inputs {
			gradient[i] += (e.outcome() - p) * x
			for k, y := range e.Inputs {
				curvature[i][k] += p * (1 - p) * x * y
			}
		}
	}
	for i := range gradient {
		if math.Abs(gradient[i]) > 1e-6 {
			t.Errorf("gradient %d is %g", i, gradient[i])
		}
		for k := range gradient {
			want := 0.0
			if i == k {
				want = 1
			}
			if got := dot(curvature[i], m.Covariance[k]); !near(got, want, 1e-6) {
				t.Errorf("curvature times covariance %d, %d: %g", i, k, got)
			}
		}
		if sd := math.Sqrt(m.Covariance[i][i]); math.Abs(m.Weights[i]-truth[i]) > 4*sd {
			t.Errorf("weight %d: %.2f ± %.2f, is %g", i, m.Weights[i], sd, truth[i])
		}
	}
}

// Separable examples have no largest likelihood; the ridge bounds the weights.
func TestTrainSeparable(t *testing.T) {
	m := Train(Ridge(), []Example{{Inputs{1, 1}, true}, {Inputs{1, -1}, false}, {Inputs{1, 1}, true}})
	if w := m.Weights[1]; !(w > 0.5 && w < 10) || m.Weights[2] != 0 {
		t.Errorf("%v", m.Weights)
	}
	if again := Train(Ridge(), nil); again != Ridge() {
		t.Error("without examples the prior should stay")
	}
}

// One by one the examples lead to about where all at once do.
func TestUpdate(t *testing.T) {
	list := draw(rand.New(rand.NewPCG(3, 4)), 2000, truth)
	online, whole := Ridge(), Train(Ridge(), list)
	for _, e := range list {
		before, _, _ := online.Probability(e.Inputs)
		online.Update(e)
		after, _, _ := online.Probability(e.Inputs)
		if e.Cause && after < before-0.01 || !e.Cause && after > before+0.01 { // the narrower weights alone may move it a little
			t.Fatalf("from %g to %g by an example that is %v", before, after, e.Cause)
		}
	}
	for i := range online.Weights {
		if sd := math.Sqrt(whole.Covariance[i][i]); math.Abs(online.Weights[i]-whole.Weights[i]) > 1.5*sd {
			t.Errorf("weight %d: %.3f one by one, %.3f at once (±%.3f)", i, online.Weights[i], whole.Weights[i], sd)
		}
		if ratio := online.Covariance[i][i] / whole.Covariance[i][i]; ratio < 0.7 || ratio > 1.4 {
			t.Errorf("variance %d: ratio %.2f", i, ratio)
		}
	}
}

// MacKay's approximation against the mean over draws of the weight.
func TestProbability(t *testing.T) {
	m := Model{Weights: [Number]float64{-2, 1}}
	m.Covariance[0][0], m.Covariance[1][1], m.Covariance[0][1], m.Covariance[1][0] = 1, 0.5, -0.2, -0.2
	// mean −2 + 2 = 0 and variance 1 + 4·0.5 − 2·2·0.2 = 2.2 at (1, 2): one half, and σ(±1.645·√2.2).
	p, low, high := m.Probability(Inputs{1, 2})
	if !near(p, 0.5, 1e-12) || !near(low, sigmoid(-2.43993), 1e-5) || !near(high, sigmoid(2.43993), 1e-5) {
		t.Errorf("%g (%g to %g)", p, low, high)
	}
	source := rand.New(rand.NewPCG(5, 6))
	sum := 0.0
	const draws = 200_000
	for range draws {
		sum += sigmoid(-2+source.NormFloat64()) / draws
	}
	if p, _, _ := m.Probability(Inputs{1}); !near(p, sum, 0.01) {
		t.Errorf("%g, by draws %g", p, sum)
	}
}
