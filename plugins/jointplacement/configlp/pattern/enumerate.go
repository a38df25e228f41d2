package pattern

import "slices"

// small is how many patterns a group may have at most to be valued in whole though not all groups can be.
const small = 1_000

// Enumerate values all patterns of all groups if they are no more than the limit, else those of groups that have few.
func (in *Instance) Enumerate(limit int) {
	numbers := make([]int, len(in.Kinds))
	total, each := 0, limit
	for g, k := range in.Kinds {
		if total > limit {
			each = small
		}
		numbers[g] = k.patterns(each)
		total += numbers[g]
	}
	all := total <= limit
	limit /= 2
	for g, k := range in.Kinds {
		if !all && (numbers[g] > small || numbers[g] > limit) {
			continue
		}
		limit -= numbers[g]
		k.reserve(numbers[g])
		k.walk(func(pattern []Entry, name key) bool {
			if len(pattern) > 0 {
				k.add(pattern, name)
			}
			return in.Err == nil
		})
		k.Whole = true
	}
}

// patterns is how many patterns fit on a node of the group, the empty one included; more than limit are not counted to their end.
func (k *Kind) patterns(limit int) int {
	n := 0
	k.walk(func([]Entry, key) bool {
		n++
		return n <= limit
	})
	return n
}

func (k *Kind) reserve(n int) {
	k.start = slices.Grow(k.start, n)
	k.Value = slices.Grow(k.Value, n)
	k.keys = slices.Grow(k.keys, n)
	k.index = make(map[key]int32, n)
	k.index[key{}] = 0
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
