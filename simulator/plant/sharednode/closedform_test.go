package sharednode

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/fluidqueue"
)

// plain is a machine on which nothing but queueing happens: no misses to speak of, no wait on waking.
func plain(cores float64) (Machine, Service) {
	m := Machine{
		Cores: cores, GHz: 2, Ways: 10, MinWays: 1, CacheMB: 20, PeakMBps: 50000, CoreMBps: 10000, MemoryNs: 100, MBMin: 10, MBStep: 10, MBBend: 1,
		Allocates: true, Throttles: true, Monitors: true, Events: true,
	}
	s := Service{
		Name: "s", Workers: cores, Weight: cores, Instructions: 2e6, Variation: 1, PeakRate: cores * 1000, TargetSeconds: 1,
		Code: Code{CPI: 1, Overlap: 1, Misses: Curve{Shape: Flat, High: 0, Low: 0, ScaleMB: 1}},
	}
	return m, s // a request takes 2e6/2e9 = 1 ms
}

func started(t *testing.T, m Machine, s []Service, j []Job, c Conditions, random *rand.Rand) *Node {
	t.Helper()
	n, err := New(m, s, j, random)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Change(c); err != nil {
		t.Fatal(err)
	}
	return n
}

// M/G/1 with processor sharing: mean latency S/(1−ρ), whatever the service time's law (Kleinrock). S = 1 ms.
func TestProcessorSharing(t *testing.T) {
	t.Parallel()
	for _, load := range []float64{0.1, 0.5, 0.8, 0.95} {
		m, s := plain(1)
		n := started(t, m, []Service{s}, nil, Conditions{Load: []float64{load}}, nil)
		for range 3000 {
			n.Advance(Step)
		}
		mean, squared := n.Latency(0)
		if want := 0.001 / (1 - load); math.Abs(mean/want-1) > 1e-6 {
			t.Errorf("load %v: the mean is %v, want %v", load, mean, want)
		}
		// With exponential work the variance is S²/(1−ρ)² · (2+ρ)/(2−ρ) (Coffman, Muntz and Trotter 1970).
		if want := (2 + load) / (2 - load); math.Abs(squared-want) > 1e-6 {
			t.Errorf("load %v: the squared coefficient of variation is %v, want %v", load, squared, want)
		}
	}
}

// The requests drawn have the law's mean: S/(1−ρ) = 2 ms at a load of a half. With the noise of the plant the load wanders by 2 %, which
// raises the mean by next to nothing: 1/(1−ρ) is convex, half its second derivative times the variance of ρ is (1/0.125)·0.01², 0.08 % of 2.
func TestSampledProcessorSharing(t *testing.T) {
	t.Parallel()
	m, s := plain(1)
	n := started(t, m, []Service{s}, nil, Conditions{Load: []float64{0.5}}, Tuning.Random(1, 99))
	var sum float64
	var all []float64
	for range 10000 {
		n.Advance(Step)
		all = append(all, n.Read().Services[0].Latencies...)
	}
	for _, x := range all {
		sum += x
	}
	if mean := sum / float64(len(all)); math.Abs(mean/0.002-1) > 0.05 {
		t.Errorf("the mean of %d requests is %v s, want 0.002", len(all), mean)
	}
	if len(all) < 400000 || len(all) > 550000 { // 500/s for 1,000 s, less what is not read
		t.Errorf("%d requests in 1,000 s at 500/s", len(all))
	}
	slices.Sort(all)
	law := fluidqueue.Percentile(0.002, 2.5/1.5)
	if p99 := all[len(all)*99/100]; math.Abs(p99/law-1) > 0.1 {
		t.Errorf("the 99th percentile is %v, the law's %v", p99, law)
	}
}

// Overload: 1.5 requests arrive for each that one core serves, 500/s too many. After 1 s about 500 are in the system; after the load
// falls to 0.5 the queue drains by 500/s and is gone a second later.
func TestOverloadGrowsAndDrains(t *testing.T) {
	t.Parallel()
	m, s := plain(1)
	n := started(t, m, []Service{s}, nil, Conditions{Load: []float64{1.5}}, nil)
	for range 10 {
		n.Advance(Step)
	}
	if got := n.service[0].number; math.Abs(got/500-1) > 0.1 {
		t.Errorf("%v requests in the system after a second, want about 500", got)
	}
	_ = n.Change(Conditions{Load: []float64{0.5}})
	for range 12 {
		n.Advance(Step)
	}
	if got := n.service[0].number; got > 10 {
		t.Errorf("%v requests in the system after the queue has drained", got)
	}
}

// The step does not matter: 100 ms and 10 ms give the same course within a few percent.
func TestStepLength(t *testing.T) {
	t.Parallel()
	m, s := plain(4)
	at := func(dt float64) float64 {
		n := started(t, m, []Service{s}, nil, Conditions{Load: []float64{0.9}}, nil)
		for range int(math.Round(2 / dt)) {
			n.Advance(dt)
		}
		mean, _ := n.Latency(0)
		return mean
	}
	if a, b := at(0.1), at(0.01); math.Abs(a/b-1) > 0.03 {
		t.Errorf("after 2 s the mean latency is %v with steps of 100 ms, %v with 10 ms", a, b)
	}
}
