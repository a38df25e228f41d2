package pattern

import (
	"encoding/binary"
	"slices"
)

// small is how many patterns a group may have at most to be valued in whole though not all groups can be.
const small = 1_000

// wholeShare is the part of the limit, one in so many, that is spent on groups that have few patterns if not all groups can be valued in whole.
const wholeShare = 5

// Enumerate values all patterns of all groups if they are no more than the limit, else those of groups that have few.
func (in *Instance) Enumerate(limit int) {
	numbers := make([]census, len(in.Kinds))
	counted := map[string]census{} // by room, of groups that were counted to their end
	total, each := 0, limit
	for g, k := range in.Kinds {
		if total > limit {
			each = small
		}
		room := k.room()
		n, known := counted[room]
		if !known {
			if n = k.count(each); n.patterns <= each {
				counted[room] = n
			}
		}
		numbers[g] = n
		total += n.patterns
	}
	all := total <= limit
	if !all {
		limit /= wholeShare
	}
	lists := map[census]*list{}
	for g, k := range in.Kinds {
		n := numbers[g]
		if n.patterns > limit || !all && n.patterns > small {
			continue
		}
		limit -= n.patterns
		if lists[n] == nil {
			lists[n] = k.all(n.patterns)
		}
		k.list, k.Whole = lists[n], true
		k.valueAll()
	}
}

// census is how many patterns fit on a node, the empty one included, and the sum of two random numbers for each: equal only for the same
// patterns, as far as 128 bits tell them apart.
type census struct {
	patterns int
	sum      key
}

// count takes the census of a group; more patterns than limit are not counted to their end.
func (k *Kind) count(limit int) census {
	var n census
	k.walk(func(_ []Entry, name key) bool {
		n.patterns++
		n.sum = key{n.sum[0] + mix(name[0]), n.sum[1] + mix(name[1])}
		return n.patterns <= limit
	})
	return n
}

// all lists all patterns of a group, of which there are so many.
func (k *Kind) all(patterns int) *list {
	l := newList(patterns)
	k.walk(func(pattern []Entry, name key) bool {
		if len(pattern) > 0 {
			l.append(pattern, name)
		}
		return true
	})
	return l
}

// valueAll values all patterns of the list.
func (k *Kind) valueAll() {
	k.Value = slices.Grow(k.Value, len(k.keys))
	for c := int32(len(k.Value)); int(c) < len(k.keys); c++ {
		v := 0.0
		if k.in.Err == nil {
			v = k.evaluate(k.Of(c))
		}
		k.Value = append(k.Value, v)
	}
}

// room is equal for groups that can hold the same because they have the same left and allow the same.
func (k *Kind) room() string {
	var b []byte
	for _, f := range k.Free {
		b = binary.AppendVarint(b, f)
	}
	for _, a := range k.Allowed {
		if a {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return string(b)
}

// walk visits every pattern that fits, until visit returns false. The pattern is only valid during the call.
func (k *Kind) walk(visit func(pattern []Entry, name key) bool) {
	w := walker{Kind: k, left: slices.Clone(k.Free), visit: visit}
	if visit(nil, key{}) {
		w.from(0, key{})
	}
}

type walker struct {
	*Kind
	left    []int64 // what the pattern leaves of each resource
	pattern []Entry
	visit   func(pattern []Entry, name key) bool
}

// from extends the pattern by items from first on. It returns false when the walk is over.
func (w *walker) from(first int, name key) bool {
	for i := first; i < len(w.Allowed); i++ {
		room := 0
		if w.Allowed[i] {
			room = w.in.Room(w.left, i)
		}
		if room == 0 {
			continue
		}
		z := name
		w.pattern = append(w.pattern, Entry{int32(i), 0})
		for n := 1; n <= room; n++ {
			z = z.plus(i)
			w.pattern[len(w.pattern)-1].Count++
			w.in.Take(w.left, i, 1)
			if !w.visit(w.pattern, z) || !w.from(i+1, z) {
				return false
			}
		}
		w.in.Take(w.left, i, -int64(room))
		w.pattern = w.pattern[:len(w.pattern)-1]
	}
	return true
}

// Take takes pods of an item from what is left of each resource.
func (in *Instance) Take(left []int64, item int, pods int64) {
	for r, size := range in.Size[item] {
		left[r] -= pods * size
	}
}

// Room is how many more pods of an item fit in what is left.
func (in *Instance) Room(left []int64, item int) int {
	room := int64(in.Counts[item])
	for r, size := range in.Size[item] {
		if size > 0 {
			room = min(room, max(0, left[r])/size)
		}
	}
	return int(room)
}
