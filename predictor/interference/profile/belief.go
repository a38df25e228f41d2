package profile

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// leastTrust is the least weight that package interference gives a measurement of a mix against the law.
const leastTrust = 0.75

// belief is what a model is unsure of, in a form in which measurements that are yet to be made can be weighed: for each class the
// covariance of the coefficients of its law, and for each mix a residual of its own. Laws of two classes are independent.
type belief struct {
	model   *interference.Model
	doc     interference.Document
	classes []classBelief // by class of the model; those out of focus are empty
}

// classBelief is the belief about one class: ln(performance in a mix) = mean + features·coefficients + residual of the mix.
type classBelief struct {
	covariance [][]float64
	// own is the variance of the residual of a mix, the lack of fit; noise that of one measurement.
	own, noise float64
	// unseen are the classes in focus that were never beside this one, where the covariance of the law does not show it. Each has two
	// coefficients, of its load and of its presence, after those of the law and the one of extrapolation.
	unseen []int
}

// newBelief takes the belief about the classes in focus from a model.
func newBelief(m *interference.Model, focus []int) *belief {
	b := &belief{model: m, doc: m.Document()}
	b.classes = make([]classBelief, len(b.doc.Classes))
	for _, t := range focus {
		b.classes[t] = newClassBelief(&b.doc, t, focus)
	}
	return b
}

func newClassBelief(doc *interference.Document, t int, focus []int) classBelief {
	c := &doc.Classes[t]
	b := classBelief{noise: c.NoiseStdDev * c.NoiseStdDev}
	// The model's intervals are scaled so that they held what was left out; so is the belief. At least a tenth of the residual is lack of
	// fit, as in package interference.
	scale := c.IntervalScale / laws.NormalScale
	residual := scale * c.ResidualStdDev
	b.own = math.Max(residual*residual-b.noise, 0.01*residual*residual)
	wider := math.Max(scale*scale, 1)
	if c.Seen != "" {
		seen, err := laws.DecodeSeen(c.Seen, len(doc.Classes))
		for _, j := range focus {
			if err == nil && !seen[j] { // a model that was built has no such error
				b.unseen = append(b.unseen, j)
			}
		}
	}
	head := 1 + 2*doc.Rank
	b.covariance = make([][]float64, head+1+2*len(b.unseen))
	for i := range b.covariance {
		b.covariance[i] = make([]float64, len(b.covariance))
	}
	at := 0
	for i := range head {
		for j := range i + 1 {
			b.covariance[i][j], b.covariance[j][i] = wider*c.Covariance[at], wider*c.Covariance[at]
			at++
		}
	}
	b.covariance[head][head] = c.ExtrapolationStdDev * c.ExtrapolationStdDev
	for i := range b.unseen {
		load, presence := head+1+2*i, head+2+2*i
		b.covariance[load][load] = wider * c.UnseenLoadStdDev * c.UnseenLoadStdDev
		b.covariance[presence][presence] = wider * c.UnseenPresenceStdDev * c.UnseenPresenceStdDev
	}
	return b
}

// features are what class t feels in a mix: 1, pressure and presence in the model's dimensions, load beyond what was measured, and load
// and presence of each unseen class.
func (b *belief) features(mix interference.Mix, t int) []float64 {
	rank, unseen := b.doc.Rank, b.classes[t].unseen
	z := make([]float64, 2+2*rank+2*len(unseen))
	z[0] = 1
	for _, l := range mix {
		units := l.Neighbours(t)
		if units <= 0 {
			continue
		}
		neighbour := &b.doc.Classes[l.Class]
		for d := range rank {
			z[1+d] += units * neighbour.Pressure[d]
			z[1+rank+d] += neighbour.Presence[d]
		}
		for i, j := range unseen {
			if j == l.Class {
				z[2+2*rank+2*i], z[3+2*rank+2*i] = units, 1
			}
		}
	}
	z[1+2*rank] = math.Max(mix.Beside(t)-b.doc.Classes[t].MaxUnits, 0)
	return z
}

// times is covariance·z.
func (c *classBelief) times(z []float64) []float64 {
	out := make([]float64, len(z))
	for i, row := range c.covariance {
		out[i] = dot(row, z)
	}
	return out
}

// option is a mix that a node may hold.
type option struct {
	mix      interference.Mix
	counts   []int // by class in focus
	units    float64
	value    float64 // V(mix)
	measured bool
	parts    []part // by class of the mix
}

// part is one class of a mix.
type part struct {
	class int
	// worth is what a unit of ln(performance) adds to the value of the mix: units times performance. low and high bound what the part may
	// be worth, as the model bounds performance.
	worth, low, high float64
	features         []float64
	own              float64 // variance of this mix's own residual
}

// moved is by how much the part is worth more if ln(performance) is higher by delta, to first order.
func (p *part) moved(delta float64) float64 {
	return min(max(p.worth*(1+delta), p.low), p.high) - p.worth
}

// option weighs a mix. A measured one is what was measured but for a rest of the law.
func (b *belief) option(mix interference.Mix, counts []int) option {
	o := option{mix: mix, counts: counts, value: b.model.Value(mix, nil)}
	for _, l := range mix {
		c := &b.classes[l.Class]
		p := b.model.Predict(mix, l.Class)
		bounds := &b.doc.Classes[l.Class]
		q := part{
			class: l.Class, worth: l.Units * p.Mean, low: l.Units * bounds.Min, high: l.Units * bounds.Max,
			features: b.features(mix, l.Class), own: c.own,
		}
		if p.Measured {
			o.measured = true
			law := 1 - math.Max(c.own/(c.own+c.noise), leastTrust)
			for i := range q.features {
				q.features[i] *= law
			}
			q.own = c.own * c.noise / (c.own + c.noise)
		}
		o.units += l.Units
		o.parts = append(o.parts, q)
	}
	return o
}

// signal is what a measurement of one class of a mix tells: the covariance of its law's coefficients with it, and its variance.
func (b *belief) signal(p *part) (gain []float64, variance float64) {
	c := &b.classes[p.class]
	gain = c.times(p.features)
	return gain, dot(gain, p.features) + p.own + c.noise
}

// variance is that of the value of a mix.
func (b *belief) variance(o *option) float64 {
	var v float64
	for k := range o.parts {
		p := &o.parts[k]
		_, total := b.signal(p)
		v += p.worth * p.worth * (total - b.classes[p.class].noise)
	}
	return math.Max(v, 0)
}

// learn is the belief after a measurement of a mix, whatever it shows: a normal belief narrows by the same.
func (b *belief) learn(o *option) {
	for k := range o.parts {
		p := &o.parts[k]
		c := &b.classes[p.class]
		gain, total := b.signal(p)
		if total <= 0 {
			continue
		}
		for i, row := range c.covariance {
			for j := range row {
				row[j] -= gain[i] * gain[j] / total
			}
		}
		p.own -= p.own * p.own / total
	}
}

func dot(a, b []float64) float64 {
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}
