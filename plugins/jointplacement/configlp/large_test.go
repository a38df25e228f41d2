package configlp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// slowdown makes value functions of n items on nodes that hold something already: each pod is worth 1 alone; neighbours slow it down,
// one in twenty helps.
func slowdown(n int, random *rand.Rand) func(held []int) func([]int) float64 {
	effect := make([][]float64, n)
	for i := range effect {
		effect[i] = make([]float64, n)
		for j := range effect[i] {
			effect[i][j] = -0.12 * random.Float64()
			if random.IntN(20) == 0 {
				effect[i][j] = 0.3
			}
		}
	}
	return func(held []int) func([]int) float64 {
		total := make([]int, n)
		value := func(counts []int) float64 {
			present := make([]int, 0, 16)
			for i := range total {
				if total[i] = held[i] + counts[i]; total[i] > 0 {
					present = append(present, i)
				}
			}
			v := 0.0
			for _, i := range present {
				law := -effect[i][i]
				for _, j := range present {
					law += effect[i][j] * float64(total[j])
				}
				v += float64(total[i]) * math.Min(2, math.Exp(law))
			}
			return v
		}
		base := value(make([]int, n))
		return func(counts []int) float64 { return value(counts) - base }
	}
}

// manyItems is a cluster of 1,000 empty nodes for 200 kinds of pods, 8 a node, nearly three quarters full.
func manyItems(random *rand.Rand) configlp.Problem {
	value := slowdown(200, random)(make([]int, 200))
	p := configlp.Problem{Groups: []configlp.Group{{Nodes: 1000, Free: []int64{8}, Value: value, Upper: slices.Repeat([]float64{2}, 200)}}}
	for range 200 {
		p.Items = append(p.Items, configlp.Item{Count: 20 + random.IntN(20), Size: []int64{1}})
	}
	return p
}

// manyGroups is a cluster of 5,000 nodes, ten each of 500 mixes of 0 to 7 pods, for 3,000 pods of 30 kinds.
func manyGroups(random *rand.Rand) configlp.Problem {
	values := slowdown(30, random)
	p := configlp.Problem{}
	for range 500 {
		held := make([]int, 30)
		n := random.IntN(8)
		for range n {
			held[random.IntN(30)]++
		}
		p.Groups = append(p.Groups, configlp.Group{Nodes: 10, Free: []int64{int64(8 - n)}, Value: values(held)})
	}
	for range 30 {
		p.Items = append(p.Items, configlp.Item{Count: 100, Size: []int64{1}})
	}
	return p
}

// shuffled is the pods in random order.
func shuffled(random *rand.Rand, p configlp.Problem) []int {
	var order []int
	for i, item := range p.Items {
		order = append(order, slices.Repeat([]int{i}, item.Count)...)
	}
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// Where not all patterns can be known the plan is still one, much better than one pod after the other, and nothing is said to be proven.
func TestTooManyPatternsToKnow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
	for name, c := range map[string]struct {
		problem configlp.Problem
		better  float64
		bounded bool
	}{
		"200 items":  {manyItems(rand.New(rand.NewPCG(1, 2))), 1.25, true},
		"500 groups": {manyGroups(rand.New(rand.NewPCG(1, 2))), 1.02, false},
	} {
		plan, err := configlp.Solve(c.problem, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, c.problem, plan)
		greedy, err := configlp.Greedy(c.problem, shuffled(rand.New(rand.NewPCG(3, 4)), c.problem))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: value %.1f, one after the other %.1f, bound %.1f, %d patterns, %d pivots", name, plan.Value, greedy.Value, plan.Bound, plan.Columns, plan.Pivots)
		if plan.Value < c.better*greedy.Value || plan.Proven || math.IsInf(plan.Bound, 1) == c.bounded || sumOf(plan.Unplaced) > 0 {
			t.Errorf("%s: value %.1f, want %.2f times %.1f; bound %v, proven %v, unplaced %v", name, plan.Value, c.better, greedy.Value, plan.Bound, plan.Proven, plan.Unplaced)
		}
	}
}
