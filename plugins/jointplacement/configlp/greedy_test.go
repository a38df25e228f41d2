package configlp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// plainGreedy is Greedy without patterns: every node on its own, in order of groups.
func plainGreedy(p configlp.Problem, order []int) (value float64, unplaced []int) {
	type node struct {
		group  int
		counts []int
	}
	var nodes []node
	for g := range p.Groups {
		for range p.Groups[g].Nodes {
			nodes = append(nodes, node{g, make([]int, len(p.Items))})
		}
	}
	unplaced = make([]int, len(p.Items))
	for _, i := range order {
		at, most := -1, math.Inf(-1)
		for n, nd := range nodes {
			before := p.Groups[nd.group].Value(nd.counts)
			nd.counts[i]++
			if gain := p.Groups[nd.group].Value(nd.counts) - before; holds(p, nd.group, nd.counts) && gain > most {
				at, most = n, gain
			}
			nd.counts[i]--
		}
		if at < 0 {
			unplaced[i]++
			continue
		}
		nodes[at].counts[i]++
	}
	for _, nd := range nodes {
		value += p.Groups[nd.group].Value(nd.counts)
	}
	return value, unplaced
}

func TestGreedyIsOnePodAfterTheOther(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 5))
		p := randomProblem(random, sizes[seed%3])
		var order []int
		for i, item := range p.Items {
			order = append(order, slices.Repeat([]int{i}, item.Count)...)
		}
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		plan, err := configlp.Greedy(p, order)
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
		value, unplaced := plainGreedy(p, order)
		if math.Abs(plan.Value-value) > 1e-9*(1+value) || !slices.Equal(plan.Unplaced, unplaced) {
			t.Errorf("seed %d: value %v, unplaced %v; one node at a time gives %v and %v", seed, plan.Value, plan.Unplaced, value, unplaced)
		}
		best, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(best.Unplaced, plan.Unplaced) && plan.Value > best.Bound+1e-7 {
			t.Errorf("seed %d: greedy has %v, above the bound %v", seed, plan.Value, best.Bound)
		}
	}
}

func TestGreedyOrder(t *testing.T) {
	t.Parallel()
	p := configlp.Problem{
		Items:  []configlp.Item{{Count: 2, Size: []int64{1}}},
		Groups: []configlp.Group{{Nodes: 1, Free: []int64{1}, Value: func([]int) float64 { return 0 }}},
	}
	for want, order := range map[string][]int{
		"order[1] is 1, expected an index into 1 items": {0, 1},
		"order has item 0 1 times":                      {0},
	} {
		if _, err := configlp.Greedy(p, order); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("order %v: error is %v, want %s", order, err, want)
		}
	}
	plan, err := configlp.Greedy(p, []int{0, 0})
	if err != nil || plan.Unplaced[0] != 1 || !math.IsInf(plan.Bound, 1) || plan.Proven {
		t.Errorf("plan is %+v, %v; want one pod unplaced and no bound", plan, err)
	}
}
