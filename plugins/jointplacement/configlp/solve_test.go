package configlp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// sizes are the shapes that properties are tried on, from those that are solved exactly to those where patterns have to be searched.
var sizes = []shape{
	{items: 2, groups: 2, nodes: 3, pods: 3, resources: 1},
	{items: 4, groups: 3, nodes: 5, pods: 12, resources: 2},
	{items: 6, groups: 6, nodes: 4, pods: 10, resources: 3},
}

func TestPlansAreFeasibleAndWithinTheirBound(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 1))
		p := randomProblem(random, sizes[seed%3])
		options := configlp.Options{}
		if seed%2 == 1 {
			options.Patterns = 1 + random.IntN(40) // too few to know all: search, branch and bound
		}
		plan, err := configlp.Solve(p, options)
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
		again, err := configlp.Solve(p, options)
		if err != nil || again.Value != plan.Value || again.Bound != plan.Bound || again.Pivots != plan.Pivots {
			t.Fatalf("seed %d: the same problem gave %+v and %+v", seed, plan, again)
		}
	}
}

// A bound with few patterns known is no lower than the one with all of them, which is exact.
func TestBoundOfASearchIsValid(t *testing.T) {
	t.Parallel()
	finite, proven := 0, 0
	for seed := range uint64(200) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 2)), sizes[seed%3])
		whole, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		part, err := configlp.Solve(p, configlp.Options{Patterns: 60})
		if err != nil {
			t.Fatal(err)
		}
		if !whole.Proven {
			t.Errorf("seed %d: all patterns were valued, but the bound is not proven", seed)
		}
		if !slices.Equal(whole.Unplaced, part.Unplaced) {
			continue // bounds of other pods
		}
		if part.Bound < whole.Bound-1e-7*(1+math.Abs(whole.Bound)) {
			t.Errorf("seed %d: bound %v by search, but %v is exact", seed, part.Bound, whole.Bound)
		}
		if part.Proven && part.Bound > whole.Bound+1e-6 {
			t.Errorf("seed %d: bound %v by search is said to be proven, but %v is exact", seed, part.Bound, whole.Bound)
		}
		if !math.IsInf(part.Bound, 1) {
			finite++
		}
		if part.Proven {
			proven++
		}
	}
	t.Logf("of 200 bounds by search %d are finite, %d proven", finite, proven)
	if finite < 50 {
		t.Errorf("%d bounds are finite, want 50", finite)
	}
}

// Permuting items and groups changes neither value nor bound.
func TestPermutation(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 3))
		p := randomProblem(random, sizes[seed%3])
		plan, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		q := permuted(random, p)
		other, err := configlp.Solve(q, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, q, other)
		if math.Abs(plan.Value-other.Value) > 1e-9*(1+math.Abs(plan.Value)) || math.Abs(plan.Bound-other.Bound) > 1e-6*(1+math.Abs(plan.Bound)) {
			t.Errorf("seed %d: value %v and bound %v, permuted %v and %v", seed, plan.Value, plan.Bound, other.Value, other.Bound)
		}
	}
}

// permuted is the same problem with items and groups in another order.
func permuted(random *rand.Rand, p configlp.Problem) configlp.Problem {
	order := random.Perm(len(p.Items)) // new position i has old item order[i]
	q := configlp.Problem{}
	for _, from := range order {
		q.Items = append(q.Items, p.Items[from])
	}
	for _, from := range random.Perm(len(p.Groups)) {
		g := p.Groups[from]
		value, old := g.Value, make([]int, len(order))
		g.Value = func(counts []int) float64 {
			for i, n := range counts {
				old[order[i]] = n
			}
			return value(old)
		}
		if p.Groups[from].Allowed != nil {
			g.Allowed = make([]bool, len(order))
			for i, from2 := range order {
				g.Allowed[i] = p.Groups[from].Allowed[from2]
			}
		}
		q.Groups = append(q.Groups, g)
	}
	return q
}

// Two items, nodes for two pods: a pair of different pods is worth 3, of equal ones 1, a pod alone 1. Of 3 and 1 pods on 2 nodes the best
// is {a,b} and {a,a}: 3 + 1 = 4; the bound is the same, because b can be in one pair only.
func TestByHand(t *testing.T) {
	t.Parallel()
	value := func(counts []int) float64 {
		switch {
		case counts[0] == 1 && counts[1] == 1:
			return 3
		case counts[0]+counts[1] > 0:
			return 1
		default:
			return 0
		}
	}
	p := configlp.Problem{
		Items:  []configlp.Item{{Count: 3, Size: []int64{1}}, {Count: 1, Size: []int64{1}}},
		Groups: []configlp.Group{{Nodes: 2, Free: []int64{2}, Value: value}},
	}
	plan, err := configlp.Solve(p, configlp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, p, plan)
	if plan.Value != 4 || math.Abs(plan.Bound-4) > 1e-9 || !plan.Proven {
		t.Errorf("value %v, bound %v, proven %v; want 4, 4, true", plan.Value, plan.Bound, plan.Proven)
	}
	// One pod more than room: one a stays out, whatever it is worth, and the pair remains.
	p.Items[0].Count = 4
	if plan, err = configlp.Solve(p, configlp.Options{}); err != nil {
		t.Fatal(err)
	}
	check(t, p, plan)
	if plan.Value != 4 || !slices.Equal(plan.Unplaced, []int{1, 0}) || math.Abs(plan.Bound-4) > 1e-9 {
		t.Errorf("value %v, bound %v, unplaced %v; want 4, 4, [1 0]", plan.Value, plan.Bound, plan.Unplaced)
	}
}

// Placing comes before value: pods that cost ever so much are placed, and the least of the costs is paid.
func TestCostsDoNotKeepPodsOut(t *testing.T) {
	t.Parallel()
	for _, cost := range []float64{1e-6, 1, 1e6} {
		p := configlp.Problem{
			Items:  []configlp.Item{{Count: 6, Size: []int64{1}}},
			Groups: []configlp.Group{{Nodes: 3, Free: []int64{4}, Value: func(counts []int) float64 { return -cost * float64(counts[0]*counts[0]) }}},
		}
		plan, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
		if plan.Unplaced[0] != 0 || math.Abs(plan.Value+12*cost) > 1e-9*cost { // 3 nodes of 2: 3·4
			t.Errorf("cost %v: value %v, %d unplaced; want %v and none", cost, plan.Value, plan.Unplaced[0], -12*cost)
		}
	}
}

// Where all patterns are worth the same every step of the simplex method stands still. It must end, and prove.
func TestStalling(t *testing.T) {
	t.Parallel()
	var items []configlp.Item
	for range 7 {
		items = append(items, configlp.Item{Count: 24, Size: []int64{1}}) // 168 in all, 21 whole nodes
	}
	for name, value := range map[string]func([]int) float64{
		"nothing":     func([]int) float64 { return 0 },
		"pods":        func(counts []int) float64 { return float64(sumOf(counts)) },
		"whole nodes": func(counts []int) float64 { return float64(sumOf(counts) / 8) },
		"kinds of pod": func(counts []int) float64 {
			kinds := 0.0
			for _, n := range counts {
				kinds += float64(min(n, 1))
			}
			return kinds
		},
	} {
		p := configlp.Problem{Items: items, Groups: []configlp.Group{{Nodes: 27, Free: []int64{8}, Value: value}}}
		plan, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
		if !plan.Proven || plan.Value < plan.Bound-1e-6 {
			t.Errorf("%s: value %v, bound %v, proven %v after %d pivots", name, plan.Value, plan.Bound, plan.Proven, plan.Pivots)
		}
	}
}

func TestMalformedProblems(t *testing.T) {
	t.Parallel()
	zero := func([]int) float64 { return 0 }
	one := []configlp.Item{{Count: 1, Size: []int64{1}}}
	for want, p := range map[string]configlp.Problem{
		"items[0].count is -1":         {Items: []configlp.Item{{Count: -1, Size: []int64{1}}}},
		"items[1].size has 2":          {Items: []configlp.Item{{Size: []int64{1}}, {Size: []int64{1, 1}}}},
		"items[0].size[0] is -2":       {Items: []configlp.Item{{Size: []int64{-2}}}},
		"groups[0].nodes is -1":        {Groups: []configlp.Group{{Nodes: -1, Value: zero}}},
		"groups[0].value is nil":       {Groups: []configlp.Group{{Nodes: 1}}},
		"groups[0].free has 0":         {Items: one, Groups: []configlp.Group{{Nodes: 1, Value: zero}}},
		"groups[0].allowed has 2":      {Items: one, Groups: []configlp.Group{{Nodes: 1, Free: []int64{1}, Value: zero, Allowed: make([]bool, 2)}}},
		"groups[0].upper[0] is NaN":    {Items: one, Groups: []configlp.Group{{Nodes: 1, Free: []int64{1}, Value: zero, Upper: []float64{math.NaN()}}}},
		"groups[0].value of counts [1": {Items: one, Groups: []configlp.Group{{Nodes: 1, Free: []int64{1}, Value: func([]int) float64 { return math.Inf(1) }}}},
	} {
		if _, err := configlp.Solve(p, configlp.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	for _, p := range []configlp.Problem{{}, {Items: one}, {Groups: []configlp.Group{{Nodes: 3, Value: zero}}}} {
		if plan, err := configlp.Solve(p, configlp.Options{}); err != nil || sumOf(plan.Unplaced) != len(p.Items) {
			t.Errorf("%+v: %+v, %v; want a plan that places nothing", p, plan, err)
		}
	}
}

func sumOf(xs []int) int {
	s := 0
	for _, x := range xs {
		s += x
	}
	return s
}

// FuzzSolve tries problems of any small shape, with all patterns known or few.
func FuzzSolve(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(2), uint8(4), uint8(6), uint8(2), uint16(0))
	f.Add(uint64(2), uint8(6), uint8(6), uint8(3), uint8(9), uint8(3), uint16(30))
	f.Fuzz(func(t *testing.T, seed uint64, items, groups, nodes, pods, resources uint8, patterns uint16) {
		s := shape{1 + int(items%6), 1 + int(groups%6), int(nodes % 6), int(pods % 12), 1 + int(resources%3)}
		p := randomProblem(rand.New(rand.NewPCG(seed, 4)), s)
		plan, err := configlp.Solve(p, configlp.Options{Patterns: int(patterns)})
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
	})
}
