package allocate

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns/priority"
)

// noPriorities is the value of --priorities without any.
const noPriorities = "none"

// rules are the other values of --priorities.
var rules = map[string]priority.Rule{"preemptive": priority.Preemptive, "cumulative": priority.Cumulative}

// shifted is a curve by a law without its fixed part, moved to what lies above the constant part of the time.
type shifted struct {
	patterns.Curve
	by    float64 // seconds: the law's fixed part less the constant one
	shape func(cores float64) (shape, slope float64)
}

func (s shifted) Mean(cores float64) float64 { return max(0, s.Curve.Mean(cores)+s.by) }

// Shape is that of all calls: how much less even those are that go first is not known.
func (s shifted) Shape(cores float64) (shape, slope float64) { return s.shape(cores) }

// prioritise returns the problem with the calls of the objectives of shorter targets before those of longer ones at every service that is
// sized. Objectives of the same requests go together, with the shortest of their targets.
func (a *allocation) prioritise(p patterns.Problem, rule priority.Rule) (patterns.Problem, error) {
	a.order = make([]int, len(p.Objectives))
	for i := range a.order {
		a.order[i] = i
	}
	slices.SortStableFunc(a.order, func(x, y int) int { return cmp.Compare(p.Objectives[x].Target, p.Objectives[y].Target) })
	leaders := map[int]int{} // objectives by entry
	for _, i := range a.order {
		if _, ok := leaders[a.entries[i]]; !ok {
			leaders[a.entries[i]] = i
		}
	}
	q, err := priority.Assign(p, a.sharings(&p, leaders), a.order, rule)
	if err != nil {
		return p, fmt.Errorf("giving calls priorities: %w", err)
	}
	services := a.model.Document().Services
	for entry, leader := range leaders {
		curves := q.Objectives[leader].Curves
		for k, curve := range curves {
			s := &q.Services[k]
			one := shifted{Curve: curve, by: services[k].Law.Fixed - s.Shift, shape: func(float64) (float64, float64) { return s.Shape, 0 }}
			if whole, ok := s.Curve.(interface {
				Shape(float64) (float64, float64)
			}); ok {
				one.shape = whole.Shape
			}
			curves[k] = one
		}
		for i := range q.Objectives {
			if a.entries[i] == entry {
				q.Objectives[i].Curves = curves
			}
		}
	}
	return q, nil
}

// sharings are the services that are sized, with the load that each of the leading objectives brings.
func (a *allocation) sharings(p *patterns.Problem, leaders map[int]int) []priority.Sharing {
	d := a.model.Document()
	demands, all := make([][]float64, len(d.Entries)), make([]float64, len(d.Services))
	for e := range d.Entries {
		demands[e] = a.demand(e)
		for k, calls := range demands[e] {
			all[k] += calls
		}
	}
	var list []priority.Sharing
	for k := range d.Services {
		s := &d.Services[k]
		if !a.sized[k] || s.Rate <= 0 {
			continue
		}
		one := priority.Sharing{Service: k, Law: latency.Law(s.Law), Loads: make([]float64, len(p.Objectives))}
		for entry, leader := range leaders {
			// What the patterns add up to may be more than was counted.
			one.Loads[leader] = demands[entry][k] * min(1, s.Rate/max(all[k], math.SmallestNonzeroFloat64)) / p.Services[k].Pods
		}
		list = append(list, one)
	}
	return list
}

// demand is the calls of size 1 per second that an entry's requests make, by service.
func (a *allocation) demand(entry int) []float64 {
	d := a.model.Document()
	e, calls := &d.Entries[entry], make([]float64, len(d.Services))
	var count func(p *application.Part, rate float64)
	count = func(p *application.Part, rate float64) {
		if k, ok := a.model.Service(p.Service); ok {
			calls[k] += rate * p.Calls * a.model.Size(k, p.Operation)
		}
		for _, list := range [][]application.Part{p.Series, p.Parallel} {
			for i := range list {
				count(&list[i], rate)
			}
		}
	}
	for i := range e.Patterns {
		count(&e.Patterns[i].Part, e.Rate*e.Patterns[i].Share)
	}
	return calls
}

// statesOf are what an objective's calls find at the result: calls that go before or after others take another time than the law says, as if
// it had been measured.
func (a *allocation) statesOf(states []application.State, curves map[int]patterns.Curve) []application.State {
	states = slices.Clone(states)
	services := a.model.Document().Services
	for k, curve := range curves {
		s, state := &services[k], &states[k]
		law := s.Mean(*state) - s.Law.Fixed
		if want := s.Shift + curve.Mean(state.Cores) - s.Law.Fixed; want > 0 && law > 0 {
			state.Stretch = want / law
		}
	}
	return states
}

// warn says what the cores rest on.
func (a *allocation) warn(messages io.Writer) {
	if a.order == nil {
		return
	}
	names := make([]string, len(a.order))
	for at, i := range a.order {
		names[at] = a.objectives[i].Name
	}
	fmt.Fprintf(messages, "these cores suffice only where calls have priorities in the order %s, all others: a mesh or the kernel has to see to that, "+
		"Ballast does not\n", strings.Join(names, ", "))
}
