package patterns

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

// constraint is that a quantile stays within a bound.
type constraint struct {
	objective *goal
	// shares are of the patterns of the objective, percentile is the one that bound seconds are for.
	shares            []float64
	percentile, bound float64
	// value and slopes are the quantile and its derivatives by the means at the last point looked at, those of shapes that change with the
	// means in them (goal.slopes).
	value  float64
	slopes []float64
	// binding says that it takes part: it was violated at some point. A floor does not before it is violated where the others hold.
	binding, floor bool
	multiplier     float64
}

// goal is an objective with its distribution.
type goal struct {
	*Objective
	shares       []float64
	graph        *compose.Graph
	columns      []int  // by service
	uses         []bool // by service: it is in the patterns
	times        []compose.Time
	distribution *compose.Distribution
	shaped       []bool    // services whose shape changes with cores; nil = none
	bends        []float64 // by service: the derivative of the shape by the mean, at most 0
}

// slopes are the derivatives of the quantile by the means: along what cores make of a service, with how its shape changes, and alone.
func (g *goal) slopes(shares []float64, quantile float64) (along, alone []float64) {
	if g.shaped == nil {
		alone = g.distribution.QuantileSlopes(shares, quantile)
		return alone, alone
	}
	alone, byShape := g.distribution.QuantileShapeSlopes(shares, quantile, g.shaped)
	along = make([]float64, len(alone))
	for i := range alone {
		along[i] = max(0, alone[i]+byShape[i]*g.bends[i])
	}
	return along, alone
}

// at sets a service's time at so many cores.
func (g *goal) at(i int, curve Curve, service *Service, cores float64) {
	g.times[i] = compose.Time{Shift: service.Shift, Mean: curve.Mean(cores), Shape: service.Shape}
	shaped, ok := curve.(Shaped)
	if !ok {
		return
	}
	var bend float64
	g.times[i].Shape, bend = shaped.Shape(cores)
	if slope := curve.Slope(cores); slope < 0 && bend > 0 {
		if g.shaped == nil {
			g.shaped, g.bends = make([]bool, len(g.times)), make([]float64, len(g.times))
		}
		g.shaped[i], g.bends[i] = true, bend/slope
	}
}

// constraints are those of all objectives. Those of patterns without requests are left out.
func (p *Problem) constraints() ([]*goal, []*constraint, error) {
	var goals []*goal
	var list []*constraint
	for i := range p.Objectives {
		o := &p.Objectives[i]
		parts, shares := make([]compose.Part, len(o.Patterns)), make([]float64, len(o.Patterns))
		for c, pattern := range o.Patterns {
			parts[c], shares[c] = pattern.Part, pattern.Share
		}
		graph, err := compose.New(parts, len(p.Services))
		if err != nil {
			return nil, nil, fmt.Errorf("objective %q: %w", o.Name, err)
		}
		g := &goal{Objective: o, shares: shares, graph: graph, uses: make([]bool, len(p.Services))}
		g.use(parts)
		goals = append(goals, g)
		add := func(shares []float64, percentile float64, floor bool) {
			list = append(list, &constraint{objective: g, shares: shares, percentile: percentile, bound: o.Target / o.Tail, floor: floor})
		}
		each := o.Percentile
		if o.Mode == Mixture {
			add(shares, o.Percentile, false)
			each = o.Floor
		}
		for c := range parts {
			if shares[c] > 0 && each > 0 {
				only := make([]float64, len(parts))
				only[c] = 1
				add(only, each, o.Mode == Mixture)
			}
		}
	}
	return goals, list, nil
}

// use sets the services of parts.
func (g *goal) use(parts []compose.Part) {
	for i := range parts {
		if parts[i].Calls > 0 {
			g.uses[parts[i].Service] = true
		}
		g.use(parts[i].Series)
		g.use(parts[i].Parallel)
	}
}

// look sets value.
func (k *constraint) look() {
	if k.objective.Mode == SumOfPercentiles {
		k.add()
		return
	}
	k.value = k.objective.distribution.Quantile(k.shares, k.percentile, k.value)
}

// slope sets value and slopes. Near the bound the value is that to which the density at the bound leads, and the slopes are those there:
// that takes a quarter of the effort, is good enough on the way, and exact where the value is the bound.
func (k *constraint) slope() {
	if k.objective.Mode == SumOfPercentiles {
		k.add()
		return
	}
	const near = 1 // the logarithm of the tail over that asked for
	d := k.objective.distribution
	cdf, density := d.At(k.shares, k.bound)
	if miss := math.Log((1 - cdf) / (1 - k.percentile)); math.Abs(miss) < near && density > 0 {
		k.value = k.bound + miss*(1-cdf)/density
		k.slopes, _ = k.objective.slopes(k.shares, k.bound)
		return
	}
	k.value = d.Quantile(k.shares, k.percentile, k.value)
	k.slopes, _ = k.objective.slopes(k.shares, k.value)
}

// met says whether the constraint holds, with less effort than finding the quantile. Where percentiles are added it sets value.
func (k *constraint) met() bool {
	if k.objective.Mode == SumOfPercentiles {
		k.add()
		return k.value <= k.bound
	}
	cdf, _ := k.objective.distribution.At(k.shares, k.bound)
	return cdf >= k.percentile
}

// loosen makes the value the bound where it is above.
func (k *constraint) loosen() {
	if !k.met() {
		k.look()
		k.bound = max(k.bound, k.value) * (1 + 1e-9)
	}
}

// add is look where percentiles are added.
func (k *constraint) add() {
	times := k.objective.times
	k.value, k.slopes = 0, make([]float64, len(times))
	for c, share := range k.shares {
		if share > 0 {
			k.walk(&k.objective.Patterns[c].Part, times)
		}
	}
}

func (k *constraint) walk(p *compose.Part, times []compose.Time) {
	if p.Calls > 0 {
		t := times[p.Service]
		shape, factor := p.Calls*t.Shape, 1/t.Shape
		if p.Alike {
			shape, factor = t.Shape, p.Calls/t.Shape
		}
		slope := factor * mathext.GammaIncRegCompInv(shape, 1-k.percentile)
		k.slopes[p.Service] += slope
		k.value += p.Calls*t.Shift + slope*t.Mean
	}
	for i := range p.Series {
		k.walk(&p.Series[i], times)
	}
	for i := range p.Parallel {
		k.walk(&p.Parallel[i], times)
	}
}
