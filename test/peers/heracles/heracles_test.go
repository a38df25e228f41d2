package heracles

import (
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

var machine = sharednode.Machine{Cores: 16, Ways: 20, MinWays: 2, Allocates: true, Monitors: true, Events: true, ToldMBps: 100000}

// world is what the controller reads for some seconds, for a target of 1 s.
type world struct {
	latency, load, service, batch, instructions float64
}

// run gives it to the controller from a time to another, each 100 ms.
func (w *world) run(c *Controller, from, to float64) (s sharednode.Setting) {
	for step := int(from*10) + 1; step <= int(to*10); step++ {
		r := &sharednode.Reading{Now: float64(step) / 10, Services: []sharednode.ServiceReading{{
			TargetSeconds: 1, Latencies: []float64{w.latency}, Load: new(w.load),
		}}}
		if step%10 == 0 {
			r.ServiceMBps, r.BatchMBps = new(w.service), new(w.batch)
			r.Jobs = []sharednode.JobReading{{Present: true, Counters: &sharednode.Counters{Seconds: 1, Events: true, Instructions: w.instructions}}}
		}
		s = c.Observe(r)
	}
	return s
}

// The paper's constants. Reference: firm-aquatope-drpc 5.3.
func TestConstants(t *testing.T) {
	t.Parallel()
	if topSeconds != 15 || memorySeconds != 2 || dramLimit != 0.9 || disableLoad != 0.85 || enableLoad != 0.8 || coolDownSeconds != 300 ||
		growSlack != 0.1 || cutSlack != 0.05 || cutCores != 2 {
		t.Error("a constant is not the published one")
	}
}

// It starts with 2 cores and the fewest ways, and does not grow before the first top-level decision at 15 s.
func TestStart(t *testing.T) {
	t.Parallel()
	c := New(machine, 1)
	w := &world{latency: 0.5, load: 0.5, service: 10000, batch: 2000, instructions: 1e9}
	if s := w.run(c, 0, 14.9); s.BatchCPU != 2 || s.BatchWays != 2 || s.ServiceWays != 18 {
		t.Errorf("before the first decision %+v", s)
	}
}

// Growth: at 16 s (each 2 s) a way is added; traffic does not fall, so at 18 s it is taken back and the state is GrowCores; from then on a core
// each 2 s. Reference: 5.3, "if DRAM BW did not fall (derivative ≥ 0), roll back and go to GROW_CORES".
func TestGrowth(t *testing.T) {
	t.Parallel()
	c := New(machine, 1)
	w := &world{latency: 0.5, load: 0.5, service: 10000, batch: 2000, instructions: 1e9}
	if s := w.run(c, 0, 16); s.BatchWays != 3 {
		t.Fatalf("at 16 s %+v, want a third way", s)
	}
	s := w.run(c, 16, 18)
	if state, _ := c.State(); s.BatchWays != 2 || s.BatchCPU != 3 || state != GrowCores {
		t.Fatalf("at 18 s %+v, state %v: want the way back, and a core", s, state)
	}
	if s := w.run(c, 18, 24); s.BatchCPU != 6 {
		t.Errorf("at 24 s %+v, want a core each 2 s", s)
	}
	// With 6 cores at 80,000 MB/s each takes 13,333: one more would pass 90,000. It goes back to the cache: a way less traffic makes is kept.
	w.service, w.batch = 5000, 80000
	w.run(c, 24, 26)
	if state, _ := c.State(); state != GrowCache {
		t.Fatalf("state %v, want the cache where a core does not fit", state)
	}
	w.run(c, 26, 28)
	w.batch, w.instructions = 70000, 2e9
	if s := w.run(c, 28, 30); s.BatchWays != 4 || s.BatchCPU != 6 {
		t.Errorf("%+v: want the way kept, for traffic fell and batch work gained, and another tried", s)
	}
}

// Traffic: limit 90,000 MB/s; 30,000 and 72,000 are 12,000 over, batch takes 18,000 for each of its 4 cores: one goes.
func TestBandwidth(t *testing.T) {
	t.Parallel()
	c := New(machine, 1)
	c.cores = 4
	w := &world{latency: 0.5, load: 0.5, service: 30000, batch: 72000, instructions: 1e9}
	if s := w.run(c, 0, 2); s.BatchCPU != 3 {
		t.Errorf("%+v, want 3 cores", s)
	}
}

// Slack: below 0.10 no growth, below 0.05 a cut to 2 cores, below 0 a stop for 5 minutes. Load: above 0.85 a stop, below 0.80 a start.
func TestTop(t *testing.T) {
	t.Parallel()
	c := New(machine, 1)
	w := &world{latency: 0.93, load: 0.5, service: 10000, batch: 2000, instructions: 1e9}
	c.cores = 8
	if s := w.run(c, 0, 29); s.BatchCPU != 8 || s.BatchWays != 2 {
		t.Errorf("slack 0.07: %+v, want no change", s)
	}
	w.latency = 0.97
	if s := w.run(c, 29, 45); s.BatchCPU != 2 {
		t.Errorf("slack 0.03: %+v, want 2 cores", s)
	}
	w.latency = 1.01
	if s := w.run(c, 45, 60); s.BatchCPU != 0 {
		t.Errorf("slack below 0: %+v, want a stop", s)
	}
	w.latency = 0.5
	if s := w.run(c, 60, 359); s.BatchCPU != 0 {
		t.Errorf("before 5 minutes are over: %+v", s)
	}
	if s := w.run(c, 359, 361); s.BatchCPU != 2 {
		t.Errorf("after 5 minutes: %+v, want 2 cores", s)
	}
	w.load = 0.9
	if s := w.run(c, 361, 376); s.BatchCPU != 0 {
		t.Errorf("load 0.9: %+v, want a stop", s)
	}
	w.load = 0.82
	if s := w.run(c, 376, 406); s.BatchCPU != 0 {
		t.Errorf("load 0.82: %+v, want no start yet", s)
	}
	w.load = 0.79
	if s := w.run(c, 406, 421); s.BatchCPU != 2 {
		t.Errorf("load 0.79: %+v, want a start", s)
	}
}

// Without monitoring there is no limit of traffic and no ground to grow the cache: cores only.
func TestWithoutMonitoring(t *testing.T) {
	t.Parallel()
	plain := machine
	plain.Monitors, plain.ToldMBps = false, 0
	c := New(plain, 1)
	for step := 1; step <= 300; step++ {
		r := &sharednode.Reading{Now: float64(step) / 10, Services: []sharednode.ServiceReading{{TargetSeconds: 1, Latencies: []float64{0.5}}}}
		if s := c.Observe(r); s.BatchWays != 2 {
			t.Fatalf("%+v", s)
		}
	}
	if c.cores < 6 {
		t.Errorf("%v cores after 30 s, want growth", c.cores)
	}
}
