package profile

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// Bounds of Options.
const (
	MaxSlots = 1000
	MaxNext  = 100
)

// Options say what is asked.
type Options struct {
	// Slots is how many containers fit on a node, 1 to MaxSlots.
	Slots int
	// Next is how many mixes to propose, 1 to MaxNext.
	Next int
	// Pods is by class of the model how many pods of it are expected, in any unit; nil means as many of each. Classes of none are in no
	// proposed mix.
	Pods []float64
}

// Advice is what to measure next.
type Advice struct {
	// Proposals, those of the largest gain first. Fewer than asked for where no more mixes are left that tell anything.
	Proposals []Proposal
	// Together is what the mean performance of a placed pod is expected to gain once all of them are measured, 0.01 = one percentage
	// point; TogetherError its standard error.
	Together, TogetherError float64
	// Everything is what it would gain if all values were known: what is left to find by measuring.
	Everything, EverythingError float64
	// Considered is how many mixes were weighed, Unmeasured how many of them were never measured. Classes are those that they are of,
	// as indices of the model.
	Considered, Unmeasured int
	Classes                []int
}

// Proposal is a mix to measure.
type Proposal struct {
	Mix interference.Mix
	// Gain is by how much the mean performance of a placed pod is expected to rise if this mix alone is measured, 0.01 = one percentage
	// point; GainError its standard error.
	Gain, GainError float64
	// Performance is the predicted mean performance of a container of the mix. HalfWidth is half its 90 % interval, After what is expected
	// of that after one measurement.
	Performance, HalfWidth, After float64
	// Use is the share of nodes that would hold this mix, the mean over what may be true.
	Use float64
	// Reason says in a sentence why.
	Reason string
}

// Propose says which mixes to measure next. Equal models, options and random numbers give equal advice.
func Propose(m *interference.Model, o Options, rng *rand.Rand) (*Advice, error) {
	pods, err := o.check(m)
	if err != nil {
		return nil, err
	}
	focus := focusOf(m, pods, o.Slots)
	b := newBelief(m, focus)
	options, err := b.options(focus, o.Slots)
	if err != nil {
		return nil, err
	}
	shares := make([]float64, len(focus))
	for i, t := range focus {
		shares[i] = pods[t]
	}
	known := decisions(options, shares, o.Slots, rng)
	ahead := b.look(options, known, rng)
	a := &Advice{Everything: ahead.everything, EverythingError: ahead.spread, Considered: len(options), Classes: focus}
	for i := range options {
		if !options[i].measured {
			a.Unmeasured++
		}
	}
	learned, later := newBelief(m, focus), copyOf(options)
	chosen := learned.choose(later, ahead.use, o.Next)
	at := make([]int, len(chosen))
	for i, c := range chosen {
		at[i] = c.at
		a.Proposals = append(a.Proposals, b.proposal(&options[c.at], c, ahead.use[c.at]))
	}
	each, all := b.gains(options, at, known, rng)
	for i := range a.Proposals {
		a.Proposals[i].Gain, a.Proposals[i].GainError = each[i].mean, each[i].standardError
	}
	a.Together, a.TogetherError = all.mean, all.standardError
	slices.SortStableFunc(a.Proposals, func(x, y Proposal) int { return cmp.Compare(y.Gain, x.Gain) })
	return a, nil
}

// check returns the expected share of pods of each class.
func (o *Options) check(m *interference.Model) ([]float64, error) {
	classes := len(m.Classes())
	switch {
	case o.Slots < 1 || o.Slots > MaxSlots:
		return nil, fmt.Errorf("slots is %d, expected 1 to %d", o.Slots, MaxSlots)
	case o.Next < 1 || o.Next > MaxNext:
		return nil, fmt.Errorf("next is %d, expected 1 to %d", o.Next, MaxNext)
	case o.Pods != nil && len(o.Pods) != classes:
		return nil, fmt.Errorf("pods has %d numbers, expected one for each of %d classes", len(o.Pods), classes)
	}
	pods := slices.Clone(o.Pods)
	if pods == nil {
		pods = slices.Repeat([]float64{1}, classes)
	}
	var all float64
	for t, n := range pods {
		if !(n >= 0 && n <= 1e9) {
			return nil, fmt.Errorf("pods of class %s is %v, expected a number from 0 to 1e9", m.Classes()[t], n)
		}
		all += n
	}
	if all == 0 {
		return nil, fmt.Errorf("pods are 0 of every class, expected some")
	}
	for t := range pods {
		pods[t] /= all
	}
	return pods, nil
}

// options weighs the mixes of the classes in focus.
func (b *belief) options(focus []int, slots int) ([]option, error) {
	var out []option
	counts := make([]float64, len(b.classes))
	for _, n := range mixesOf(len(focus), slots) {
		for i, t := range focus {
			counts[t] = float64(n[i])
		}
		mix, err := interference.MixOf(counts)
		if err != nil {
			return nil, fmt.Errorf("mix %v: %w", n, err)
		}
		out = append(out, b.option(mix, n))
	}
	return out, nil
}

// copyOf copies what learning changes.
func copyOf(options []option) []option {
	out := slices.Clone(options)
	for i := range out {
		out[i].parts = slices.Clone(out[i].parts)
	}
	return out
}

// proposal describes a choice.
func (b *belief) proposal(o *option, c choice, use float64) Proposal {
	var now, after float64 // squares
	for k := range o.parts {
		p := &o.parts[k]
		noise := b.classes[p.class].noise
		_, variance := b.signal(p)
		if v := variance - noise; v > 0 {
			x, y := p.halfWidth(v), p.halfWidth(v*noise/variance)
			now, after = now+x*x, after+y*y
		}
	}
	return Proposal{
		Mix: o.mix, Performance: o.value / o.units, Use: use, Reason: b.reason(o, c, use),
		HalfWidth: math.Sqrt(now) / o.units, After: math.Sqrt(after) / o.units,
	}
}

// halfWidth is half the 90 % interval of what the part is worth, within its bounds, for a variance of ln(performance).
func (p *part) halfWidth(variance float64) float64 {
	delta := laws.NormalScale * math.Sqrt(variance)
	return (p.moved(delta) - p.moved(-delta)) / 2
}
