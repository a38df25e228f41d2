package master_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/master"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// instance has random values on several groups of nodes with four slots, and the demand and nodes for a linear programme.
func instance(random *rand.Rand, items, groups int, upper []float64) (in *pattern.Instance, demand, nodes []int) {
	in = &pattern.Instance{Budget: 100_000}
	for i := range items {
		in.ItemOf, in.Size = append(in.ItemOf, i), append(in.Size, []int64{1})
		in.Counts = append(in.Counts, 1+random.IntN(2*groups))
	}
	for g := range groups {
		in.GroupOf = append(in.GroupOf, g)
		seed := random.Uint64()
		in.Add(pattern.Group{Nodes: 4 + random.IntN(4), Free: []int64{4}, Upper: upper, Value: func(counts []int) float64 {
			code, pods := uint64(0), 0
			for _, n := range counts {
				code, pods = code*8+uint64(n), pods+n
			}
			return float64(pods) * (0.5 + rand.New(rand.NewPCG(seed, code)).Float64())
		}})
		nodes = append(nodes, in.Kinds[g].Nodes)
	}
	return in, in.Counts, nodes
}

// byGonum is the optimum over all patterns of all groups.
func byGonum(t *testing.T, in *pattern.Instance) float64 {
	t.Helper()
	rows := len(in.Counts) + len(in.Kinds)
	var columns [][]float64
	var costs []float64
	b := make([]float64, rows)
	for i, n := range in.Counts {
		column := make([]float64, rows)
		column[i], b[i] = 1, float64(n)
		columns, costs = append(columns, column), append(costs, 1000) // a pod left out: keeps the rows independent
	}
	for g, k := range in.Kinds {
		b[len(in.Counts)+g] = float64(k.Nodes)
		for c := range int32(len(k.Value)) {
			column := make([]float64, rows)
			column[len(in.Counts)+g] = 1
			for _, e := range k.Of(c) {
				column[e.Item] = float64(e.Count)
			}
			columns, costs = append(columns, column), append(costs, -k.Value[c])
		}
	}
	a := mat.NewDense(rows, len(columns), nil)
	for j, column := range columns {
		a.SetCol(j, column)
	}
	optimum, _, err := lp.Simplex(costs, a, b, 1e-10, nil)
	if err != nil {
		t.Fatal(err)
	}
	return -optimum
}

// With all patterns known, with several groups and enough pivots that the basis is inverted anew: value and bound are gonum's optimum, and
// the solution places all pods on the nodes there are.
func TestOptimumAgainstGonum(t *testing.T) {
	t.Parallel()
	pivots := 0
	for seed := range uint64(4) {
		in, demand, nodes := instance(rand.New(rand.NewPCG(seed, 1)), 14, 4, nil)
		in.Enumerate(100_000)
		m := master.New(in, demand, nodes)
		if !m.Generate() {
			t.Fatalf("seed %d: no optimum", seed)
		}
		pivots = max(pivots, m.Pivots)
		want := byGonum(t, in)
		bound, exact, improved := m.Bound()
		if math.Abs(m.Value()-want) > 1e-6 || math.Abs(bound-want) > 1e-6 || !exact || improved {
			t.Errorf("seed %d: value %v, bound %v (exact %v, improved %v); gonum has %v", seed, m.Value(), bound, exact, improved, want)
		}
		pods, used := make([]float64, len(demand)), make([]float64, len(nodes))
		m.Solution(func(g int, column int32, x float64) {
			used[g] += x
			for _, e := range in.Kinds[g].Of(column) {
				pods[e.Item] += x * float64(e.Count)
			}
		})
		for i, n := range demand {
			if math.Abs(pods[i]-float64(n)) > 1e-6 {
				t.Errorf("seed %d: %v pods of item %d are placed, want %d", seed, pods[i], i, n)
			}
		}
		for g, n := range nodes {
			if used[g] > float64(n)+1e-6 {
				t.Errorf("seed %d: %v nodes of group %d are used, there are %d", seed, used[g], g, n)
			}
		}
	}
	if pivots <= 64 {
		t.Errorf("at most %d pivots: the basis was never inverted anew", pivots)
	}
}

// With no pattern known at first, the search and branch and bound reach the same optimum where Upper is of use: values are at most 1.5 a pod.
func TestColumnGenerationReachesTheOptimum(t *testing.T) {
	t.Parallel()
	proven := 0
	for seed := range uint64(20) {
		whole, _, _ := instance(rand.New(rand.NewPCG(seed, 2)), 4, 3, nil)
		whole.Enumerate(100_000)
		want := byGonum(t, whole)
		in, demand, nodes := instance(rand.New(rand.NewPCG(seed, 2)), 4, 3, []float64{1.5, 1.5, 1.5, 1.5})
		in.MeasurePairs()
		m := master.New(in, demand, nodes)
		m.Generate()
		bound, exact, improved := m.Bound()
		for range 20 {
			if !improved {
				break
			}
			m.Generate()
			bound, exact, improved = m.Bound()
		}
		if bound < want-1e-6 {
			t.Errorf("seed %d: bound %v is below the optimum %v", seed, bound, want)
		}
		if exact && !improved {
			proven++
			if math.Abs(m.Value()-want) > 1e-6 {
				t.Errorf("seed %d: value %v is said to be proven, the optimum is %v", seed, m.Value(), want)
			}
		}
	}
	if proven < 15 {
		t.Errorf("%d of 20 are proven, want 15", proven)
	}
}
