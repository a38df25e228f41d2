package attribution_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

type reading = attribution.Reading

// bench is a victim and neighbours whose readings are given as they are, without noise.
type bench struct {
	state  attribution.State
	now    time.Duration
	victim attribution.Reading
	others []attribution.Reading
	input  func(*attribution.Input) // a last change
	result attribution.Result
	// held is where the last hold was followed: the culprit's effect is the test's to make.
	effect func(held *attribution.Hold) // sets the victim's readings
}

// newBench has a victim at 1 of 2 cores with a CPI of 1.0, and two neighbours.
func newBench() *bench {
	b := &bench{now: time.Hour}
	b.victim = reading{
		Container: victim, Sensitive: true, Entitled: 2, Cores: new(1.0), CPI: new(1.0), MPKI: new(2.0), MSPKI: new(300.0),
		Hertz: new(3e9), Delay: new(0.1),
	}
	for i := range 2 {
		b.others = append(b.others, reading{Container: name(i), Throttleable: true, Cores: new(1.0), Entitled: 4, MBps: new(1000.0)})
	}
	return b
}

func (b *bench) steps(n int) {
	for range n {
		b.now += 2 * time.Second
		if b.effect != nil {
			b.effect(b.result.Hold)
		}
		in := attribution.Input{Now: b.now, Readings: append([]reading{b.victim}, b.others...)}
		if b.input != nil {
			b.input(&in)
		}
		for i := range in.Readings {
			if h := b.result.Hold; h != nil && h.Container == in.Readings[i].Container {
				in.Readings[i].Cores = new(h.Cores)
			}
		}
		b.result = attribution.Step(&b.state, in)
	}
}

// disturb lets a neighbour take 3 cores, and the victim be slow while it is not held down.
func (b *bench) disturb(culprit int) {
	b.others[culprit].Cores, b.others[culprit].MBps = new(3.0), new(9000.0)
	b.effect = func(held *attribution.Hold) {
		b.victim.CPI, b.victim.MPKI, b.victim.MSPKI = new(2.1), new(9.0), new(1350.0)
		if held != nil && held.Container == name(culprit) {
			b.victim.CPI, b.victim.MPKI, b.victim.MSPKI = new(1.02), new(2.1), new(310.0)
		}
	}
}

func (b *bench) verdict() attribution.Verdict { return b.result.Verdicts[0] }

// A quiet time, then a neighbour comes up: nothing after 3 readings, a verdict after 4, a probe after 8 that watches first. The bar is a
// tenth above the usual CPI of 1.0; misses rose by ln(9/2) = 1.5, the cost of each by ln(1350/9 / (300/2)) = 0.
func TestVerdictBeforeProbe(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	if v := b.verdict(); v.Resource != attribution.None || len(b.state.Findings) > 0 || len(b.state.Tried) > 0 {
		t.Fatalf("quiet: %+v, %+v", v, b.state.Findings)
	}
	b.disturb(1)
	b.steps(3)
	if v := b.verdict(); v.Resource != attribution.None {
		t.Errorf("after 3 readings: %+v", v)
	}
	b.steps(1)
	v := b.verdict()
	if v.Resource != attribution.LLC || v.Confidence != 0.4 || math.Abs(*v.Slowdown-2.1) > 0.07 {
		t.Errorf("after 4 readings: %+v, slowdown %v", v, *v.Slowdown)
	}
	contains(t, v.Sentence, "CPI 2.1 against a bar of 1.1", "at 50-60 % use; cache misses per 1000 instructions 9, usually 2")
	if f := b.state.Findings; len(f) != 1 || f[0].State != attribution.Suspected || f[0].Culprit == nil || *f[0].Culprit != name(1) {
		t.Errorf("findings: %+v", f)
	}
	b.steps(4)
	if b.state.Probing() == nil || b.result.Hold != nil {
		t.Errorf("after 8 readings: probing %v, hold %v; want a probe that watches first", b.state.Probing(), b.result.Hold)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

// The neighbour, found as above, is held down to a tenth of its 3 cores, at most 0.2, and named with numbers. It began with reading 404,
// 808 s after the first hour.
func TestNeighbourIsNamed(t *testing.T) {
	t.Parallel()
	b := probing(t)
	h := b.result.Hold
	if h.Container != name(1) || h.Cores != 0.2 || h.Until <= b.now {
		t.Fatalf("hold: %+v", h)
	}
	contains(t, h.Why, "to see whether it slows shop/cart-0/server down", "CPI 2.1")
	b.steps(45)
	if b.result.Hold != nil || len(b.state.Findings) != 1 || len(b.state.Tried) != 1 {
		t.Fatalf("hold %v, findings %+v, tried %+v", b.result.Hold, b.state.Findings, b.state.Tried)
	}
	f := b.state.Findings[0]
	if f.State != attribution.Confirmed || *f.Culprit != name(1) || f.Resource != attribution.LLC || math.Abs(*f.Slowdown-2.1) > 0.07 {
		t.Errorf("finding %+v, slowdown %v", f, *f.Slowdown)
	}
	if f.Since != time.Hour+808*time.Second || f.LastSeen != b.now {
		t.Errorf("since %v, last seen %v at %v", f.Since, f.LastSeen, b.now)
	}
	contains(t, f.Evidence, "CPI 2.1 against a bar of 1.1", "while batch/job-1/main was held to 0.20 cores for ",
		"in 2 turns it was 1.02 (", "within the bar), and 2.1 in between; cache misses per 1000 instructions 9, while it was held 2.1")
}

// With the likeliest neighbour innocent, the next one is tried; the first is acquitted and not named again.
func TestNextSuspect(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	b.disturb(1)
	b.others[0].Cores, b.others[0].MBps = new(4.0), new(20000.0) // grows more, and does no harm
	b.steps(100)
	tried := b.state.Tried
	if len(tried) != 2 || tried[0].Suspect != name(0) || tried[0].Outcome != "Acquitted" ||
		tried[1].Suspect != name(1) || tried[1].Outcome != "Confirmed" {
		t.Fatalf("tried %+v", tried)
	}
	if f := b.state.Findings; len(f) != 1 || *f[0].Culprit != name(1) {
		t.Errorf("findings %+v", f)
	}
	if tried[1].Began < tried[0].Ended {
		t.Error("two probes at a time")
	}
}

// A new version of the application is slower for good. All neighbours are acquitted, nobody is blamed, and the new level becomes the usual.
func TestNewVersionIsLearnt(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(1800)
	b.victim.CPI, b.victim.MPKI = new(1.6), new(3.5)
	b.steps(100)
	for _, tr := range b.state.Tried {
		if tr.Outcome != "Acquitted" {
			t.Errorf("%+v", tr)
		}
	}
	if v := b.verdict(); len(b.state.Tried) != 2 || v.Resource != attribution.None {
		t.Errorf("tried %+v, verdict %+v", b.state.Tried, v)
	}
	b.steps(900) // half an hour
	if v := b.verdict(); v.Resource != attribution.None || v.Sentence != "within what is usual" || len(b.state.Findings) != 0 {
		t.Errorf("after half an hour: %+v, findings %+v", v, b.state.Findings)
	}
	if len(b.state.Tried) > 2 {
		t.Errorf("probed again: %+v", b.state.Tried)
	}
}

// What the signals say of the resource, each set beside the usual CPI 1, MPKI 2, MSPKI 300, 3 GHz and delay 0.1.
func TestLadder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*attribution.Reading)
		steal  float64
		want   attribution.Resource
		text   string
	}{
		"misses":              {func(r *reading) { r.CPI, r.MPKI, r.MSPKI = new(2.0), new(8.0), new(1200.0) }, 0, attribution.LLC, "cache misses"},
		"costlier misses":     {func(r *reading) { r.CPI, r.MPKI, r.MSPKI = new(2.0), new(2.4), new(1300.0) }, 0, attribution.MemoryBandwidth, "stalled"},
		"misses, no stalls":   {func(r *reading) { r.CPI, r.MPKI, r.MSPKI = new(2.0), new(8.0), nil }, 0, attribution.LLC, "cache misses"},
		"stalls, no misses":   {func(r *reading) { r.CPI, r.MPKI, r.MSPKI = new(2.0), nil, new(1300.0) }, 0, attribution.MemoryBandwidth, "stalled"},
		"instructions alone":  {func(r *reading) { r.CPI = new(2.0) }, 0, attribution.Unknown, "CPI 2 against"},
		"misses without cost": {func(r *reading) { r.MPKI = new(9.0) }, 0, attribution.None, "within"},
		"frequency":           {func(r *reading) { r.Hertz = new(2e9) }, 0, attribution.Power, "2.00 GHz against a bar of 2.7"},
		"delay":               {func(r *reading) { r.Delay = new(0.9) }, 0, attribution.CPU, "0.90 s per s run against a bar of 0.2"},
		"delay most":          {func(r *reading) { r.Delay, r.CPI = new(2.0), new(1.3) }, 0, attribution.CPU, "2.00 s per s run"},
		"instructions most":   {func(r *reading) { r.Delay, r.CPI = new(0.3), new(2.0) }, 0, attribution.Unknown, "CPI 2 against"},
		"own limit":           {func(r *reading) { r.Delay, r.Throttled = new(2.0), new(0.4) }, 0, attribution.None, "its own limit stops it: in 40 %"},
		"limit, little":       {func(r *reading) { r.Delay, r.Throttled = new(2.0), new(0.01) }, 0, attribution.CPU, "2.00 s"},
		"limit and misses": {func(r *reading) {
			r.CPI, r.MPKI, r.Delay, r.Throttled = new(2.0), new(8.0), new(2.0), new(0.4)
		}, 0, attribution.LLC, "cache misses"},
		"hypervisor": {func(r *reading) { r.Delay = new(2.0) }, 0.2, attribution.Unknown, "the hypervisor took 20 % of CPU time"},
	} {
		b := newBench()
		b.steps(400)
		c.change(&b.victim)
		b.input = func(in *attribution.Input) { in.Steal = &c.steal }
		b.steps(6)
		if v := b.verdict(); v.Resource != c.want || !strings.Contains(v.Sentence, c.text) {
			t.Errorf("%s: %s: %s, want %s with %q", name, v.Resource, v.Sentence, c.want, c.text)
		}
		b.steps(20)
		if probed := len(b.state.Tried) > 0; probed != (c.want != attribution.None && c.steal == 0) {
			t.Errorf("%s: probed %v", name, probed)
		}
	}
}

// Without perf events and run-queue delay there is CPU pressure.
func TestPressureAlone(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.victim = reading{Container: victim, Sensitive: true, Entitled: 2, Cores: new(1.0), Pressure: new(0.1)}
	b.steps(400)
	b.victim.Pressure = new(0.6)
	b.steps(5)
	if v := b.verdict(); v.Resource != attribution.CPU || !strings.Contains(v.Sentence, "CPU pressure 60 % against a bar of 2") {
		t.Errorf("%+v", v)
	}
}

// Nothing can be said without readings, without their use, with values that cannot be, and with few; each impossible value is counted once.
func TestNoDataNoVerdict(t *testing.T) {
	t.Parallel()
	var empty attribution.State
	if r := attribution.Step(&empty, attribution.Input{Now: 1}); len(r.Verdicts) > 0 || r.Hold != nil {
		t.Errorf("an empty node: %+v", r)
	}
	b := newBench()
	b.steps(100)
	b.disturb(0)
	b.steps(50)
	if v := b.verdict(); v.Resource != attribution.NotJudged || v.Slowdown != nil || len(b.state.Tried) > 0 {
		t.Errorf("after 100 readings: %+v, %+v", v, b.state.Tried)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
		b := newBench()
		b.steps(400)
		b.victim.CPI, b.victim.MPKI, b.victim.Delay, b.victim.Hertz = &bad, &bad, nil, nil
		b.input = func(in *attribution.Input) { in.Steal = &bad }
		b.steps(20)
		if v := b.verdict(); v.Resource != attribution.NotJudged || len(b.state.Findings) > 0 {
			t.Errorf("%v: %+v", bad, v)
		}
		if b.state.Ignored != 60 {
			t.Errorf("%v: %d values ignored, want 3 of each of 20 steps", bad, b.state.Ignored)
		}
		b.victim.Cores = nil
		b.steps(1)
		if v := b.verdict(); v.Resource != attribution.NotJudged {
			t.Errorf("without its use: %+v", v)
		}
	}
}

// Time that stands still or goes back changes nothing, and is counted.
func TestTimeGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(10)
	before, _ := json.Marshal(b.state)
	b.now -= 10 * time.Second
	b.steps(1)
	b.state.Ignored--
	if after, _ := json.Marshal(b.state); string(before) != string(after) {
		t.Errorf("state changed from %s to %s", before, after)
	}
}

// Waiting through its own limit is not learnt as usual: when the limit is lifted, and a neighbour makes it wait as long, that is seen.
func TestOwnLimitIsNotLearnt(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	b.victim.Delay, b.victim.Throttled = new(2.0), new(0.4)
	b.steps(1000)
	b.victim.Throttled = new(0.0)
	b.steps(10)
	if v := b.verdict(); v.Resource != attribution.CPU {
		t.Errorf("%+v", v)
	}
}

// Misses that do not change with the suspect are not what it is to blame for: the verdict says LLC, the finding does not.
func TestProbeNamesTheResource(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	b.disturb(1)
	effect := b.effect
	b.effect = func(held *attribution.Hold) {
		effect(held)
		b.victim.MPKI, b.victim.MSPKI = new(9.0), new(1350.0)
	}
	b.steps(6)
	if v := b.verdict(); v.Resource != attribution.LLC {
		t.Errorf("verdict %+v", v)
	}
	b.steps(60)
	if f := b.state.Findings; len(f) != 1 || f[0].State != attribution.Confirmed || f[0].Resource != attribution.Unknown {
		t.Errorf("findings %+v", f)
	}
}
