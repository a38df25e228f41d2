package configlp

import (
	"cmp"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// trade is a pod of item out that leaves a node and one of item in that comes; none stands for no pod.
type trade struct{ out, in int }

// swap is two changes of nodes that together move a pod or exchange two.
type swap [2]shift

func (s swap) gain() float64 { return s[0].gain + s[1].gain }

// exchange moves pods between nodes and swaps them as long as that gains, turns times over all nodes. It finds what taking nodes apart
// cannot where not all patterns are known: it values new ones.
func (p *placement) exchange(turns int) {
	for range turns {
		changed := false
		for _, s := range p.swaps() {
			a, b := s[0], s[1]
			need := 1
			if a.group == b.group && a.from == b.from {
				need = 2
			}
			if p.number(a.group, a.from) < need || p.number(b.group, b.from) < need {
				continue // an earlier swap took the node
			}
			p.change(a.group, a.from, a.to)
			p.change(b.group, b.from, b.to)
			changed = true
		}
		if !changed {
			return
		}
	}
}

// number is how many nodes of a group hold a pattern.
func (p *placement) number(g int, column int32) int {
	if column == 0 {
		return p.empty(g)
	}
	for _, s := range p.on[g] {
		if s.column == column {
			return s.nodes
		}
	}
	return 0
}

// swaps are the best of each kind that gain, those that gain most first.
func (p *placement) swaps() []swap {
	best, order := p.offers()
	var swaps []swap
	for _, t := range order {
		if t.out > t.in { // the other half finds it
			continue
		}
		mine, others := best[t], best[trade{t.in, t.out}]
		var top swap
		for _, a := range mine {
			for _, b := range others {
				alike := a.group == b.group && a.from == b.from && p.number(a.group, a.from) < 2
				if s := (swap{a, b}); !alike && a.from != b.to && s.gain() > max(top.gain(), p.in.Tolerance()) {
					top = s
				}
			}
		}
		if top.gain() > 0 {
			swaps = append(swaps, top)
		}
	}
	slices.SortStableFunc(swaps, func(a, b swap) int { return cmp.Compare(b.gain(), a.gain()) })
	return swaps
}

// offers gives for every trade the two nodes that gain most by it. The trades are also given in the order in which they were found.
func (p *placement) offers() (best map[trade][]shift, order []trade) {
	best = map[trade][]shift{}
	for g, k := range p.in.Kinds {
		try := func(c int32, t trade) {
			if d := k.Changed(c, t.out, t.in); d >= 0 {
				if len(best[t]) == 0 {
					order = append(order, t)
				}
				best[t] = keepTwo(best[t], shift{g, c, d, k.Value[d] - k.Value[c]})
			}
		}
		stands := slices.Clone(p.on[g])
		if p.empty(g) > 0 {
			stands = append(stands, stand{0, 1})
		}
		for _, s := range stands {
			for in := range p.in.Counts {
				try(s.column, trade{pattern.None, in})
			}
			for at := range k.Of(s.column) {
				out := int(k.Of(s.column)[at].Item)
				for in := pattern.None; in < len(p.in.Counts); in++ {
					if in != out {
						try(s.column, trade{out, in})
					}
				}
			}
		}
	}
	return best, order
}

// keepTwo adds a shift to those that gain most, of which there are at most two.
func keepTwo(best []shift, s shift) []shift {
	if len(best) < 2 {
		return append(best, s)
	}
	worse := 0
	if best[1].gain < best[0].gain {
		worse = 1
	}
	if s.gain > best[worse].gain {
		best[worse] = s
	}
	return best
}
