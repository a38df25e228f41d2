package configlp_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// patternsOf lists all patterns that fit on a node of a group, the empty one first, by trying all counts.
func patternsOf(p configlp.Problem, g int) [][]int {
	var all [][]int
	counts := make([]int, len(p.Items))
	for {
		if holds(p, g, counts) {
			all = append(all, slices.Clone(counts))
		}
		i := 0
		for i < len(counts) && counts[i] == p.Items[i].Count {
			counts[i] = 0
			i++
		}
		if i == len(counts) {
			return all
		}
		counts[i]++
	}
}

// outcome is how many pods are placed, and at what value.
type outcome struct {
	pods  int
	value float64
}

func (o outcome) better(q outcome) bool {
	return o.pods > q.pods || o.pods == q.pods && o.value > q.value
}

// bruteForce is the best of all placements: node after node, every pattern, remembering what is best for the pods that remain.
func bruteForce(p configlp.Problem) outcome {
	var patterns [][][]int
	var nodes []int
	for g := range p.Groups {
		patterns = append(patterns, patternsOf(p, g))
		for range p.Groups[g].Nodes {
			nodes = append(nodes, g)
		}
	}
	known := map[string]outcome{}
	var best func(node int, left []int) outcome
	best = func(node int, left []int) outcome {
		if node == len(nodes) {
			return outcome{}
		}
		name := fmt.Sprint(node, left)
		if o, ok := known[name]; ok {
			return o
		}
		top := outcome{pods: -1}
	patterns:
		for _, counts := range patterns[nodes[node]] {
			rest, pods := slices.Clone(left), 0
			for i, n := range counts {
				if rest[i] -= n; rest[i] < 0 {
					continue patterns
				}
				pods += n
			}
			o := best(node+1, rest)
			o.pods += pods
			o.value += p.Groups[nodes[node]].Value(counts)
			if o.better(top) {
				top = o
			}
		}
		known[name] = top
		return top
	}
	all := make([]int, len(p.Items))
	for i, item := range p.Items {
		all[i] = item.Count
	}
	return best(0, all)
}

// simplexBound is the optimum of the configuration LP by gonum, all pods of placed being placed.
func simplexBound(t *testing.T, p configlp.Problem, placed []int) (float64, bool) {
	t.Helper()
	var costs []float64
	var columns [][]float64
	rows := len(p.Items) + len(p.Groups)
	for g := range p.Groups {
		for _, counts := range patternsOf(p, g) {
			column := make([]float64, rows)
			for i, n := range counts {
				column[i] = float64(n)
			}
			column[len(p.Items)+g] = 1
			columns, costs = append(columns, column), append(costs, -p.Groups[g].Value(counts))
		}
	}
	// gonum wants rows that are independent: a pod may stay out, at a cost that no placement has.
	for i := range placed {
		column := make([]float64, rows)
		column[i] = 1
		columns, costs = append(columns, column), append(costs, 1000)
	}
	a, b := mat.NewDense(rows, len(columns), nil), make([]float64, rows)
	for i, n := range placed {
		b[i] = float64(n)
	}
	for g := range p.Groups {
		b[len(p.Items)+g] = float64(p.Groups[g].Nodes)
	}
	for j, column := range columns {
		a.SetCol(j, column)
	}
	optimum, _, err := lp.Simplex(costs, a, b, 1e-10, nil)
	if err != nil {
		return 0, false
	}
	return -optimum, true
}

// On problems small enough to try everything: the bound is that of gonum's simplex method and no less than the best placement, and the
// plan places as many pods as can be and comes near the best value.
func TestAgainstBruteForceAndGonum(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	problems, bounds, optimal, worst := 0, 0, 0, 0.0
	for range 300 {
		p := randomProblem(random, shape{items: 3, groups: 2, nodes: 3, pods: 4, resources: 2})
		plan, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
		best := bruteForce(p)
		pods, all := 0, 0
		placed := make([]int, len(p.Items))
		for i, item := range p.Items {
			placed[i] = item.Count - plan.Unplaced[i]
			pods += placed[i]
			all += item.Count
		}
		problems++
		if pods != best.pods {
			t.Logf("%d of %d pods placed, %d can be", pods, all, best.pods)
			if pods < best.pods-1 {
				t.Errorf("%d of %d pods placed, %d can be", pods, all, best.pods)
			}
			continue
		}
		if bound, ok := simplexBound(t, p, placed); ok {
			bounds++
			if !plan.Proven || math.Abs(bound-plan.Bound) > 1e-6 {
				t.Errorf("bound %v (proven %v), by gonum %v", plan.Bound, plan.Proven, bound)
			}
		}
		if pods == all && best.value > plan.Bound+1e-9 {
			t.Errorf("bound %v, but the best placement has %v", plan.Bound, best.value)
		}
		if plan.Value > best.value-1e-9 {
			optimal++
		} else {
			worst = max(worst, 1-plan.Value/best.value)
			t.Logf("value %v of %v, bound %v, unplaced %v", plan.Value, best.value, plan.Bound, plan.Unplaced)
		}
	}
	t.Logf("%d problems, %d bounds compared, %d plans optimal, worst misses %.2f %%", problems, bounds, optimal, 100*worst)
	if bounds < 100 || optimal < 250 {
		t.Errorf("%d bounds compared, want 100; %d plans optimal, want 250", bounds, optimal)
	}
}
