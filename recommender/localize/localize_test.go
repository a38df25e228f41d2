package localize

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// chain is a request in which service 0 calls the others one after the other, each once: own and network times in milliseconds.
func chain(pattern int, own, network []float64) Request {
	r := Request{Pattern: pattern}
	for i := range own {
		e := callgraph.Edge{From: 0, To: i, Calls: 1, Self: int64(own[i] * 1e6), Critical: int64(own[i] * 1e6), Network: int64(network[i] * 1e6)}
		if i == 0 {
			e.From = callgraph.Unknown
		}
		r.Edges = append(r.Edges, e)
	}
	return r
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

func TestShares(t *testing.T) {
	no := []float64{0, 0}
	w := Window{Requests: []Request{
		chain(0, []float64{10, 10}, no), chain(0, []float64{20, 10}, no), chain(0, []float64{60, 40}, no),
	}}
	r := Analyse(w, Window{}, 2, 0.5)
	a, b := r.Services[0], r.Services[1]
	// Durations 20, 30, 100, mean 50; late is what is above 30. Parts late less mean: 60 − 30 and 40 − 20, of 50.
	if !near(a.TailShare.Value, 0.6, 1e-12) || !near(b.TailShare.Value, 0.4, 1e-12) || r.Threshold != 0.03 {
		t.Errorf("tail %v and %v, threshold %v", a.TailShare, b.TailShare, r.Threshold)
	}
	// Deviations of the duration −30, −20, 50, of the parts −20, −10, 30 and −10, −10, 20: 2300/3 and 1500/3 of 3800/3.
	if !near(a.VarianceShare.Value, 23.0/38, 1e-12) || !near(b.VarianceShare.Value, 15.0/38, 1e-12) {
		t.Errorf("variance %v and %v", a.VarianceShare, b.VarianceShare)
	}
	if a.P50 != 0.02 || a.P99 != 0.06 || !near(a.Congestion, 3, 1e-12) || a.Calls != 1 {
		t.Errorf("times of calls %+v", a)
	}
	for _, x := range []float64{a.Rise.Value, a.RiseShare, a.Drift.Value, a.BaseTailShare, a.BaseP99, r.Rise} {
		if !math.IsNaN(x) {
			t.Errorf("%g against no baseline", x)
		}
	}
}

func TestAttribute(t *testing.T) {
	entry := link{callgraph.Unknown, 0}
	quantity := map[link]flow{entry: {1, 3, 2}, {0, 1}: {1, 10, 5}, {0, 2}: {2, 20, 14}, {0, 3}: {1, 30, 100}, {3, 2}: {1, 0, 50}, {3, 3}: {0, 4, 0}}
	// On the way of a call of 0: 5, 7, 100, the median 7: of 4 calls 28 are its own. 3 calls one service only: nothing is common.
	want := []Split{{3, 2, 28}, {10, -2, 0}, {20, 0 + 50, 0}, {34, 93, 0}}
	got := attribute(quantity, quantity, 4)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("service %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	// 5 by call of 1, and 9/2 = 4.5 by call of 2: of two the lower, 3 times.
	two := attribute(map[link]flow{{0, 1}: {1, 0, 5}, {0, 2}: {2, 0, 9}}, map[link]flow{{0, 1}: {calls: 1}, {0, 2}: {calls: 2}}, 3)
	if want := []Split{{From: 13.5}, {To: 0.5}, {}}; !slices.Equal(two, want) {
		t.Errorf("%+v, want %+v", two, want)
	}
}

// random requests of two patterns with times of their own, some with calls of what has no spans.
func random(r *rand.Rand, n int, slow int, factor float64) []Request {
	list := make([]Request, n)
	for i := range list {
		own, network := make([]float64, 5), make([]float64, 5)
		for s := range own {
			own[s], network[s] = (5+float64(s))*r.ExpFloat64(), 1+r.Float64()
			if s == slow {
				own[s] *= factor
			}
		}
		if pattern := r.IntN(2); pattern == 1 {
			list[i] = chain(1, own[:3], network[:3])
		} else {
			list[i] = chain(0, own, network)
		}
		if r.IntN(4) == 0 {
			list[i].Edges = append(list[i].Edges, callgraph.Edge{From: 1, To: callgraph.Unknown, Calls: 1, Network: int64(1e6 * r.ExpFloat64())})
		}
	}
	return list
}

func TestSums(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		r := Analyse(Window{Requests: random(source, 50+source.IntN(300), source.IntN(5), 3)}, Window{Requests: random(source, 300, -1, 1)}, 5, 0.9)
		var tail, variance, rise, share float64
		for _, e := range r.Services {
			tail += e.TailShare.Value
			variance += e.VarianceShare.Value
			rise += e.Rise.Value
			share += e.RiseShare
			if !near(e.RiseBy.Sum(), e.Rise.Value, 1e-12) || !near(e.Tail.Sum(), e.TailShare.Value, 1e-12) {
				t.Errorf("%+v", e)
			}
		}
		if !near(tail, 1, 1e-9) || !near(variance, 1, 1e-9) || !near(rise, r.Rise, 1e-12) || !near(share, 1, 1e-9) {
			t.Errorf("tail %g, variance %g, rise %g of %g, shares of it %g", tail, variance, rise, r.Rise, share)
		}
	}
}

// Another mix of the same requests is no rise, although the mean changes.
func TestMix(t *testing.T) {
	a, b := chain(0, []float64{10, 10}, []float64{1, 1}), chain(1, []float64{10, 50}, []float64{1, 1})
	now, base := Window{}, Window{}
	for i := range 40 {
		now.Requests = append(now.Requests, []Request{b, b, b, a}[i%4])
		base.Requests = append(base.Requests, []Request{a, a, a, b}[i%4])
	}
	now.Requests = append(now.Requests, chain(7, []float64{1e3, 0}, []float64{0, 0})) // a pattern that is new
	r := Analyse(now, base, 2, 0.9)
	for _, e := range r.Services {
		if !near(e.Rise.Value, 0, 1e-12) || !near(e.Drift.Value, 0, 1e-12) || e.Rise.Error > 1e-12 {
			t.Errorf("%+v", e)
		}
	}
	if !near(r.Before, (30*0.062+10*0.022)/40, 1e-12) || !near(r.Matched, 40.0/41, 1e-12) {
		t.Errorf("before %g, matched %g", r.Before, r.Matched)
	}
}

// With as many requests as blocks, of one pattern, the jackknife error of a difference of means is the textbook's.
func TestErrors(t *testing.T) {
	source := rand.New(rand.NewPCG(2, 2))
	draw := func() (w Window, variance float64) {
		var sum, squares float64
		for range blocks {
			x := math.Round(100 * source.ExpFloat64())
			w.Requests = append(w.Requests, chain(0, []float64{x, 5}, []float64{0, 0}))
			sum += x / 1e3
			squares += x * x / 1e6
		}
		return w, (squares - sum*sum/blocks) / (blocks - 1)
	}
	now, v := draw()
	base, u := draw()
	r := Analyse(now, base, 2, 0.9)
	if want := math.Sqrt((v + u) / blocks); !near(r.Services[0].Rise.Error, want, 1e-12) || r.Services[1].Rise.Error > 1e-12 {
		t.Errorf("%g, want %g; of a constant %g", r.Services[0].Rise.Error, want, r.Services[1].Rise.Error)
	}
}

// Drift: 20 ms a call against 10, the floor 1 % of the mean request of 30 ms: ln 20.3/10.3.
func TestDrift(t *testing.T) {
	no := []float64{0, 0}
	now := Window{Requests: []Request{chain(0, []float64{20, 20}, no), chain(0, []float64{20, 20}, no)}}
	base := Window{Requests: []Request{chain(0, []float64{20, 10}, no), chain(0, []float64{20, 10}, no)}}
	r := Analyse(now, base, 2, 0.9)
	if e := r.Services[1]; !near(e.Drift.Value, math.Log(20.3/10.3), 1e-9) || e.RiseShare != 1 || !near(e.Rise.Value, 0.01, 1e-12) {
		t.Errorf("%+v", e)
	}
	// Nothing differs among the requests: there is no variance and no tail to share.
	if e := r.Services[0]; !math.IsNaN(e.TailShare.Value) || !math.IsNaN(e.VarianceShare.Value) || e.RiseShare != 0 || !near(e.Drift.Value, 0, 1e-12) {
		t.Errorf("%+v", e)
	}
}

// A service made 3 times as slow is the first suspect, made 5 times as slow it is named, with the default weights; where nothing is
// slower none is.
func TestFindings(t *testing.T) {
	source := rand.New(rand.NewPCG(3, 3))
	model := Default(false)
	var first, right, named int
	const rounds = 40
	for i := range rounds {
		base := Window{Requests: random(source, 400, -1, 1)}
		r := Analyse(Window{Requests: random(source, 200, i%5, 3)}, base, 5, 0.9)
		if r.Findings(&model)[0].Service == i%5 {
			first++
		}
		r = Analyse(Window{Requests: random(source, 200, i%5, 5)}, base, 5, 0.9)
		if f := r.Findings(&model)[0]; f.Service == i%5 && f.Probability > 0.5 && f.Low < f.Probability && f.Probability < f.High {
			right++
		}
		r = Analyse(Window{Requests: random(source, 200, -1, 1)}, base, 5, 0.9)
		if f := r.Findings(&model); f[0].Probability > 0.5 || f[0].Probability < f[4].Probability {
			named++
		}
	}
	if first < rounds-2 || right < rounds-2 || named > 0 {
		t.Errorf("of %d: %d first, %d named, %d where nothing was wrong", rounds, first, right, named)
	}
}

// Whatever the window, nothing panics and probabilities are numbers.
func TestDegenerate(t *testing.T) {
	full := Window{Requests: random(rand.New(rand.NewPCG(4, 4)), 30, 0, 1), Usage: []Usage{{1.2, math.NaN()}}}
	none := Window{}
	empty := Window{Requests: []Request{{}, {}}}
	odd := Window{Requests: []Request{{Edges: []callgraph.Edge{{From: 9, To: 8, Calls: 1, Critical: 5}, {From: callgraph.Unknown, To: callgraph.Unknown, Network: 3}}}}}
	model := Default(true)
	for i, now := range []Window{full, none, empty, odd} {
		for k, base := range []Window{full, none, empty, odd} {
			for _, percentile := range []float64{0, 0.9, 1, math.NaN()} {
				r := Analyse(now, base, 5, percentile)
				for _, f := range r.Findings(&model) {
					if !(f.Probability >= 0 && f.Probability <= 1 && f.Low <= f.High) {
						t.Errorf("%d against %d: %+v", i, k, f)
					}
					if s := r.Sentence(f.Service, Names{Services: strings.Split("abcde", ""), Request: "all"}); strings.Contains(s, "NaN") {
						t.Errorf("%d against %d: %s", i, k, s)
					}
				}
			}
		}
	}
	if r := Analyse(full, full, 0, 0.9); len(r.Findings(&model)) != 0 {
		t.Error("findings on no services")
	}
}

func TestPressure(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		usage Usage
		want  float64
	}{
		{Usage{0.4, nan}, 0}, {Usage{0.75, nan}, 0.5}, {Usage{1.3, nan}, 1}, {Usage{0.9, 0.2}, 0.2}, {Usage{nan, 1}, 1},
	} {
		if got := test.usage.pressure(); !near(got, test.want, 1e-12) {
			t.Errorf("%+v: %g, want %g", test.usage, got, test.want)
		}
	}
	if got := Unmeasured().pressure(); !math.IsNaN(got) {
		t.Errorf("%g of nothing known", got)
	}
	r := Report{Services: []Evidence{{Usage: Usage{1, nan}, BaseUsage: Usage{0.6, nan}}, {Usage: Usage{1, nan}, BaseUsage: Unmeasured()}}}
	if a, b := r.Inputs(0)[Number-1], r.Inputs(1)[Number-1]; !near(a, 0.8, 1e-12) || b != 0 {
		t.Errorf("inputs %g and %g", a, b)
	}
}

// BenchmarkAnalyse compares 1,000 requests of 5 services with 4,000.
func BenchmarkAnalyse(b *testing.B) {
	source := rand.New(rand.NewPCG(6, 6))
	now, base := Window{Requests: random(source, 1000, 2, 3)}, Window{Requests: random(source, 4000, -1, 1)}
	b.ReportAllocs()
	for b.Loop() {
		Analyse(now, base, 5, 0.9)
	}
}
