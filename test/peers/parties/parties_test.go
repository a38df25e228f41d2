package parties

import (
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

var machine = sharednode.Machine{Cores: 12, Ways: 20, MinWays: 1, Allocates: true}

// poll gives each service one latency, for a target of 1 s.
func poll(c *Controller, latencies ...float64) sharednode.Setting {
	r := &sharednode.Reading{}
	for _, x := range latencies {
		r.Services = append(r.Services, sharednode.ServiceReading{TargetSeconds: 1, Latencies: []float64{x}})
	}
	return c.Observe(r)
}

// started has two services, both entering the order at cores or cache, and has polled until before the first decision with enough slack for
// none, too little for the other: 12 cores and 20 ways among three are 4 and 6.
func started(t *testing.T, state Resource) *Controller {
	t.Helper()
	c := New(machine, 2, rand.New(rand.NewPCG(1, 1)))
	for i := range c.apps {
		c.apps[i].state = state
	}
	if s := poll(c, 0.9, 0.9); s.BatchCPU != 4 || s.BatchWays != 6 || s.ServiceWays != 14 || s.BatchPercent != 100 {
		t.Fatalf("the start is %+v, want an equal split: 4 cores and 6 ways", s)
	}
	return c
}

func polls(c *Controller, n int, latencies ...float64) (s sharednode.Setting) {
	for range n {
		s = poll(c, latencies...)
	}
	return s
}

// The constants of the released controller. Reference: firm-aquatope-drpc 5.4.
func TestConstants(t *testing.T) {
	t.Parallel()
	if pollsPerDecision != 5 || longWindow != 10 || upsizeSlack != 0.05 || downsizeSlack != 0.20 || holdOffPolls != 100 || tries != 3 {
		t.Error("a constant is not the published one")
	}
}

// Upsize: a service whose slack is below 0.05 gets a unit from the batch partition each 5 polls. Nothing improves, so the resource
// changes each time and the unit is not returned: cores, cache, cores. Reference: 5.4, "On failure move to the next", "the unit is not returned".
func TestUpsizeOrder(t *testing.T) {
	t.Parallel()
	c := started(t, Cores)
	for i, want := range []struct{ cores, ways int }{{3, 6}, {3, 5}, {2, 5}, {2, 4}} {
		n := pollsPerDecision
		if i == 0 {
			n-- // one has been
		}
		s := polls(c, n, 0.98, 0.9)
		if int(s.BatchCPU) != want.cores || s.BatchWays != want.ways {
			t.Fatalf("decision %d: %+v, want %+v", i, s, want)
		}
	}
}

// While it proves useful, the same resource is taken again: each poll is better than the latency before the action.
func TestUpsizeUseful(t *testing.T) {
	t.Parallel()
	c := started(t, Cache)
	polls(c, 4, 1.5, 0.9)
	x := 1.5
	for want := 4; want >= 2; want-- {
		x -= 0.1
		if s := polls(c, pollsPerDecision, x, 0.9); s.BatchWays != want || s.BatchCPU != 4 {
			t.Fatalf("%+v, want %d ways and 4 cores", s, want)
		}
	}
}

// The worst one is upsized, and both the slack of the poll and that of the last second must be low: one bad poll is not enough.
func TestWorstAndBothSlacks(t *testing.T) {
	t.Parallel()
	c := started(t, Cores)
	polls(c, 4, 1.1, 1.3)
	if action, subject, _ := c.Action(); action != Upsize || subject != 1 {
		t.Errorf("action %v for service %d, want upsizing the worse one", action, subject)
	}
	c = started(t, Cores)
	polls(c, 3, 0.9, 0.9)
	poll(c, 1, 0.9) // (4·0.9 + 1)/5 = 0.92 in the long run
	if action, _, _ := c.Action(); action != None {
		t.Errorf("action %v after one bad poll", action)
	}
}

// Downsize: where every service has more than 0.20, the one with the most gives a unit. Where slack falls below 0.05 in most polls it is
// undone, and that service is left alone for 100 polls (10 s).
func TestDownsizeAndRevert(t *testing.T) {
	t.Parallel()
	c := started(t, Cores)
	s := polls(c, 14, 0.5, 0.6) // the window of a second holds nothing else by then
	if action, subject, _ := c.Action(); action != Downsize || subject != 0 || s.BatchCPU <= 4 {
		t.Fatalf("action %v for %d, %+v", action, subject, s)
	}
	held := int(s.BatchCPU)
	s = polls(c, pollsPerDecision, 0.97, 0.85)
	if int(s.BatchCPU) != held-1 || c.apps[0].holdOff != holdOffPolls {
		t.Errorf("after an unsafe step: %+v, held off for %d polls", s, c.apps[0].holdOff)
	}
	if c.apps[0].state != Cache {
		t.Errorf("the next resource is %v, want the cache", c.apps[0].state)
	}
}

// The last core and the fewest ways stay, and a machine that does not divide its cache has cores only.
func TestFloors(t *testing.T) {
	t.Parallel()
	c := started(t, Cores)
	if s := polls(c, 500, 2, 2); s.BatchCPU != 1 || s.BatchWays != 1 {
		t.Errorf("under constant violation %+v, want one core and one way", s)
	}
	plain := machine
	plain.Allocates = false
	c = New(plain, 2, rand.New(rand.NewPCG(1, 1)))
	if s := polls(c, 500, 2, 2); s.BatchCPU != 1 || s.BatchWays != 6 {
		t.Errorf("without cache allocation %+v, want one core and the ways of the start", s)
	}
}

// Without a reading nothing is decided.
func TestNoReadings(t *testing.T) {
	t.Parallel()
	c := New(machine, 1, rand.New(rand.NewPCG(1, 1)))
	r := &sharednode.Reading{Services: []sharednode.ServiceReading{{TargetSeconds: 1}}}
	for range 50 {
		if s := c.Observe(r); s.BatchCPU != 6 || s.BatchWays != 10 {
			t.Fatalf("without readings %+v", s)
		}
	}
}
