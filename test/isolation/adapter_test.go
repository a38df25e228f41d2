package isolation

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// The window is 2 s: of twenty steps with one request each of 0.1 s, and older ones of 9 s, the 99th percentile is 9 s while 200 requests are
// not reached, and 0.1 s where each step has ten. Without a reading for a second there is no slack.
func TestTail(t *testing.T) {
	t.Parallel()
	var few, many tail
	for step := range 60 {
		x := 9.0
		if step >= 40 {
			x = 0.1
		}
		few.add([]float64{x})
		ten := make([]float64, 10)
		for i := range ten {
			ten[i] = x
		}
		many.add(ten)
	}
	if s := few.slack(1); s == nil || *s != -8 {
		t.Errorf("with few requests the slack is %v, want (1−9)/1", s)
	}
	if s := many.slack(1); s == nil || math.Abs(*s-0.9) > 1e-12 {
		t.Errorf("with enough requests the slack is %v, want (1−0.1)/1", s)
	}
	for range 10 {
		many.add(nil)
	}
	if s := many.slack(1); s != nil {
		t.Errorf("after a second without readings the slack is %v", *s)
	}
}

// Batch CPU is the sum over jobs, and not known while the counters of one that runs are missing.
func TestBatchCores(t *testing.T) {
	t.Parallel()
	c := &plant.Counters{Seconds: 2, CPUSeconds: 3}
	r := &plant.Reading{Jobs: []plant.JobReading{{Present: true, Counters: c}, {Present: true, Counters: c}, {}}}
	if got := batchCores(r); got == nil || *got != 3 {
		t.Errorf("batch CPU is %v, want 1.5 + 1.5", got)
	}
	r.Jobs[1].Counters = nil
	if got := batchCores(r); got != nil {
		t.Errorf("batch CPU is %v with counters missing", *got)
	}
	if got := batchCores(&plant.Reading{}); got != nil {
		t.Errorf("batch CPU is %v without jobs", *got)
	}
}

// Batch's instructions are those of all jobs in 10^9 a second: 3 + 3 in 2 s are 3; not known where one that runs has no events.
func TestBatchGIPS(t *testing.T) {
	t.Parallel()
	c := &plant.Counters{Seconds: 2, Events: true, Instructions: 3e9}
	r := &plant.Reading{Jobs: []plant.JobReading{{Present: true, Counters: c}, {Present: true, Counters: c}, {}}}
	if got := batchGIPS(r); got == nil || *got != 3 {
		t.Errorf("batch executes %v, want 1.5 + 1.5", got)
	}
	r.Jobs[1].Counters = &plant.Counters{Seconds: 2}
	if got := batchGIPS(r); got != nil {
		t.Errorf("batch executes %v without events", *got)
	}
}

// Rates of two seconds by hand: 3 s of CPU in 2 s, 6·10^9 cycles for 3·10^9 instructions, 6·10^6 misses, 0.6 s waited.
func TestReadingOfCounters(t *testing.T) {
	t.Parallel()
	half := &plant.Counters{
		Seconds: 1, CPUSeconds: 1.5, RunQueueSeconds: 0.3, PressureSeconds: 0.2, Events: true, Cycles: 3e9, Instructions: 1.5e9, Misses: 3e6,
		StallCycles: 3e8, Monitored: true, OccupancyMB: 4, MBps: 100,
	}
	r := reading(plus(half, half), "a", 4, true)
	for name, c := range map[string]struct{ got, want float64 }{
		"cores": {*r.Cores, 1.5}, "CPI": {*r.CPI, 2}, "MPKI": {*r.MPKI, 2}, "MSPKI": {*r.MSPKI, 200}, "hertz": {*r.Hertz, 2e9}, "delay": {*r.Delay, 0.2},
		"pressure": {*r.Pressure, 0.2}, "occupancy": {*r.OccupancyBytes, 4e6}, "traffic": {*r.MBps, 100},
	} {
		if math.Abs(c.got/c.want-1) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, c.got, c.want)
		}
	}
	if !r.Sensitive || r.Throttleable || r.Entitled != 4 {
		t.Errorf("%+v", r)
	}
	bare := reading(&plant.Counters{Seconds: 1, CPUSeconds: 1}, "b", 4, false)
	if bare.CPI != nil || bare.MPKI != nil || bare.Hertz != nil || bare.OccupancyBytes != nil || bare.MBps != nil || bare.Sensitive || !bare.Throttleable {
		t.Errorf("without events and monitoring: %+v", bare)
	}
}

// A hold becomes the quota of that job alone.
func TestQuotas(t *testing.T) {
	t.Parallel()
	s, err := New("cpu", plant.Tuning, 1, plant.OnlyCPU)
	if err != nil {
		t.Fatal(err)
	}
	o := NewObserver(s)
	if q := o.Quotas(3); q != nil {
		t.Errorf("without a hold the quotas are %v", q)
	}
	o.Result.Hold = &attribution.Hold{Container: key("mild-1"), Cores: 0.2}
	o.hold(&plant.Reading{Jobs: []plant.JobReading{{Name: "mild-0"}, {Name: "mild-1"}, {Name: "cpu"}}})
	if q := o.Quotas(3); len(q) != 3 || !math.IsInf(q[0], 1) || q[1] != 0.2 || !math.IsInf(q[2], 1) {
		t.Errorf("quotas are %v", q)
	}
}
