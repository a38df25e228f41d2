package complete

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/population"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// shared is a document whose dimensions stay as they are. How the new class presses is its vectors of pressure and presence, so that on every
// known class it acts like a combination of what the known classes do. Nothing changes for mixes without it.
type shared struct {
	known  interference.Document
	floors [][]float64 // the responses of the known classes, without interactions
	unit   bool        // every class has a dimension of its own, but there is none left
}

func (s *shared) priorPressing() (scaled, error) {
	vectors := make([][]float64, len(s.known.Classes))
	for j := range vectors {
		vectors[j] = slices.Concat(s.known.Classes[j].Pressure, s.known.Classes[j].Presence)
	}
	kinds := repeat(repeat(nil, population.Load, s.known.Rank), population.Presence, s.known.Rank)
	return prior(&population.Sample{Vectors: vectors, Coordinates: kinds, Alike: s.unit, OneEach: s.unit})
}

func (s *shared) priorReacting() (scaled, error) {
	vectors := make([][]float64, len(s.known.Classes))
	for t := range vectors {
		vectors[t] = s.floors[t]
	}
	kinds := repeat(repeat([]population.Kind{population.Intercept}, population.Load, s.known.Rank), population.Presence, s.known.Rank)
	return prior(&population.Sample{Vectors: vectors, Coordinates: kinds, Alike: s.unit})
}

func (s *shared) pressingRow(t int, units float64) []float64 {
	return row(s.known.Classes[t].Response, units)
}

// row times what presses is the effect of so many units on a class of some response.
func row(response []float64, units float64) []float64 {
	z := append([]float64(nil), response[1:]...)
	for d := range len(z) / 2 {
		z[d] *= units
	}
	return z
}

func (s *shared) rest(so *interference.Model, mix interference.Mix, t int) []float64 {
	return so.Row(nil, mix, t)
}

func (s *shared) extend(pressing, reacting belief.Normal, class interference.Class) interference.Document {
	d, r := s.known, s.known.Rank
	class.Pressure, class.Presence = rounded(pressing.Mean[:r]), rounded(pressing.Mean[r:])
	class.Response, class.Covariance = rounded(reacting.Mean), rounded(belief.Pack(reacting.Covariance))
	d.Classes = append(slices.Clone(d.Classes), class)
	n := len(d.Classes)
	for t := range d.Classes {
		c := &d.Classes[t]
		seen := make([]bool, n)
		for j := range n - 1 {
			seen[j] = true
		}
		if known, err := laws.DecodeSeen(c.Seen, n-1); err == nil && t < n-1 {
			copy(seen, known)
		}
		load, presence := unsure(c.Response, pressing)
		c.UnseenLoadStdDev = laws.Significant(common(c.UnseenLoadStdDev, load, seen))
		c.UnseenPresenceStdDev = laws.Significant(common(c.UnseenPresenceStdDev, presence, seen))
		c.Seen = laws.EncodeSeen(seen)
	}
	d.Settings = settings(d.Settings)
	return d
}

// unsure is how unsure the belief about what presses makes the effects of a unit of load and of presence on a class of some response: no
// covariance of a document holds it, so that the new class counts as not seen beside the others, nor beside itself.
func unsure(response []float64, pressing belief.Normal) (load, presence float64) {
	r := len(pressing.Mean) / 2
	z := row(response, 1)
	_, load = pressing.Predict(append(slices.Clone(z[:r]), make([]float64, r)...))
	_, presence = pressing.Predict(append(make([]float64, r), z[r:]...))
	return math.Sqrt(load), math.Sqrt(presence)
}

// common is the one standard deviation that a class has for all that it was not seen beside: the root mean square with that of the last.
func common(before, last float64, seen []bool) float64 {
	unseen := 0.0
	for _, ok := range seen[:len(seen)-1] {
		if !ok {
			unseen++
		}
	}
	return math.Sqrt((unseen*before*before + last*last) / (unseen + 1))
}

// settings gives the new class the mean pressure of the others in every other setting: a machine's shape is common to all.
func settings(of []interference.Setting) []interference.Setting {
	out := slices.Clone(of)
	for i := range out {
		var mean float64
		for _, p := range out[i].Pressure {
			mean += p / float64(len(out[i].Pressure))
		}
		out[i].Pressure = append(slices.Clone(out[i].Pressure), laws.Significant(mean))
	}
	return out
}

func rounded(x []float64) []float64 {
	r := make([]float64, len(x))
	for i := range x {
		r[i] = laws.Significant(x[i])
	}
	return r
}
