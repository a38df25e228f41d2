package configlp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// shape bounds a random problem.
type shape struct{ items, groups, nodes, pods, resources int }

// tableValue is a value function without any structure: a number drawn for each pattern from its counts and a seed. It is 0 for no pods.
// Items have a number each, so that permuted counts get the same value.
func tableValue(seed uint64, numbers []uint64, spread float64) func([]int) float64 {
	return func(counts []int) float64 {
		sum, pods := uint64(0), 0
		for i, n := range counts {
			sum += uint64(n) * numbers[i]
			pods += n
		}
		if pods == 0 {
			return 0
		}
		return float64(pods) * (1 - spread + 2*spread*rand.New(rand.NewPCG(seed, sum)).Float64())
	}
}

// randomProblem has several resources, masks, nodes that are overcommitted and values that help and hurt.
func randomProblem(random *rand.Rand, s shape) configlp.Problem {
	p := configlp.Problem{}
	resources := 1 + random.IntN(s.resources)
	numbers := make([]uint64, 1+random.IntN(s.items))
	for i := range numbers {
		numbers[i] = random.Uint64()
		item := configlp.Item{Count: random.IntN(s.pods + 1)}
		for range resources {
			item.Size = append(item.Size, int64(random.IntN(4)))
		}
		item.Size[0] = 1 + int64(random.IntN(2))
		p.Items = append(p.Items, item)
	}
	for range 1 + random.IntN(s.groups) {
		g := configlp.Group{Nodes: random.IntN(s.nodes + 1), Value: tableValue(random.Uint64(), numbers, 0.5)}
		for range resources {
			g.Free = append(g.Free, int64(random.IntN(6))-int64(random.IntN(2)))
		}
		if random.IntN(3) == 0 {
			for range p.Items {
				g.Allowed = append(g.Allowed, random.IntN(3) > 0)
			}
		}
		if random.IntN(2) == 0 {
			g.Upper = slices.Repeat([]float64{1.5}, len(p.Items))
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

// check proves what every plan must be.
func check(t testing.TB, p configlp.Problem, plan *configlp.Plan) {
	t.Helper()
	placed, value := make([]int, len(p.Items)), 0.0
	for g, assignments := range plan.Groups {
		nodes := 0
		for _, a := range assignments {
			if a.Nodes < 1 || !holds(p, g, a.Counts) {
				t.Fatalf("groups[%d]: %+v does not fit", g, a)
			}
			nodes += a.Nodes
			value += float64(a.Nodes) * p.Groups[g].Value(a.Counts)
			for i, n := range a.Counts {
				placed[i] += n * a.Nodes
			}
		}
		if nodes > p.Groups[g].Nodes {
			t.Fatalf("groups[%d]: %d nodes hold pods, there are %d", g, nodes, p.Groups[g].Nodes)
		}
	}
	for i, item := range p.Items {
		if plan.Unplaced[i] < 0 || placed[i]+plan.Unplaced[i] != item.Count {
			t.Fatalf("items[%d]: %d placed and %d not, there are %d", i, placed[i], plan.Unplaced[i], item.Count)
		}
		if plan.Unplaced[i] > 0 && roomFor(p, plan, i) {
			t.Fatalf("items[%d]: %d are not placed, but there is room", i, plan.Unplaced[i])
		}
	}
	if math.Abs(value-plan.Value) > 1e-9*(1+math.Abs(value)) {
		t.Fatalf("value is %v, recomputed %v", plan.Value, value)
	}
	if plan.Value > plan.Bound+1e-7*(1+math.Abs(plan.Bound)) {
		t.Fatalf("value %v exceeds the bound %v", plan.Value, plan.Bound)
	}
}

// holds is whether one node of a group can hold counts, the plain way.
func holds(p configlp.Problem, g int, counts []int) bool {
	for i, n := range counts {
		if n < 0 || n > p.Items[i].Count || n > 0 && p.Groups[g].Allowed != nil && !p.Groups[g].Allowed[i] {
			return false
		}
	}
	for r, free := range p.Groups[g].Free {
		used := int64(0)
		for i, n := range counts {
			used += int64(n) * p.Items[i].Size[r]
		}
		if used > 0 && used > free {
			return false
		}
	}
	return true
}

// roomFor is whether some node of a plan has room for one more pod of an item.
func roomFor(p configlp.Problem, plan *configlp.Plan, item int) bool {
	for g, assignments := range plan.Groups {
		empty := p.Groups[g].Nodes
		for _, a := range assignments {
			empty -= a.Nodes
			more := slices.Clone(a.Counts)
			if more[item]++; holds(p, g, more) {
				return true
			}
		}
		more := make([]int, len(p.Items))
		if more[item]++; empty > 0 && holds(p, g, more) {
			return true
		}
	}
	return false
}
