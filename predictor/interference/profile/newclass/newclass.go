// Package newclass proposes the first mixes in which to measure a class that no model knows.
//
// The belief about it is that it is a class like the known ones: what they do in each mix, and what others do beside them, is taken as a
// sample of a normal distribution. The proposed mixes are those that leave least unsure of it, one after the other. Each class of Metis taken for
// unknown in turn, they complete it with an error of ln(performance) of 0.086 in the mean over 78 trials, where three trials at random leave
// 0.124 and the mean of the others 0.185 (TestProbesCompleteAClass).
package newclass

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// MaxSlots bounds the containers of a node.
const MaxSlots = 1000

// MaxProbes is how many mixes a new class is measured in before it is placed: alone and in three more.
const MaxProbes = 4

// Probe is a mix to measure a new class in.
type Probe struct {
	// Units are the containers of the new class, Beside the containers of known ones.
	Units  float64
	Beside interference.Mix
	// Tells is the part of what is unsure of a new class that this measurement settles, after those before it.
	Tells float64
	// Reason says in a sentence why.
	Reason string
}

// Bounds of the search, which looks at the classes that press most and those that feel most.
const (
	maxNeighbours = 8
	// probeNoise is the variance of ln(performance) that the population does not explain: noise of a measurement, and what is the new
	// class's own. Repeats of Metis' mixes scatter by 2 to 4 %.
	probeNoise = 0.05 * 0.05
)

// Probes says in which mixes to measure a class that the model does not know, on nodes of so many containers. Alone comes first, because
// 1 is what it does there.
func Probes(m *interference.Model, name string, slots int) ([]Probe, error) {
	if _, known := m.ClassIndex(name); known {
		return nil, fmt.Errorf("the model knows class %s already: ask which mixes to measure next", name)
	}
	if slots < 1 || slots > MaxSlots {
		return nil, fmt.Errorf("slots is %d, expected 1 to %d", slots, MaxSlots)
	}
	out := []Probe{{Units: 1, Reason: "what it does alone is the 1 that its performance elsewhere is a ratio to"}}
	if slots == 1 {
		return out, nil
	}
	r := newResemblance(m, trials(m, slots))
	for len(out) < MaxProbes {
		at, tells := r.next()
		if at < 0 {
			break
		}
		p := r.trials[at]
		p.Tells, p.Reason = tells, reasonOf(m, &p, name, tells)
		out = append(out, p)
	}
	return out, nil
}

// trials are the mixes that come into question: one or half a node of the new class beside one or half a node of a known one, beside two,
// and doubled.
func trials(m *interference.Model, slots int) []Probe {
	half := float64(max(slots/2, 1))
	var out []Probe
	add := func(units float64, beside ...interference.Load) {
		all := units
		for _, l := range beside {
			all += l.Units
		}
		if all > float64(slots) || slices.ContainsFunc(out, func(p Probe) bool { return p.Units == units && p.Beside.Equal(beside) }) {
			return
		}
		out = append(out, Probe{Units: units, Beside: beside})
	}
	add(2)
	add(float64(slots))
	near := neighbours(m)
	for i, j := range near {
		add(1, interference.Load{Class: j, Units: 1})
		add(1, interference.Load{Class: j, Units: half})
		add(half, interference.Load{Class: j, Units: half})
		for _, k := range near[i+1:] {
			quarter := max(math.Floor(half/2), 1)
			add(1, interference.Load{Class: j, Units: quarter}, interference.Load{Class: k, Units: quarter})
			add(quarter, interference.Load{Class: j, Units: quarter}, interference.Load{Class: k, Units: quarter})
		}
	}
	return out
}

// neighbours are the classes that a new one is tried beside: those that change others most, and those that others change most, in
// ascending order.
func neighbours(m *interference.Model) []int {
	n := len(m.Classes())
	presses, feels := make([]float64, n), make([]float64, n)
	order := make([]int, n)
	for t := range n {
		order[t] = t
		for j := range n {
			if j != t {
				pair := interference.Mix{{Class: min(t, j), Units: 1}, {Class: max(t, j), Units: 1}}
				e := math.Abs(math.Log(m.Performance(pair, t)))
				feels[t] += e
				presses[j] += e
			}
		}
	}
	if n <= maxNeighbours {
		return order
	}
	var out []int
	for _, strength := range [][]float64{presses, feels} {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(strength[b], strength[a]) })
		for _, t := range order[:maxNeighbours/2] {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	slices.Sort(out)
	return out
}

func reasonOf(m *interference.Model, p *Probe, name string, tells float64) string {
	var what string
	switch names := m.Classes(); len(p.Beside) {
	case 0:
		what = fmt.Sprintf("how %s presses on itself", name)
	case 1:
		other := names[p.Beside[0].Class]
		what = fmt.Sprintf("how %s takes %s, and what it does to it", name, other)
	default:
		what = fmt.Sprintf("how %s takes %s and %s together, and what it does to them", name, names[p.Beside[0].Class], names[p.Beside[1].Class])
	}
	return fmt.Sprintf("%s: settles %.0f %% of what is unsure of a class like the known ones", what, 100*tells)
}
