package configlp_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// learned is the value of a mix of Metis by the model fitted on the published mixes: what a scheduler would have.
func learned(t testing.TB) func([]int) float64 {
	t.Helper()
	ds, err := interference.Pool(table(t, "mixes.csv.gz"), table(t, "pairs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := interference.Fit(ds, "metis")
	if err != nil {
		t.Fatal(err)
	}
	mix := make(interference.Mix, 0, 7)
	return func(counts []int) float64 {
		mix = mix[:0]
		for class, n := range counts {
			if n > 0 {
				mix = append(mix, interference.Load{Class: class, Units: float64(n)})
			}
		}
		return model.Value(mix, nil)
	}
}

func table(t testing.TB, file string) *interference.Table {
	t.Helper()
	r := reader(t, file)
	defer r.Close()
	mixes, err := interference.ReadMixes(file, r)
	if err != nil {
		t.Fatal(err)
	}
	return mixes
}

// BenchmarkBatch is the whole decision on a batch of Metis: all 6,435 mixes valued by the fitted model, bound, placement. The batches
// take turns; run it 30 times (-benchtime 30x) for each once.
func BenchmarkBatch(b *testing.B) {
	value := learned(b)
	for _, s := range scenarios {
		rows := open(b, "batch_set_"+strconv.Itoa(s.containers)+".csv")[:30]
		b.Run(strconv.Itoa(s.nodes)+"/"+strconv.Itoa(s.containers), func(b *testing.B) {
			var d decisions
			for b.Loop() {
				d.take(b, batch(b, s, rows[d.n%30], value))
			}
			d.report(b)
		})
	}
}

// BenchmarkLarge is what is too large to know all patterns: a cluster of 5,000 nodes that differ in what they hold, and 200 items. The
// metric is the plan's value over that of one pod after the other.
func BenchmarkLarge(b *testing.B) {
	for name, p := range map[string]configlp.Problem{
		"500groups30items": manyGroups(rand.New(rand.NewPCG(1, 2))),
		"1group200items":   manyItems(rand.New(rand.NewPCG(1, 2))),
	} {
		b.Run(name, func(b *testing.B) {
			greedy, err := configlp.Greedy(p, shuffled(rand.New(rand.NewPCG(3, 4)), p))
			if err != nil {
				b.Fatal(err)
			}
			var d decisions
			var plan *configlp.Plan
			for b.Loop() {
				plan = d.take(b, p)
			}
			d.report(b)
			b.ReportMetric(plan.Value/greedy.Value, "xgreedy")
		})
	}
}
