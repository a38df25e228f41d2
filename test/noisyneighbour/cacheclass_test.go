package noisyneighbour

import (
	"math"
	"testing"
)

// observation is one row of the function's latency under a cache class.
type observation struct {
	class        int
	cores, p95   float64
	replicas, id int
}

func cacheClasses(t *testing.T) []observation {
	t.Helper()
	var list []observation
	for i, row := range rows(t, "ido-rdt", "trace_rdt_p95_rdt.csv") {
		n := len(row)
		list = append(list, observation{
			p95: number(t, row[n-5]), cores: number(t, row[n-4]), class: int(number(t, row[n-3])), replicas: int(number(t, row[n-2])), id: i,
		})
	}
	return list
}

// falling is the non-increasing sequence nearest to some means with weights (pool adjacent violators).
func falling(means, weights []float64) []float64 {
	type block struct {
		sum, weight float64
		n           int
	}
	var blocks []block
	for i, m := range means {
		blocks = append(blocks, block{m * weights[i], weights[i], 1})
		for k := len(blocks) - 1; k > 0 && blocks[k].sum/blocks[k].weight > blocks[k-1].sum/blocks[k-1].weight; k-- {
			blocks[k-1] = block{blocks[k-1].sum + blocks[k].sum, blocks[k-1].weight + blocks[k].weight, blocks[k-1].n + blocks[k].n}
			blocks = blocks[:k]
		}
	}
	var fit []float64
	for _, b := range blocks {
		for range b.n {
			fit = append(fit, b.sum/b.weight)
		}
	}
	return fit
}

// By hand: 3, 1, 2 of weights 1, 1, 3 make 3 and (1 + 6)/4 = 1.75 twice; what falls already stays.
func TestFallingByHand(t *testing.T) {
	t.Parallel()
	for i, want := range []float64{3, 1.75, 1.75} {
		if got := falling([]float64{3, 1, 2}, []float64{1, 1, 3})[i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%d: %v, want %v", i, got, want)
		}
	}
	if got := falling([]float64{3, 2, 1}, []float64{1, 1, 1}); got[0] != 3 || got[2] != 1 {
		t.Errorf("%v", got)
	}
}

// At one core the 95th percentile of latency falls with the number of the cache class. The description does not say how many ways a class
// has; a falling response is what a growing partition must give. How much of the variation a class explains is measured on rows left out.
func TestLatencyFallsWithTheCacheClass(t *testing.T) {
	t.Parallel()
	list := cacheClasses(t)
	if len(list) != 93 {
		t.Fatalf("%d rows, the description says 93", len(list))
	}
	var byClass [4][]observation
	var atClass3 [2][]float64 // below and from one core on
	for _, o := range list {
		if o.cores == 1 {
			byClass[o.class] = append(byClass[o.class], o)
		}
		if o.class == 3 {
			k := 0
			if o.cores >= 1 {
				k = 1
			}
			atClass3[k] = append(atClass3[k], o.p95)
		}
	}
	var medians [4]float64
	for class, l := range byClass {
		var v []float64
		for _, o := range l {
			v = append(v, o.p95)
		}
		medians[class] = median(v)
		t.Logf("class %d: %2d rows, p95 %.0f ms (%.0f to %.0f)", class, len(v), medians[class], quantile(v, 0.05), quantile(v, 0.95))
		if class > 0 && !(medians[class] < medians[class-1]) {
			t.Errorf("p95 %.1f ms in class %d, %.1f in class %d", medians[class], class, medians[class-1], class-1)
		}
	}
	t.Logf("class 3 with less than a core: %.0f ms (%d rows), with one or more: %.0f ms (%d rows)", median(atClass3[0]), len(atClass3[0]),
		median(atClass3[1]), len(atClass3[1]))
	falls, constant := leftOut(byClass, falling), leftOut(byClass, func(m, w []float64) []float64 {
		var sum, n float64
		for i := range m {
			sum, n = sum+m[i]*w[i], n+w[i]
		}
		return []float64{sum / n, sum / n, sum / n, sum / n}
	})
	t.Logf("error on rows left out: falling with the class %.1f ms, the same for all %.1f ms; explained %.0f %%", falls, constant,
		100*(1-falls*falls/constant/constant))
	if falls > 0.75*constant {
		t.Errorf("a falling response errs by %.1f ms on rows left out, a constant by %.1f", falls, constant)
	}
}

// leftOut is the root mean square error of a fit on each row, made from all others.
func leftOut(byClass [4][]observation, fit func(means, weights []float64) []float64) float64 {
	var square, n float64
	for _, rows := range byClass {
		for _, out := range rows {
			var sums, weights, means [4]float64
			for class, l := range byClass {
				for _, o := range l {
					if o.id != out.id {
						sums[class] += o.p95
						weights[class]++
					}
				}
				means[class] = sums[class] / weights[class]
			}
			e := fit(means[:], weights[:])[out.class] - out.p95
			square, n = square+e*e, n+1
		}
	}
	return math.Sqrt(square / n)
}
