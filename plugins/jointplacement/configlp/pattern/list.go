package pattern

import "slices"

// list is patterns by position, the empty one first. Groups of which all patterns are known and that can hold the same have one list; it
// does not change any more. Others have one of their own, which grows.
type list struct {
	start   []int32 // entries of pattern c are entries[start[c]:start[c+1]], ascending by item
	entries []Entry
	keys    []key
	index   map[key]int32
}

// newList holds the empty pattern, and has room for so many.
func newList(room int) *list {
	l := &list{start: slices.Grow([]int32{0}, room), keys: make([]key, 0, room), index: make(map[key]int32, room)}
	l.append(nil, key{})
	return l
}

// append adds a pattern and returns its position.
func (l *list) append(pattern []Entry, name key) int32 {
	c := int32(len(l.keys))
	l.entries = append(l.entries, pattern...)
	l.start = append(l.start, int32(len(l.entries)))
	l.keys = append(l.keys, name)
	l.index[name] = c
	return c
}

// Of returns the entries of a pattern.
func (l *list) Of(c int32) []Entry { return l.entries[l.start[c]:l.start[c+1]] }

// Prices is what the pods of patterns cost together, each item at its price. It is computed once for all groups with the same list.
type Prices struct {
	of    []float64 // by item
	lists map[*list]*priced
	turn  int
}

type priced struct {
	turn int
	sums []float64
}

// Set changes the prices of items; they may not be changed until the next call.
func (p *Prices) Set(of []float64) {
	p.of = of
	p.turn++
}

// Of is the price of every pattern known of a group, valid until the next call for the same list.
func (p *Prices) Of(k *Kind) []float64 {
	at := p.lists[k.list]
	if at == nil {
		if p.lists == nil {
			p.lists = map[*list]*priced{}
		}
		at = &priced{}
		p.lists[k.list] = at
	}
	if at.turn == p.turn && len(at.sums) == len(k.keys) {
		return at.sums
	}
	at.turn, at.sums = p.turn, slices.Grow(at.sums[:0], len(k.keys))
	end := k.start[0]
	for _, next := range k.start[1:] {
		sum := 0.0
		for _, e := range k.entries[end:next] {
			sum += p.of[e.Item] * float64(e.Count)
		}
		at.sums, end = append(at.sums, sum), next
	}
	return at.sums
}
