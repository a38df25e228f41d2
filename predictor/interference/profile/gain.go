package profile

import (
	"math"
	"math/rand/v2"
	"slices"
)

// whatIfs is how many outcomes of a measurement are played through, each decided on for the first so many batches: two of each occupancy.
const (
	whatIfs     = 32
	whatBatches = 8
)

// gain is by how much the mean performance of a placed pod is expected to rise, and the standard error of that number.
type gain struct{ mean, standardError float64 }

// gains plays measurements through: what each alone would be expected to gain, and what all of them together. An outcome moves what is
// believed of all mixes; what the decisions are then worth beyond the decisions as they are now is never less than nothing, and its mean over
// outcomes is the expected value of the measurement.
func (b *belief) gains(options []option, chosen []int, known []decision, rng *rand.Rand) (each []gain, all gain) {
	known = known[:min(len(known), whatBatches)]
	values := make([]float64, len(options))
	for i := range options {
		values[i] = options[i].value
	}
	each = make([]gain, len(chosen))
	for n, c := range chosen {
		signals := b.effects(options, c)
		each[n] = playThrough(known, func() []float64 {
			moved := slices.Clone(values)
			for _, effects := range signals {
				move(moved, effects, rng.NormFloat64())
			}
			return moved
		})
	}
	var signals [][]effect
	for _, c := range chosen {
		signals = append(signals, b.effects(options, c)...)
		b.learn(&options[c])
	}
	all = playThrough(known, func() []float64 {
		moved := slices.Clone(values)
		for _, effects := range signals {
			move(moved, effects, rng.NormFloat64())
		}
		return moved
	})
	return each, all
}

// playThrough is the mean gain over outcomes.
func playThrough(known []decision, outcome func() []float64) gain {
	var total, squares float64
	for range whatIfs {
		g := redecided(known, outcome())
		total += g
		squares += g * g
	}
	var g gain
	g.mean, g.standardError = meanOf(total, squares, whatIfs)
	return g
}

// effect is by how much ln(performance) of a class in a mix moves with one standard deviation of what a measurement shows.
type effect struct {
	option int
	part   *part
	delta  float64
}

func move(values []float64, effects []effect, deviations float64) {
	for _, e := range effects {
		values[e.option] += e.part.moved(deviations * e.delta)
	}
}

// effects are those of a measurement, by class of the measured mix.
func (b *belief) effects(options []option, measured int) [][]effect {
	out := make([][]effect, len(options[measured].parts))
	for k := range out {
		p := &options[measured].parts[k]
		signal, variance := b.signal(p)
		scale := 1 / math.Sqrt(math.Max(variance, math.SmallestNonzeroFloat64))
		for i := range options {
			for j := range options[i].parts {
				q := &options[i].parts[j]
				if q.class != p.class {
					continue
				}
				covariance := dot(q.features, signal)
				if i == measured {
					covariance += p.own
				}
				out[k] = append(out[k], effect{i, q, covariance * scale})
			}
		}
	}
	return out
}

// redecided is what the mean pod gains if decisions are made anew by other values.
func redecided(known []decision, values []float64) float64 {
	var g float64
	for _, now := range known {
		p := now.plan.from()
		g += (p.solve(values) - now.plan.value(values)) / now.density / float64(len(known))
	}
	return math.Max(g, 0)
}
