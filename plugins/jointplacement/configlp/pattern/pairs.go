package pattern

// Together is what two pods gain together beyond what they gain alone, in the group where it was measured; 0 where it was not.
func (in *Instance) Together(i, j int) float64 {
	if in.pairs == nil {
		return 0
	}
	return in.pairs[i*len(in.Counts)+j]
}

// MeasurePairs values all pairs in the largest of the groups of which not all patterns are known, if that leaves most of the budget.
func (in *Instance) MeasurePairs() {
	n := len(in.Counts)
	var largest *Kind
	for _, k := range in.Kinds {
		if !k.Whole && (largest == nil || k.Nodes > largest.Nodes) {
			largest = k
		}
	}
	if largest == nil || n*(n+3)/2 > in.Budget/4 {
		return
	}
	in.pairs = make([]float64, n*n)
	for i := range n {
		a := largest.Changed(0, None, i)
		for j := 0; a >= 0 && j <= i; j++ {
			b, both := largest.Changed(0, None, j), largest.Changed(a, None, j)
			if b >= 0 && both >= 0 {
				v := largest.Value[both] - largest.Value[a] - largest.Value[b]
				in.pairs[i*n+j], in.pairs[j*n+i] = v, v
			}
		}
	}
}
