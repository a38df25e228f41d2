package queueing

import (
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// stream is SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014): it can be started at
// any key, which a draw that belongs to a place in a call tree needs.
type stream struct{ state uint64 }

var _ rand.Source = (*stream)(nil)

// golden is the constant of SplitMix64, 2^64 over the golden ratio; spread is another odd one, of the xxHash family.
const golden, spread = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f

// Uint64 implements rand.Source.
func (s *stream) Uint64() uint64 {
	s.state += golden
	return mix(s.state)
}

// mix is SplitMix64's finaliser.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// derive returns the key of something below another.
func derive(key, place uint64) uint64 { return mix(key + (place+1)*spread) }

// The places of draws that belong to a call but to no stage. Stages follow, two places each.
const (
	placeOut = iota
	placeBack
	placePattern
	placeSpan
	placeStages
)

// draw returns the value of a law at a place below a key.
func (s *Simulation) draw(law *servicegraph.Law, key, place uint64) float64 {
	if law.Kind == servicegraph.Fixed {
		return law.MeanSeconds
	}
	s.stream.state = derive(key, place)
	return law.Draw(s.rng)
}

// uniform returns a number in [0, 1).
func uniform(key, place uint64) float64 { return float64(derive(key, place)>>11) / (1 << 53) }
