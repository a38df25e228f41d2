package profile

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// The optimum is that of package configlp, which has another simplex method, for random values and demands; and resuming from the optimum
// of other values gives the same as starting anew.
func TestProgrammeAgainstConfigLP(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	for trial := range 60 {
		classes, slots := 1+random.IntN(4), 1+random.IntN(5)
		columns := mixesOf(classes, slots)
		value := func(other uint64) []float64 {
			r := rand.New(rand.NewPCG(uint64(trial), other))
			out := make([]float64, len(columns))
			for j, c := range columns {
				out[j] = float64(total(c)) * (0.5 + r.Float64())
			}
			return out
		}
		values := value(1)
		const nodes = 100
		problem := configlp.Problem{Groups: []configlp.Group{{Nodes: nodes, Free: []int64{int64(slots)}, Value: func(counts []int) float64 {
			at := slices.IndexFunc(columns, func(c []int) bool { return slices.Equal(c, counts) })
			if at < 0 {
				return 0 // the empty node
			}
			return values[at]
		}}}}
		demand := make([]float64, classes)
		for i := range demand {
			n := random.IntN(nodes * slots / classes)
			demand[i] = float64(n) / nodes
			problem.Items = append(problem.Items, configlp.Item{Count: n, Size: []int64{1}})
		}
		plan, err := configlp.Solve(problem, configlp.Options{Effort: -1})
		if err != nil || !plan.Proven {
			t.Fatalf("reference: %v, %+v", err, plan)
		}
		p := newProgramme(columns, fullOf(columns, classes, slots), demand)
		other := value(2)
		p.solve(other)
		resumed := p.from()
		for name, got := range map[string]float64{
			"anew":    newProgramme(columns, fullOf(columns, classes, slots), demand).solve(values),
			"resumed": resumed.solve(values),
		} {
			if math.Abs(got-plan.Bound/nodes) > 1e-7 {
				t.Fatalf("%d classes on %d slots, %s: optimum %.9f, reference %.9f", classes, slots, name, got, plan.Bound/nodes)
			}
		}
		if p.value(other) < resumed.value(other)-1e-9 {
			t.Fatal("a copy's solution is better by the values that the original was solved for")
		}
		held := make([]float64, classes)
		for i, j := range resumed.basis {
			if j != slack {
				for k, n := range columns[j] {
					held[k] += resumed.x[i] * float64(n)
				}
			}
		}
		for k := range held {
			if math.Abs(held[k]-demand[k]) > 1e-7 {
				t.Fatalf("the solution holds %v, demanded %v", held, demand)
			}
		}
	}
}

// 7 classes on 8 slots have C(15,8) − 1 = 6434 mixes, as published; whatever is asked, the mixes are no more than the bound, differ, fit,
// and hold the full nodes.
func TestMixesOf(t *testing.T) {
	t.Parallel()
	if n := len(mixesOf(7, 8)); n != 6434 {
		t.Errorf("7 classes on 8 slots: %d mixes, want 6434", n)
	}
	for _, slots := range []int{1, 2, 3, 5, 8, 13, 30, 110, 1000} {
		for classes := 1; classes <= maxFocus; classes++ {
			columns := mixesOf(classes, slots)
			if len(columns) == 0 || len(columns) > maxMixes {
				t.Fatalf("%d classes on %d slots: %d mixes, bound %d", classes, slots, len(columns), maxMixes)
			}
			seen := map[string]bool{}
			for _, c := range columns {
				key := ""
				for _, n := range c {
					key += string(rune(n)) + ","
				}
				if n := total(c); n < 1 || n > slots || seen[key] {
					t.Fatalf("%d classes on %d slots: %v is empty, too large or twice", classes, slots, c)
				}
				seen[key] = true
			}
			for i, j := range fullOf(columns, classes, slots) {
				if columns[j][i] != slots {
					t.Fatalf("%d classes on %d slots: no full node of class %d", classes, slots, i)
				}
			}
		}
	}
}
