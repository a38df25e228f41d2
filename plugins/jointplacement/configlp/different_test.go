package configlp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// allDifferent is a cluster of Metis in use for pods of 1 to 3 units of memory: every node holds 0 to 5 containers, no two the same where
// there are mixes enough, and has an amount of memory of its own left, which seldom is too little for its slots.
func allDifferent(random *rand.Rand, nodes, containers int, total func([]int) float64) configlp.Problem {
	p := configlp.Problem{}
	seen := map[[7]int]bool{}
	for tries := 0; len(p.Groups) < nodes; tries++ {
		var held [7]int
		n := random.IntN(6)
		for range n {
			held[random.IntN(7)]++
		}
		if seen[held] && tries < 20*nodes {
			continue
		}
		seen[held] = true
		base, with := total(held[:]), make([]int, 7)
		free := int64(slots - n)
		p.Groups = append(p.Groups, configlp.Group{Nodes: 1, Free: []int64{free, 2*free + random.Int64N(9)}, Value: func(counts []int) float64 {
			for i, c := range counts {
				with[i] = held[i] + c
			}
			return total(with) - base
		}})
	}
	counts := make([]int, 7)
	for range containers {
		counts[random.IntN(7)]++
	}
	for i, n := range counts {
		p.Items = append(p.Items, configlp.Item{Count: n, Size: []int64{1, int64(1 + i%3)}})
	}
	return p
}

// smooth is a value of mixes of Metis that needs no measurements: containers slow each other down, the first two classes less.
func smooth(counts []int) float64 {
	load, v := 0.0, 0.0
	for i, n := range counts {
		load += float64(n) * (1 + 0.1*float64(i))
	}
	for i, n := range counts {
		v += float64(n) * math.Exp(-0.02*float64(2+i)*load) * (1 + 0.03*float64(min(counts[0], counts[1])))
	}
	return v
}

// Where no two nodes are alike the plan is proven all the same, near its bound, and better than one pod after the other.
func TestAllNodesDiffer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 7))
		p := allDifferent(random, 81, 200, smooth)
		plan, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, p, plan)
		greedy, err := configlp.Greedy(p, shuffled(random, p))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: value %.3f, one after the other %.3f, bound %.3f, %d patterns, %d pivots", seed, plan.Value, greedy.Value, plan.Bound, plan.Columns, plan.Pivots)
		if !plan.Proven || plan.Value < 0.998*plan.Bound || plan.Value < greedy.Value || sumOf(plan.Unplaced) > 0 {
			t.Errorf("seed %d: value %.3f, want proven, within 0.2 %% of the bound %.3f (proven %v), above %.3f, unplaced %v",
				seed, plan.Value, plan.Bound, plan.Proven, greedy.Value, plan.Unplaced)
		}
	}
}

// decisions are the plans made in a benchmark. Time of the processor is what a busy machine does not change; collecting garbage is in it.
type decisions struct {
	n          int
	cpu, wall  []float64 // milliseconds
	gap, value float64
	patterns   int
}

// take makes a plan.
func (d *decisions) take(b *testing.B, p configlp.Problem) *configlp.Plan {
	b.Helper()
	cpu, begin := cpuTime(), time.Now()
	plan, err := configlp.Solve(p, configlp.Options{})
	if err != nil {
		b.Fatal(err)
	}
	d.wall = append(d.wall, float64(time.Since(begin))/1e6)
	d.cpu = append(d.cpu, float64(cpuTime()-cpu)/1e6)
	d.gap += 1 - plan.Value/plan.Bound
	d.value += plan.Value
	d.patterns += plan.Columns
	d.n++
	return plan
}

// report gives the shortest, the median and the longest time, and the means of the rest.
func (d *decisions) report(b *testing.B) {
	b.Helper()
	for unit, x := range map[string][]float64{"cpu-ms": d.cpu, "wall-ms": d.wall} {
		slices.Sort(x)
		b.ReportMetric(x[0], "least-"+unit)
		b.ReportMetric(x[len(x)/2], "median-"+unit)
		b.ReportMetric(x[len(x)-1], "most-"+unit)
	}
	n := float64(d.n)
	b.ReportMetric(100*d.gap/n, "%gap")
	b.ReportMetric(d.value/n, "value")
	b.ReportMetric(float64(d.patterns)/n, "patterns")
}

// cpuTime is what the process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAllDifferent is clusters where no two nodes are alike.
func BenchmarkAllDifferent(b *testing.B) {
	value := learned(b)
	for _, s := range []scenario{{nodes: 81, containers: 150}, {nodes: 81, containers: 300}, {nodes: 729, containers: 1500}, {nodes: 729, containers: 2400}} {
		b.Run(strconv.Itoa(s.nodes)+"/"+strconv.Itoa(s.containers), func(b *testing.B) {
			var d decisions
			for b.Loop() {
				d.take(b, allDifferent(rand.New(rand.NewPCG(uint64(d.n%8), 7)), s.nodes, s.containers, value))
			}
			d.report(b)
		})
	}
}
