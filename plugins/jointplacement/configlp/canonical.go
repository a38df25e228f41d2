package configlp

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// probes bounds how many patterns are valued to find the canonical order.
const probes = 4_000

// newInstance brings items and groups in an order that does not depend on the caller's: by what they are, then by what they gain
// alone and in pairs. So permuted problems get the same plan, up to items that are alike in all of that.
func newInstance(p Problem) *pattern.Instance {
	items, groups := fingerprints(p)
	return ordered(p, ascending(items), ascending(groups))
}

// ordered is the problem with items and groups in a given order of the caller's positions.
func ordered(p Problem, items, groups []int) *pattern.Instance {
	in := &pattern.Instance{ItemOf: items, GroupOf: groups}
	for _, from := range in.ItemOf {
		in.Counts = append(in.Counts, p.Items[from].Count)
		in.Size = append(in.Size, p.Items[from].Size)
	}
	for _, from := range in.GroupOf {
		in.Add(pattern.Group(p.Groups[from]))
	}
	return in
}

// fingerprints describe items and groups by numbers that do not depend on their positions.
func fingerprints(p Problem) (items, groups [][]float64) {
	n := len(p.Items)
	items, groups = make([][]float64, n), make([][]float64, len(p.Groups))
	for i, item := range p.Items {
		items[i] = []float64{float64(item.Count)}
		for _, s := range item.Size {
			items[i] = append(items[i], float64(s))
		}
		items[i] = append(items[i], 0, 0)
	}
	pairs := n*(n+1)/2 <= probes/max(1, len(p.Groups))
	counts := make([]int, n)
	for g := range p.Groups {
		group := &p.Groups[g]
		groups[g] = []float64{float64(group.Nodes)}
		for _, f := range group.Free {
			groups[g] = append(groups[g], float64(f))
		}
		alone, together := 0.0, 0.0
		for i := range min(n, probes/max(1, len(p.Groups))) {
			counts[i]++
			v := group.probe(p.Items, counts)
			alone += v
			items[i][len(items[i])-2] += v * float64(group.Nodes)
			for j := 0; pairs && j <= i; j++ {
				counts[j]++
				w := group.probe(p.Items, counts)
				counts[j]--
				together += w
				items[i][len(items[i])-1] += w * float64(group.Nodes)
				items[j][len(items[j])-1] += w * float64(group.Nodes)
			}
			counts[i]--
		}
		groups[g] = append(groups[g], alone, together)
	}
	return items, groups
}

// probe is Value of a pattern if a node can hold it, else 0.
func (g *Group) probe(items []Item, counts []int) float64 {
	for i, c := range counts {
		if c > items[i].Count || c > 0 && g.Allowed != nil && !g.Allowed[i] {
			return 0
		}
	}
	for r, free := range g.Free {
		for i, c := range counts {
			size := items[i].Size[r]
			if c == 0 || size == 0 {
				continue
			}
			if free < 0 || int64(c) > free/size {
				return 0
			}
			free -= int64(c) * size
		}
	}
	if v := g.Value(counts); !math.IsNaN(v) {
		return v
	}
	return 0
}

// ascending returns positions in ascending order of fingerprint. Numbers that differ by rounding only are equal.
func ascending(prints [][]float64) []int {
	order := positions(len(prints))
	slices.SortStableFunc(order, func(a, b int) int {
		return slices.CompareFunc(prints[a], prints[b], func(x, y float64) int {
			if math.Abs(x-y) <= 1e-9*(math.Abs(x)+math.Abs(y)) {
				return 0
			}
			return cmp.Compare(x, y)
		})
	})
	return order
}

// positions is 0 to n−1.
func positions(n int) []int {
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i
	}
	return xs
}
