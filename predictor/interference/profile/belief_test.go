package profile

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// synthetic is a model of so many classes with random laws, of which a part of the pairs was never measured where there are more than
// 8 classes.
func synthetic(t testing.TB, classes int, seed uint64) *interference.Model {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	rank := min(classes, interactions.MaxDims)
	d := interference.Document{Format: interference.Format, Rank: rank}
	numbers := func(n int, scale float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = laws.Significant(scale * random.NormFloat64())
		}
		return out
	}
	for i := range classes {
		width := 1 + 2*rank
		c := interference.Class{
			Name: string(rune('a'+i%26)) + string(rune('a'+i/26)), Pressure: numbers(rank, 0.1), Presence: numbers(rank, 0.1),
			Response: numbers(width, 0.1), ResidualStdDev: 0.05, NoiseStdDev: 0.03, NoiseDegrees: 50, IntervalScale: 1.7,
			Min: 1e-3, Max: 1e3, MaxUnits: 5, ExtrapolationStdDev: 0.04, Observations: 10,
		}
		// A covariance A·A' with random A.
		factor := make([][]float64, width)
		for r := range factor {
			factor[r] = numbers(width, 0.03)
		}
		for r := range width {
			for s := range r + 1 {
				c.Covariance = append(c.Covariance, dot(factor[r], factor[s]))
			}
		}
		if classes > rank {
			c.UnseenLoadStdDev, c.UnseenPresenceStdDev = 0.05, 0.1
			c.Seen = "" // set below
			b := make([]byte, (classes+7)/8)
			for k := range b {
				b[k] = byte(random.Uint32())
			}
			const hex = "0123456789abcdef"
			for _, x := range b {
				c.Seen += string(hex[x>>4]) + string(hex[x&15])
			}
		}
		d.Classes = append(d.Classes, c)
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What the belief takes for the variance of a measurement is what the model's own interval rests on: it is 1.645 standard deviations wide on
// either side of the logarithm.
func TestBeliefIsTheModels(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{3, 20} {
		m := synthetic(t, classes, 7)
		focus := []int{0, 1, 2}
		if classes > 8 {
			focus = []int{0, 3, 5, 8, 13}
		}
		b := newBelief(m, focus)
		options, err := b.options(focus, 8)
		if err != nil {
			t.Fatal(err)
		}
		var compared, extrapolated, unseen int
		for _, o := range options {
			for k := range o.parts {
				p, z := &o.parts[k], o.parts[k].features
				_, variance := b.signal(p)
				prediction := m.Predict(o.mix, p.class)
				width := math.Log(prediction.Hi/prediction.Mean) / laws.NormalScale
				if math.Abs(variance-width*width) > 1e-6*variance {
					t.Fatalf("%d classes, class %d in %v: variance of a measurement is %.8f, the model's interval says %.8f", classes, p.class, o.mix, variance, width*width)
				}
				compared++
				if z[1+2*b.doc.Rank] > 0 {
					extrapolated++
				}
				if len(z) > 2+2*b.doc.Rank && z[3+2*b.doc.Rank] > 0 {
					unseen++
				}
			}
		}
		if compared == 0 || extrapolated == 0 || classes > 8 && unseen == 0 {
			t.Errorf("compared %d, of which %d beyond what was measured and %d with an unseen neighbour", compared, extrapolated, unseen)
		}
	}
}

// One coefficient of variance 4 felt as 1 in mix A and 2 in mix B, residuals 1, noise 3. A measurement of A has variance 4+1+3 = 8 and
// covariance 4 with the coefficient, which keeps 4 − 16/8 = 2; A's residual keeps 1 − 1/8. One of B then has 4·2+1+3 = 12 and covariance
// 2·2 = 4, and leaves 2 − 16/12 = 2/3.
func TestLearn(t *testing.T) {
	t.Parallel()
	b := &belief{classes: []classBelief{{covariance: [][]float64{{4}}, own: 1, noise: 3}}}
	first, second := option{parts: []part{{features: []float64{1}, own: 1}}}, option{parts: []part{{features: []float64{2}, own: 1}}}
	b.learn(&first)
	if got := b.classes[0].covariance[0][0]; math.Abs(got-2) > 1e-12 || math.Abs(first.parts[0].own-7.0/8) > 1e-12 {
		t.Errorf("after the first, the coefficient's variance is %v, want 2, and the residual's %v, want 7/8", got, first.parts[0].own)
	}
	b.learn(&second)
	if got := b.classes[0].covariance[0][0]; math.Abs(got-2.0/3) > 1e-12 {
		t.Errorf("after the second, the coefficient's variance is %v, want 2/3", got)
	}
}

// The same belief as above, V = 5·exp(...) so that worth is 5, half the nodes hold A and a quarter B: measuring A reduces
// use²·worth²·variance of the law part by (0.25·25·1 + 0.0625·25·4)·16/8 = 12.5·2 = 25, and its own by (0.5·5·1)²/8 = 0.78125.
func TestTells(t *testing.T) {
	t.Parallel()
	b := &belief{classes: []classBelief{{covariance: [][]float64{{4}}, own: 1, noise: 3}}}
	options := []option{
		{parts: []part{{features: []float64{1}, own: 1, worth: 5}}},
		{parts: []part{{features: []float64{2}, own: 1, worth: 5}}},
	}
	use := []float64{0.5, 0.25}
	law, own := b.tells(b.importance(options, use), &options[0], use[0])
	if math.Abs(law[0]-25) > 1e-9 || math.Abs(own[0]-0.78125) > 1e-12 {
		t.Errorf("measuring A tells %v of the law and %v of itself, want 25 and 0.78125", law, own)
	}
	// B: covariance 8 with the coefficient, variance 16+1+3 = 20: 12.5·64/20 = 40, and (0.25·5)²/20. B is chosen first. It leaves a variance of
	// 4 − 64/20 = 0.8; then A tells 12.5·0.64/(0.8+4) + 6.25/4.8, which is more than nothing.
	options[1].measured = false
	chosen := b.choose(options, use, 5)
	if len(chosen) != 2 || chosen[0].at != 1 || math.Abs(chosen[0].law[0]-40) > 1e-9 || math.Abs(chosen[1].law[0]-8/4.8) > 1e-9 {
		t.Errorf("chosen %+v, want B, which tells 40, and A, which then tells 1.667", chosen)
	}
}
