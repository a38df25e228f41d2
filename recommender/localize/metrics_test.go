package localize

import (
	"math"
	"testing"
)

// Two front ends call a store; one has 3 of 4 calls. Times of a call are with the calls made.
func TestAnalyseMetrics(t *testing.T) {
	callers := [][]int{nil, nil, {0, 1}}
	at := func(store, front float64) []Interval {
		return []Interval{{30, front, 0.1, 0.4}, {10, 0.2, 0.1, 0.2}, {40, store, 0.05, math.NaN()}}
	}
	base := Metrics{Intervals: [][]Interval{at(0.08, 0.25), at(0.12, 0.25)}, Callers: callers}
	now := Metrics{Intervals: [][]Interval{at(0.5, 0.65)}, Callers: callers}
	r := AnalyseMetrics(now, base)
	// The store: 0.5 against 0.1 a call, 4/3 calls a request: 0.5333 s of the mean request. The front end: 30·0.65 − 3/4·40·0.5 = 4.5, a call
	// 0.15; before 30·0.25 − 30·0.08 = 5.1 and 30·0.25 − 30·0.12 = 3.9, a call 0.15 on average: no rise.
	front, other, store := r.Services[0], r.Services[1], r.Services[2]
	if !near(store.Rise.Value, 4.0/3*0.4, 1e-12) || !near(front.Rise.Value, 0, 1e-12) || !near(r.Rise, 0.4, 1e-12) || !near(r.Before, 0.25, 1e-12) {
		t.Errorf("rises %v %v %v of %g from %g", front.Rise, other.Rise, store.Rise, r.Rise, r.Before)
	}
	// The other: 10·0.2 − 10·0.5 = −3, before 10·0.2 − 10·0.1 = 1: it fell, and has no share.
	if other.RiseShare != 0 || !near(store.RiseShare, 1, 1e-9) || !near(other.Rise.Value, 10.0/30*(-0.3-0.1), 1e-12) {
		t.Errorf("shares %g %g %g", front.RiseShare, other.RiseShare, store.RiseShare)
	}
	// Residuals of the store 40·(0.08 − 0.1) and 40·(0.12 − 0.1): the variance of a call is 2·0.64/40 = 0.032, of the mean of 40 calls
	// 0.0008, of 80 0.0004. The floor is 1 % of 0.25.
	if want := 4.0 / 3 * math.Sqrt(0.0012); !near(store.Rise.Error, want, 1e-12) {
		t.Errorf("error %g, want %g", store.Rise.Error, want)
	}
	if !near(store.Drift.Value, math.Log(0.5025/0.1025), 1e-12) ||
		!near(store.Drift.Error, math.Hypot(math.Sqrt(0.0008)/0.5025, math.Sqrt(0.0004)/0.1025), 1e-12) {
		t.Errorf("drift %v", store.Drift)
	}
	if !near(front.Congestion, 4, 1e-12) || !math.IsNaN(store.Congestion) || !math.IsNaN(store.TailShare.Value) {
		t.Errorf("congestion %g, %g", front.Congestion, store.Congestion)
	}
	model := Default(false)
	if f := r.Findings(&model)[0]; f.Service != 2 || f.Probability < 0.5 {
		t.Errorf("%+v", f)
	}
}

// Nothing is said where nothing is known, and nothing panics.
func TestAnalyseMetricsDegenerate(t *testing.T) {
	nan := math.NaN()
	one := Metrics{Intervals: [][]Interval{{{10, 0.1, nan, nan}, {nan, nan, nan, nan}}}, Callers: [][]int{nil, {0}}}
	for i, now := range []Metrics{{Callers: one.Callers}, one, {Intervals: [][]Interval{{{0, nan, nan, nan}, {}}}, Callers: one.Callers}} {
		r := AnalyseMetrics(now, one)
		model := Default(true)
		for _, f := range r.Findings(&model) {
			if !(f.Probability < 0.5) || !math.IsNaN(r.Services[f.Service].Rise.Value) {
				t.Errorf("%d: %+v %+v", i, f, r.Services[f.Service])
			}
		}
	}
}
