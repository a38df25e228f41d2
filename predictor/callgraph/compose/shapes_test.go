package compose

import (
	"math/rand/v2"
	"testing"
)

// The derivatives by shapes against differences of quantiles, through series, calls that are alike, and parallel parts of calls and of
// series; by means they are those of QuantileSlopes.
func TestShapeSlopes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	alike := Part{Series: []Part{{Service: 0, Calls: 2, Alike: true}, {Service: 1, Calls: 3}}}
	branches := Part{Series: []Part{{Service: 2, Calls: 1}, {Parallel: []Part{{Service: 0, Calls: 2}, {Service: 1, Calls: 1, Alike: true}}}}}
	only := Part{Parallel: []Part{{Service: 2, Calls: 1}, {Series: []Part{{Service: 0, Calls: 1}, {Service: 1, Calls: 1}}}}}
	deep := Part{Series: []Part{{Service: 1, Calls: 1}, only}}
	for _, patterns := range [][]Part{{alike}, {branches}, {only}, {deep}, {{Service: 0, Calls: 1.5}}, {alike, branches, {Service: 2, Calls: 1}}} {
		times, shares := make([]Time, 3), make([]float64, len(patterns))
		for i := range times {
			times[i] = Time{Shift: rng.Float64(), Mean: 0.5 + rng.Float64(), Shape: 0.3 + 2*rng.Float64()}
		}
		for i := range shares {
			shares[i] = 1 / float64(len(shares))
		}
		p := 0.3 + 0.69*rng.Float64()
		d := bind(t, times, patterns...)
		at := d.Quantile(shares, p, 0)
		asked := []bool{true, true, false}
		byMean, byShape := d.QuantileShapeSlopes(shares, at, asked)
		for i, want := range d.QuantileSlopes(shares, at) {
			near(t, "by the mean", byMean[i], want, 1e-12)
		}
		for i := range times {
			if !asked[i] {
				near(t, "not asked", byShape[i], 0, 0)
				continue
			}
			step := 1e-3 * times[i].Shape
			moved := func(by float64) float64 {
				other := append([]Time(nil), times...)
				other[i].Shape += by
				return bind(t, other, patterns...).Quantile(shares, p, at)
			}
			near(t, "by the shape", byShape[i], (moved(step)-moved(-step))/(2*step), 1e-4)
		}
	}
}
