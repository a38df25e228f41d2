package network_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency/network"
)

// made returns windows of links whose own time differs by 1 ms, over nodes of two zones, with 0.3 ms within and 1.2 ms beyond a zone. Pods
// move once.
func made(rng *rand.Rand, links, windows int, region bool) []network.Window {
	var all []network.Window
	for l := range links {
		base := math.Abs(0.002 + 0.001*rng.NormFloat64())
		for w := range windows {
			var zone, far float64
			if w%(windows/2) == 0 { // new places
				zone = rng.Float64()
				if region {
					far = (1 - zone) * rng.Float64()
				}
			} else {
				last := all[len(all)-1]
				zone, far = last.Zone, last.Region
			}
			calls := 20 + 200*rng.Float64()
			noise := 0.0002 * rng.NormFloat64() * math.Sqrt(100/min(calls, 100))
			all = append(all, network.Window{
				Link: fmt.Sprint(l), Calls: calls, Zone: zone, Region: far, Seconds: max(0, base+0.0003*zone+0.0012*far+noise),
			})
		}
	}
	return all
}

func TestLearn(t *testing.T) {
	var zones, regions int // runs in which the truth is within two standard errors
	const runs = 100
	for seed := range runs {
		c, err := network.Learn(made(rand.New(rand.NewPCG(uint64(seed), 1)), 15, 20, true))
		if err != nil {
			t.Fatal(err)
		}
		if !c.Region.Known || !c.Node.Known || c.Zone.StandardError > 0.0002 {
			t.Errorf("seed %d: not known: %+v", seed, c)
		}
		if math.Abs(c.Zone.Seconds-c.Node.Seconds-0.0003) < 2*c.Zone.StandardError {
			zones++
		}
		if math.Abs(c.Region.Seconds-c.Node.Seconds-0.0012) < 2*c.Region.StandardError {
			regions++
		}
	}
	// 95 expected; below 88 by chance once in 300.
	if zones < 88 || regions < 88 {
		t.Errorf("of %d runs the truth is within two standard errors in %d within a zone and %d beyond, want 95", runs, zones, regions)
	}
}

// What was never seen is not known, and what all links share is not mistaken for it.
func TestUnknownDistances(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	c, err := network.Learn(made(rng, 15, 20, false))
	if err != nil {
		t.Fatal(err)
	}
	if c.Region.Known || !c.Zone.Known {
		t.Errorf("without calls between zones: %+v", c)
	}
	// Links whose pods never share a node take long, as they do where callees are overloaded: that is not the way's.
	for _, millis := range []float64{2, 20, 50} {
		var apart []network.Window
		for i := range 400 {
			apart = append(apart, network.Window{Link: fmt.Sprint(i % 20), Seconds: millis / 1e3 * (1 + 0.1*rng.NormFloat64()), Calls: 100, Zone: 1})
		}
		if c, err = network.Learn(apart); err != nil || c.Zone.Known || c.Node.Known {
			t.Errorf("%v ms and always on two nodes: %+v, %v", millis, c, err)
		}
	}
	// One link that never moved: its time may be its own or the way's.
	still := made(rng, 1, 20, true)
	for i := range still {
		still[i].Zone, still[i].Region = 1, 0
	}
	if c, err = network.Learn(still); err != nil || c.Zone.Known || c.Node.Known {
		t.Errorf("one link that never moved: %+v, %v", c, err)
	}
}

func TestLearnBadWindows(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	bad := []network.Window{
		{Link: "a", Seconds: nan, Calls: 1},
		{Link: "a", Seconds: inf, Calls: 1},
		{Link: "a", Seconds: -1, Calls: 1},
		{Link: "a", Seconds: 1},
		{Link: "a", Seconds: 1, Calls: nan},
		{Link: "a", Seconds: 1, Calls: 1, Zone: 0.7, Region: 0.7},
		{Link: "a", Seconds: 1, Calls: 1, Zone: nan},
	}
	if _, err := network.Learn(bad); err == nil {
		t.Error("learned from nothing")
	}
	good := made(rand.New(rand.NewPCG(4, 5)), 15, 20, true)
	want, err := network.Learn(good)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := network.Learn(append(bad, good...)); err != nil || got != want {
		t.Errorf("with bad windows %+v, %v; without %+v", got, err, want)
	}
}

func BenchmarkLearn(b *testing.B) {
	windows := made(rand.New(rand.NewPCG(6, 7)), 40, 30, true)
	for b.Loop() {
		if _, err := network.Learn(windows); err != nil {
			b.Fatal(err)
		}
	}
}
