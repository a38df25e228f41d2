// Package newclass proposes the first mixes in which to measure a class that no model knows: alone, to which all else is a ratio, and those
// mixes that package complete, which then learns the class from them, expects to be left least unsure by.
//
// Alone is 1 by definition. It is measured for the scale, and is none of the four: completed from it besides four others a class is predicted as
// without it.
//
// Each class of Metis (SC'20) taken for unknown in turn, and completed from the measured mixes nearest to the proposed ones, all other
// measured mixes that hold it are predicted with a mean absolute percentage error of 7.9 %, those beside it with 5.0 % (28.5 % and 8.3 %
// without any; 12.0 % and 7.0 % after four mixes at random; complete.TestLeaveOneClassOutOfMetis).
//
// Candidates are up to 23,000 mixes. 7 classes on 8 slots take 0.1 s of a processor, 20 on 110 slots 0.5 s (BenchmarkProbes).
package newclass

import (
	"fmt"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/complete"
)

// MaxSlots bounds the containers of a node.
const MaxSlots = 1000

// MaxProbes is how many mixes a new class is measured in besides alone before it is placed.
const MaxProbes = 4

// Probe is a mix to measure a new class in.
type Probe struct {
	// Units are the containers of the new class, Beside the containers of known ones.
	Units  float64
	Beside interference.Mix
	// Tells is the share of what is unsure of a new class, as a variance, that this measurement settles, after those before it (complete.Probes);
	// 0 alone, where the performance is 1 by definition.
	Tells float64
	// Reason says in a sentence why.
	Reason string
}

// Probes says in which mixes to measure a class that the model does not know, on nodes of so many containers: alone, and in up to MaxProbes more.
func Probes(m *interference.Model, name string, slots int) ([]Probe, error) {
	if _, known := m.ClassIndex(name); known {
		return nil, fmt.Errorf("the model knows class %s already: ask which mixes to measure next", name)
	}
	if slots < 1 || slots > MaxSlots {
		return nil, fmt.Errorf("slots is %d, expected 1 to %d", slots, MaxSlots)
	}
	out := []Probe{{Units: 1, Reason: "only fixes the scale: what it does alone is the 1 that its performance elsewhere is a ratio to"}}
	mixes := candidates(m, slots)
	chosen, settles, err := complete.Probes(m, mixes, MaxProbes)
	if err != nil {
		return nil, fmt.Errorf("choosing mixes for class %s: %w", name, err)
	}
	for i, at := range chosen {
		last := len(mixes[at]) - 1
		p := Probe{Units: mixes[at][last].Units, Beside: mixes[at][:last], Tells: settles[i]}
		p.Reason = reasonOf(m, &p, name)
		out = append(out, p)
	}
	return out, nil
}

func reasonOf(m *interference.Model, p *Probe, name string) string {
	var others []string
	for _, l := range p.Beside {
		others = append(others, m.Classes()[l.Class])
	}
	var what string
	switch n := len(others); n {
	case 0:
		what = fmt.Sprintf("how %s presses on itself", name)
	case 1:
		what = fmt.Sprintf("how %s takes %s, and what it does to it", name, others[0])
	default:
		what = fmt.Sprintf("how %s takes %s and %s together, and what it does to each of them", name, strings.Join(others[:n-1], ", "), others[n-1])
	}
	return fmt.Sprintf("%s: settles %.0f %% of what is unsure of a class like the known ones", what, 100*p.Tells)
}
