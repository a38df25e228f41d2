// Package pattern keeps what a node of a group can hold, its patterns, and what they are worth. Items are numbered by the solver, in an
// order of its own; a pattern is named by its position in its group's list, the empty one being the first.
package pattern

// None is no pattern, or no item.
const None = -1

// Instance is a placement problem with what was learned of it.
type Instance struct {
	Counts []int     // pods by item
	Size   [][]int64 // what one pod takes of each resource, by item
	Kinds  []*Kind   // the groups
	// ItemOf and GroupOf are the positions that items and groups have at the caller.
	ItemOf, GroupOf []int
	// Valued is how many patterns were valued, Budget how many may be where not all of a group are.
	Valued, Budget int
	// Err is the first value that was no finite number.
	Err error

	largest float64   // absolute value of a pattern
	pairs   []float64 // by two items, nil: not measured
	buffer  []Entry
}

// Scale is the largest absolute value of a pattern, or 1.
func (in *Instance) Scale() float64 {
	if in.largest == 0 {
		return 1
	}
	return in.largest
}

// Tolerance is the difference below which values count as equal: they are sums of numbers as large as the largest value.
func (in *Instance) Tolerance() float64 { return 1e-9 * in.Scale() }

// Complete is whether all patterns of all groups are known.
func (in *Instance) Complete() bool {
	for _, k := range in.Kinds {
		if !k.Whole {
			return false
		}
	}
	return true
}
