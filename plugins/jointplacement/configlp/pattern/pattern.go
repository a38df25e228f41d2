package pattern

import (
	"fmt"
	"math"
	"slices"
)

// key names a pattern: the sum over its pods of two random numbers per item, so that the key of a pattern with one pod more is an
// addition. Two of a million patterns get the same key with a probability below 1e-26.
type key [2]uint64

func (k key) plus(item int) key  { z := itemKey(item); return key{k[0] + z[0], k[1] + z[1]} }
func (k key) minus(item int) key { z := itemKey(item); return key{k[0] - z[0], k[1] - z[1]} }

// itemKey is two numbers of the SplitMix64 sequence (Steele, Lea and Flood 2014).
func itemKey(item int) key { return key{mix(2*uint64(item) + 1), mix(2*uint64(item) + 2)} }

func mix(n uint64) uint64 {
	z := n * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Entry is one item of a pattern with its number of pods.
type Entry struct {
	Item  int32
	Count int32
}

// Kind is a group of nodes that are alike, with the patterns whose value is known.
type Kind struct {
	Nodes   int
	Free    []int64   // what one node has left of each resource
	Allowed []bool    // by item
	Upper   []float64 // by item, what one pod can gain at most; nil: not known
	// Whole is whether every pattern that fits is known.
	Whole bool
	// Value is the value of the patterns known.
	Value []float64

	*list
	in      *Instance
	ask     func(counts []int) float64
	scratch []int // counts in the caller's order, zero between calls
}

// Group describes the nodes of a group; Allowed (nil: all) and Upper (nil: not known) are in the caller's order of items, as is what
// Value is asked.
type Group struct {
	Nodes   int
	Free    []int64
	Allowed []bool
	Value   func(counts []int) float64
	Upper   []float64
}

// Add adds a group, of which only the empty pattern is known.
func (in *Instance) Add(g Group) {
	k := &Kind{
		in: in, Nodes: g.Nodes, Free: g.Free, Allowed: make([]bool, len(in.ItemOf)), ask: g.Value,
		list: newList(0), scratch: make([]int, len(in.ItemOf)), Value: []float64{0},
	}
	if g.Upper != nil {
		k.Upper = make([]float64, len(in.ItemOf))
	}
	for i, from := range in.ItemOf {
		k.Allowed[i] = g.Allowed == nil || g.Allowed[from]
		if g.Upper != nil {
			k.Upper[i] = g.Upper[from]
		}
	}
	in.Kinds = append(in.Kinds, k)
}

// add values a pattern that is not known yet and returns its position.
func (k *Kind) add(pattern []Entry, name key) int32 {
	k.Value = append(k.Value, k.evaluate(pattern))
	return k.append(pattern, name)
}

// evaluate asks the caller's function.
func (k *Kind) evaluate(pattern []Entry) float64 {
	for _, e := range pattern {
		k.scratch[k.in.ItemOf[e.Item]] = int(e.Count)
	}
	k.in.Valued++
	v := k.ask(k.scratch)
	if (math.IsNaN(v) || math.IsInf(v, 0)) && k.in.Err == nil {
		group := k.in.GroupOf[slices.Index(k.in.Kinds, k)]
		k.in.Err = fmt.Errorf("groups[%d].value of counts %v is %v, expected a finite number", group, k.scratch, v)
	}
	for _, e := range pattern {
		k.scratch[k.in.ItemOf[e.Item]] = 0
	}
	k.in.largest = max(k.in.largest, math.Abs(v))
	return v
}

// Changed is the pattern with one pod of item out less and one of item in more; none is -1. It is -1 where that does not fit.
func (k *Kind) Changed(c int32, out, in int) int32 {
	name := k.keys[c]
	if out >= 0 {
		name = name.minus(out)
	}
	if in >= 0 {
		name = name.plus(in)
	}
	if at, ok := k.index[name]; ok {
		return at
	}
	if k.Whole {
		return None
	}
	pattern, ok := alter(k.in.buffer[:0], k.Of(c), out, in)
	k.in.buffer = pattern
	if !ok || in >= 0 && !k.fits(pattern) || k.in.Valued >= k.in.Budget {
		return None
	}
	return k.add(pattern, name)
}

// alter writes the pattern with one pod of out less and one of in more to dst. It is not ok if there is None of out.
func alter(dst, pattern []Entry, out, in int) ([]Entry, bool) {
	had := out < 0
	for _, e := range pattern {
		if in >= 0 && int(e.Item) > in {
			dst, in = append(dst, Entry{int32(in), 1}), None
		}
		if int(e.Item) == in {
			e.Count, in = e.Count+1, None
		}
		if int(e.Item) == out {
			e.Count, had = e.Count-1, true
		}
		if e.Count > 0 {
			dst = append(dst, e)
		}
	}
	if in >= 0 {
		dst = append(dst, Entry{int32(in), 1})
	}
	return dst, had
}

// fits says whether a node of the group can hold a pattern, and there are as many pods.
func (k *Kind) fits(pattern []Entry) bool {
	for _, e := range pattern {
		if !k.Allowed[e.Item] || int(e.Count) > k.in.Counts[e.Item] {
			return false
		}
	}
	for r, free := range k.Free {
		for _, e := range pattern {
			size := k.in.Size[e.Item][r]
			if size == 0 {
				continue
			}
			if free < 0 || int64(e.Count) > free/size {
				return false
			}
			free -= int64(e.Count) * size
		}
	}
	return true
}

// Know values a pattern that fits, unless it is known, and returns its position.
func (k *Kind) Know(pattern []Entry) int32 {
	var name key
	for _, e := range pattern {
		z := itemKey(int(e.Item))
		name[0], name[1] = name[0]+uint64(e.Count)*z[0], name[1]+uint64(e.Count)*z[1]
	}
	if c, known := k.index[name]; known {
		return c
	}
	return k.add(pattern, name)
}
