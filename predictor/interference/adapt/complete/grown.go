package complete

import (
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/population"
	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
)

// grown is a document in which every class has a dimension of its own, and the new one gets one too. How it presses is its effect on each known
// class, by load (first half) and by presence.
type grown struct {
	known  interference.Document
	floors [][]float64 // the responses of the known classes, without interactions
}

func (g *grown) n() int { return len(g.known.Classes) }

func (g *grown) priorPressing() (scaled, error) {
	n := g.n()
	vectors := make([][]float64, n)
	for j := range vectors {
		vectors[j] = make([]float64, 2*n)
		for t := range n {
			vectors[j][t], vectors[j][n+t] = g.known.Classes[t].Response[1+j], g.known.Classes[t].Response[1+n+j]
		}
	}
	kinds := repeat(repeat(nil, population.Load, n), population.Presence, n)
	return prior(&population.Sample{Vectors: vectors, Coordinates: kinds, Alike: true})
}

// The response of class t stands for that of one more class, with what t does to itself where the new class would be.
func (g *grown) priorReacting() (scaled, error) {
	n := g.n()
	vectors := make([][]float64, n)
	for t := range vectors {
		r := g.floors[t]
		vectors[t] = g.insert(r, r[1+t], r[1+n+t])
	}
	kinds := repeat(repeat([]population.Kind{population.Intercept}, population.Load, n+1), population.Presence, n+1)
	return prior(&population.Sample{Vectors: vectors, Coordinates: kinds, Alike: true})
}

// insert puts the effects of one more class into a response.
func (g *grown) insert(response []float64, load, presence float64) []float64 {
	n := g.n()
	out := append(slices.Clone(response[:1+n]), load)
	return append(append(out, response[1+n:]...), presence)
}

func (g *grown) pressingRow(t int, units float64) []float64 {
	z := make([]float64, 2*g.n())
	z[t], z[g.n()+t] = units, 1
	return z
}

func (g *grown) rest(so *interference.Model, mix interference.Mix, t int) []float64 {
	z := so.Row(nil, mix, t)
	n := g.n()
	return slices.Concat(z[:1+n], z[2+n:2+2*n])
}

func (g *grown) extend(pressing, reacting belief.Normal, class interference.Class) interference.Document {
	d, n := g.known, g.n()
	d.Rank++
	dims := d.InteractingDimensions
	if dims == n {
		d.InteractingDimensions++
	}
	together := func(terms []float64) []float64 {
		if len(terms) == 0 || dims < n {
			return terms
		}
		return interactions.Grow(terms, dims)
	}
	d.Classes = slices.Clone(d.Classes)
	for t := range d.Classes {
		c := &d.Classes[t]
		c.Pressure, c.Presence = append(slices.Clone(c.Pressure), 0), append(slices.Clone(c.Presence), 0)
		c.Response = rounded(g.insert(c.Response, pressing.Mean[t], pressing.Mean[n+t]))
		c.Covariance = g.widen(c.Covariance, pressing.Covariance, t)
		c.Interactions = together(c.Interactions)
	}
	own := make([]float64, n+1)
	own[n] = 1
	class.Pressure, class.Presence = own, own
	class.Response, class.Covariance = rounded(reacting.Mean), rounded(belief.Pack(reacting.Covariance))
	class.Interactions = together(class.Interactions)
	d.Classes = append(d.Classes, class)
	d.Settings = settings(d.Settings)
	return d
}

// widen is the covariance of class t's response with that of what the new class does to it.
func (g *grown) widen(packed []float64, pressing *mat.SymDense, t int) []float64 {
	n := g.n()
	old := belief.Unpack(packed, 1+2*n)
	wide := mat.NewSymDense(3+2*n, nil)
	to := func(i int) int { // where an old coefficient stands now
		if i > n {
			return i + 1
		}
		return i
	}
	for i := range 1 + 2*n {
		for j := range i + 1 {
			wide.SetSym(to(i), to(j), old.At(i, j))
		}
	}
	load, presence := n+1, 2*n+2
	wide.SetSym(load, load, pressing.At(t, t))
	wide.SetSym(load, presence, pressing.At(t, n+t))
	wide.SetSym(presence, presence, pressing.At(n+t, n+t))
	return rounded(belief.Pack(wide))
}
