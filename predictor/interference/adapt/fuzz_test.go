package adapt_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/complete"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/online"
	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
)

// wild is a document that New takes and no fit would write: coefficients of any size, covariances that are none, classes with and without interactions.
func wild(seed uint64, n, rank, dims int, size float64, own bool) interference.Document {
	r := rand.New(rand.NewPCG(seed, 1))
	numbers := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = size * r.NormFloat64()
		}
		return x
	}
	if own {
		rank = min(n, interference.MaxRank)
	}
	d := interference.Document{Format: interference.Format, Rank: rank}
	if dims = min(dims, rank); dims > 0 {
		d.InteractingDimensions, d.InteractionUnits = dims, 7
	}
	for i := range n {
		c := interference.Class{
			Name: string(rune('a' + i)), Pressure: numbers(rank), Presence: numbers(rank), Response: numbers(1 + 2*rank), Covariance: numbers((1 + 2*rank) * (1 + rank)),
			ResidualStdDev: math.Abs(size * r.NormFloat64()), NoiseStdDev: math.Abs(size * r.NormFloat64()), IntervalScale: r.Float64() * 3, Min: 0.01, Max: 10,
		}
		if own && i < rank {
			c.Pressure, c.Presence = make([]float64, rank), make([]float64, rank)
			c.Pressure[i], c.Presence[i] = 1, 1
		}
		if r.IntN(2) == 0 && dims > 0 {
			c.Interactions = numbers(interactions.Count(dims))
		}
		d.Classes = append(d.Classes, c)
	}
	d.Version = interference.Fingerprint(d)
	return d
}

// Whatever a document holds, a class is completed and measurements are learned, or an error says why not; what comes out is a model again, and finite.
func FuzzAnyModelLearns(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(2), uint8(2), 0.1, true, 0.9)
	f.Add(uint64(2), uint8(8), uint8(8), uint8(8), 0.1, true, 0.5)
	f.Add(uint64(3), uint8(12), uint8(8), uint8(3), 1.0, false, 1.5)
	f.Add(uint64(4), uint8(1), uint8(1), uint8(0), 0.0, true, 1e-3)
	f.Add(uint64(5), uint8(7), uint8(7), uint8(3), 1e3, true, 1e3)
	f.Add(uint64(6), uint8(2), uint8(8), uint8(8), 1e5, false, 0.01)
	f.Fuzz(func(t *testing.T, seed uint64, n, rank, dims uint8, size float64, own bool, performance float64) {
		m, err := interference.New(wild(seed, 1+int(n)%20, 1+int(rank)%8, int(dims)%9, size, own))
		if err != nil {
			return
		}
		class := len(m.Classes())
		probe := interference.MeasuredMix{Classes: []int{0, class}, Units: []float64{2, 1}, Performance: []float64{performance, performance}, Repeats: []int{1, 3}}
		to, err := complete.Extend(m, "new", []interference.MeasuredMix{probe}, time.Time{})
		if err != nil {
			to = m
		}
		u, err := online.New(to, online.HalfLife)
		if err != nil {
			return
		}
		for i := range 30 {
			o := online.Observation{
				Mix: interference.Mix{{Class: 0, Units: 1 + float64(i%4)}}, Performance: []float64{performance}, At: time.Unix(int64(i)*1e6, 0),
			}
			if _, err := u.Observe(o); err != nil {
				return
			}
		}
		now, err := u.Model()
		if err != nil {
			return
		}
		for i := range now.Classes() {
			if p := now.Predict(interference.Mix{{Class: i, Units: 2}}, i); math.IsNaN(p.Mean) || !(p.Lo <= p.Hi) || math.IsInf(p.Hi, 0) {
				t.Errorf("class %d is predicted %+v", i, p)
			}
		}
	})
}
