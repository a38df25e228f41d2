package configlp

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// shift is a change of one node's pattern and what it gains.
type shift struct {
	group    int
	from, to int32
	gain     float64
}

// insert places what is left one pod after the other where it gains most, on a node that has room for it or for which another pod can
// make room by moving on. Placing comes before value, so that patterns are valued for it beyond the budget.
func (p *placement) insert(free []int) {
	budget := p.in.Budget
	p.in.Budget = math.MaxInt
	for again := true; again; {
		again = false
		for i := range p.unplaced {
			for p.unplaced[i] > 0 && (p.insertOne(i, free) || p.insertByMove(i, free)) {
				p.unplaced[i]--
				again = true
			}
		}
	}
	p.in.Budget = budget
}

// insertOne places one pod of an item where it gains most. It returns false if it fits nowhere.
func (p *placement) insertOne(item int, free []int) bool {
	room := p.roomiest(item, free)
	if len(room) > 0 {
		p.apply(room[0], free)
	}
	return len(room) > 0
}

func (p *placement) apply(s shift, free []int) {
	p.change(s.group, s.from, s.to)
	if s.from == 0 {
		free[s.group]--
	}
	if s.to == 0 {
		free[s.group]++
	}
}

// roomiest gives the two nodes to which a pod of an item adds most, as far as there are any: of different patterns, or of the same one if
// it stands on two.
func (p *placement) roomiest(item int, free []int) []shift {
	var best []shift
	for g, k := range p.in.Kinds {
		offer := func(c int32, nodes int) {
			if nodes <= 0 {
				return
			}
			d := k.Changed(c, pattern.None, item)
			if d < 0 {
				return
			}
			for s := (shift{g, c, d, k.Value[d] - k.Value[c]}); nodes > 0 && (len(best) < 2 || s.gain > best[1].gain); nodes-- {
				at := 0
				for at < len(best) && best[at].gain >= s.gain {
					at++
				}
				best = slices.Insert(best, at, s)
				best = best[:min(len(best), 2)]
			}
		}
		offer(0, free[g])
		for _, s := range p.on[g] {
			offer(s.column, s.nodes)
		}
	}
	return best
}

// insertByMove places one pod where another has to move to a third node for it.
func (p *placement) insertByMove(item int, free []int) bool {
	room := make([][]shift, len(p.unplaced)) // for the pods that would have to move
	for out := range room {
		if out != item {
			room[out] = p.roomiest(out, free)
		}
	}
	var first, second shift
	gain := math.Inf(-1)
	for g, k := range p.in.Kinds {
		for _, s := range p.on[g] {
			for at := range k.Of(s.column) {
				out := int(k.Of(s.column)[at].Item)
				if len(room[out]) == 0 {
					continue
				}
				c := k.Changed(s.column, out, item)
				if c < 0 {
					continue
				}
				a := shift{g, s.column, c, k.Value[c] - k.Value[s.column]}
				for _, b := range room[out] {
					same := b.group == g && b.from == s.column && s.nodes < 2
					if !same && a.gain+b.gain > gain {
						first, second, gain = a, b, a.gain+b.gain
					}
				}
			}
		}
	}
	if math.IsInf(gain, -1) {
		return false
	}
	p.apply(first, free)
	p.apply(second, free)
	return true
}
