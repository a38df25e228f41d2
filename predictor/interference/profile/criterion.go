package profile

import "slices"

// importance is what the errors of each class's law cost: the sum over mixes of use²·worth² times the outer product of their features, so
// that trace(importance·covariance) is the variance of what is decided on.
func (b *belief) importance(options []option, use []float64) [][][]float64 {
	out := make([][][]float64, len(b.classes))
	for t := range out {
		n := len(b.classes[t].covariance)
		out[t] = make([][]float64, n)
		for i := range out[t] {
			out[t][i] = make([]float64, n)
		}
	}
	for i := range options {
		if use[i] == 0 {
			continue
		}
		for k := range options[i].parts {
			p := &options[i].parts[k]
			for a, x := range p.features {
				x *= use[i] * use[i] * p.worth * p.worth
				if x == 0 {
					continue
				}
				for c, y := range p.features {
					out[p.class][a][c] += x * y
				}
			}
		}
	}
	return out
}

// tells is how much a measurement reduces sum over mixes of use²·variance of the value: by class of the mix what it tells of the law, and
// what of this very mix.
func (b *belief) tells(importance [][][]float64, o *option, use float64) (law, own []float64) {
	law, own = make([]float64, len(o.parts)), make([]float64, len(o.parts))
	for k := range o.parts {
		p := &o.parts[k]
		signal, variance := b.signal(p)
		if variance <= 0 {
			continue
		}
		var q float64
		for a, row := range importance[p.class] {
			if signal[a] != 0 {
				q += signal[a] * dot(row, signal)
			}
		}
		law[k] = q / variance
		x := use * p.worth * p.own
		own[k] = x * x / variance
	}
	return law, own
}

// choice is a mix to measure and what it tells.
type choice struct {
	at       int
	law, own []float64 // by class of the mix
}

// choose picks mixes that were not measured one after the other, each the one that tells most if those before it are known. The belief
// and the options are changed: they have learned them.
func (b *belief) choose(options []option, use []float64, n int) []choice {
	var out []choice
	importance := b.importance(options, use)
	for len(out) < n {
		var best choice
		most := 0.0
		for i := range options {
			if options[i].measured || slices.ContainsFunc(out, func(c choice) bool { return c.at == i }) {
				continue
			}
			law, own := b.tells(importance, &options[i], use[i])
			if s := sum(law) + sum(own); s > most {
				most, best = s, choice{i, law, own}
			}
		}
		if most == 0 {
			break
		}
		b.learn(&options[best.at])
		out = append(out, best)
	}
	return out
}

func sum(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	return s
}
