package master

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// Limits of the search: how many starts a round makes over all groups, and how many pods are valued for each place of a pattern, those
// that promise most. On 200 items, and on 30 in 500 groups, twice as many of either change the plan's value by
// less than 0.1 %.
const (
	starts    = 16
	shortlist = 4
)

// search looks for a pattern of a group that gains at the present duals, by adding pods one after the other and then by exchanging
// them, from several starts. Everything it values is a column from then on. It returns whether it found one.
func (m *Master) search(g, round int) bool {
	k, n := m.in.Kinds[g], len(m.basis)
	floor := m.GroupDual(g) + m.tolerance
	f := m.newFinder(k)
	found := m.Reduced(k, f.climb(f.fill(0))) > floor
	for i := range min(n, max(1, starts/len(m.in.Kinds))) {
		if seed := k.Changed(0, pattern.None, (g+round*starts+i)%n); seed >= 0 {
			found = m.Reduced(k, f.climb(f.fill(seed))) > floor || found
		}
	}
	for _, r := range slices.Clone(m.basis) { // where the price is right: a neighbour may gain
		if int(r.group) == g {
			found = m.Reduced(k, f.climb(r.column)) > floor || found
		}
	}
	return found
}

// finder searches the patterns of one group at the present duals.
type finder struct {
	*Master
	kind *pattern.Kind
	gain []float64 // by item, of one pod alone less its price
	list []promise // buffer
}

type promise struct {
	item int
	gain float64
}

func (m *Master) newFinder(k *pattern.Kind) *finder {
	f := &finder{Master: m, kind: k, gain: make([]float64, len(m.basis))}
	for i := range f.gain {
		f.gain[i] = math.Inf(-1)
		if c := k.Changed(0, pattern.None, i); c >= 0 && m.demand[i] > 0 {
			f.gain[i] = k.Value[c] - m.dual[i]
		}
	}
	return f
}

// promising lists the items of which one pod more should gain most in a pattern that a pod of item out has left, by what it gains alone
// and what it gained in pairs. How the pairs do was measured in one group only: it chooses what to value, no more.
func (f *finder) promising(pattern []pattern.Entry, out int) []promise {
	f.list = f.list[:0]
	for i, gain := range f.gain {
		if math.IsInf(gain, -1) || i == out {
			continue
		}
		for _, e := range pattern {
			count := float64(e.Count)
			if int(e.Item) == out {
				count--
			}
			gain += count * f.in.Together(i, int(e.Item))
		}
		at := len(f.list)
		for at > 0 && f.list[at-1].gain < gain {
			at--
		}
		if at < shortlist {
			f.list = slices.Insert(f.list, at, promise{i, gain})
			f.list = f.list[:min(len(f.list), shortlist)]
		}
	}
	return f.list
}

// fill adds pods to a pattern until it is full, each the one that leaves most gain, and returns the best pattern on the way. It goes on
// where gain falls: two pods may be worth more together than each alone.
func (f *finder) fill(c int32) int32 {
	best, most := c, f.Reduced(f.kind, c)
	for c >= 0 {
		next, high := int32(pattern.None), math.Inf(-1)
		for _, p := range f.promising(f.kind.Of(c), pattern.None) {
			if d := f.kind.Changed(c, pattern.None, p.item); d >= 0 {
				if v := f.Reduced(f.kind, d); v > high {
					next, high = d, v
				}
			}
		}
		if high > most {
			best, most = next, high
		}
		c = next
	}
	return best
}

// climb takes out a pod, puts one in or exchanges two as long as that gains.
func (f *finder) climb(c int32) int32 {
	k, most := f.kind, f.Reduced(f.kind, c)
	for {
		next := int32(pattern.None)
		try := func(out, in int) {
			if d := k.Changed(c, out, in); d >= 0 {
				if v := f.Reduced(k, d); v > most+f.tolerance {
					next, most = d, v
				}
			}
		}
		for _, p := range f.promising(k.Of(c), pattern.None) {
			try(pattern.None, p.item)
		}
		for at := range k.Of(c) {
			out := int(k.Of(c)[at].Item)
			try(out, pattern.None)
			for _, p := range f.promising(k.Of(c), out) {
				try(out, p.item)
			}
		}
		if next < 0 {
			return c
		}
		c = next
	}
}
