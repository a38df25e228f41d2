package control

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// full is a machine with all three knobs: 20 ways of which batch may have 2 to 18, percent of bandwidth, 16 cores with a floor of 0.8.
func full() Limits {
	return Limits{
		Ways: &WayLimits{Min: 2, Max: 18}, Bandwidth: &BandwidthLimits{Min: 10, Step: 10, Max: 100},
		CPU: &CPULimits{Cores: 16, Floor: 0.8},
	}
}

func onlyCPU() Limits { return Limits{CPU: &CPULimits{Cores: 16, Floor: 0.8}} }

func made(t *testing.T, l Limits, p Params, s Setting) *Law {
	t.Helper()
	law, err := New(l, p, s)
	if err != nil {
		t.Fatal(err)
	}
	return law
}

// web is an observation of one service; batch uses all of its quota unless said otherwise.
func web(at int, slack float64, c Cause) Observation {
	return Observation{Now: time.Duration(at) * time.Second, Services: []Service{{Name: "web-7", Slack: &slack, Cause: c}}}
}

// steady feeds the same slack from one second to another, both included, and gives the decisions that changed something or evict.
func steady(law *Law, from, to int, slack float64, c Cause) []Decision {
	var changed []Decision
	for at := from; at <= to; at++ {
		if d := law.Step(web(at, slack, c)); d.Changed || d.Setting.Evict {
			changed = append(changed, d)
		}
	}
	return changed
}

func want(t *testing.T, d Decision, k Kind, s Setting, words ...string) {
	t.Helper()
	if d.Kind != k || d.Setting != s {
		t.Fatalf("%s %+v, want %s %+v: %s", d.Kind, d.Setting, k, s, d.Action)
	}
	for _, w := range words {
		if !strings.Contains(d.Action, w) {
			t.Errorf("%q does not say %q", d.Action, w)
		}
	}
}

// One reading of 0.6 over is enough. Growth waits 10 s; a second emergency within a minute of its end makes it 20 s, and so on to 5
// minutes.
func TestEmergency(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 100, BatchCPU: math.Inf(1)})
	want(t, law.Step(web(0, -0.6, LLC)), Emergency, Setting{BatchWays: 2, BatchBandwidth: 10, BatchCPU: 0.8},
		"web-7 is 60 % over its set-point (one reading)", "no growth for 10s", "batch ways 8 -> 2", "batch bandwidth unlimited -> 10 %",
		"batch CPU unlimited -> 0.80 cores")
	at, held := 0, []time.Duration{}
	for range 6 {
		from := at
		for {
			at++
			if d := law.Step(web(at, 0.4, "")); d.Changed {
				if d.Kind != Grow {
					t.Fatalf("%s: %s", d.Kind, d.Action)
				}
				held = append(held, time.Duration(at-from)*time.Second)
				break
			}
		}
		for at++; ; at++ { // the growth is found to be good first; else it would be rolled back
			slack := 0.4
			if law.state.trial == nil {
				slack = -0.6
			}
			if d := law.Step(web(at, slack, "")); d.Changed {
				if d.Kind != Emergency {
					t.Fatalf("%s: %s", d.Kind, d.Action)
				}
				break
			}
		}
	}
	if s := time.Second; !reflect.DeepEqual(held, []time.Duration{10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 300 * s}) {
		t.Errorf("growth was held for %v", held)
	}
}

// Eviction is the last step: batch at its minimum first, and only where it is allowed; then not again, nor growth, for 5 minutes.
func TestEvict(t *testing.T) {
	law := made(t, onlyCPU(), Params{EvictBatch: true}, Setting{BatchCPU: 6})
	changed := steady(law, 0, 400, -0.6, CPU)
	if len(changed) != 3 || changed[0].Kind != Emergency || changed[1].Kind != Evict || changed[2].Kind != Evict {
		t.Fatalf("%+v", changed)
	}
	for _, d := range changed[1:] {
		d.Setting.Infeasible = ""
		want(t, d, Evict, Setting{BatchCPU: 0.8, Evict: true}, "evict one batch pod", "5m0s")
	}
	if law.Step(web(401, -0.6, CPU)).Setting.Evict {
		t.Error("the wish to evict outlived its decision")
	}
	law = made(t, onlyCPU(), Params{}, Setting{BatchCPU: 6})
	if changed = steady(law, 0, 400, -0.6, CPU); len(changed) != 1 {
		t.Errorf("not allowed to evict: %+v", changed)
	}
	d := law.Step(web(402, -0.6, CPU))
	if d.Setting.Infeasible == "" || !strings.Contains(d.Action, "CPU 0.80 cores") {
		t.Errorf("no word that it cannot be met: %+v", d)
	}
	steady(law, 403, 410, 0.3, CPU)
	if d = law.Step(web(412, 0.3, CPU)); d.Setting.Infeasible != "" {
		t.Errorf("still infeasible after it was met: %q", d.Setting.Infeasible)
	}
}

// A service whose last reading is old counts no more: nothing is evicted for it.
func TestIdle(t *testing.T) {
	law := made(t, onlyCPU(), Params{EvictBatch: true}, Setting{BatchCPU: 0.8})
	both := func(at int, web *float64) Decision {
		other := 0.3
		return law.Step(Observation{
			Now:      time.Duration(at) * time.Second,
			Services: []Service{{Name: "web-7", Slack: web}, {Name: "db", Slack: &other}},
		})
	}
	over := -0.7
	if d := both(0, &over); d.Kind != Evict {
		t.Fatalf("%s: %s", d.Kind, d.Action)
	}
	over = -0.8
	both(2, &over)
	for at := 3; at < 700; at++ {
		if d := both(at, nil); d.Setting.Evict || at > 20 && d.Setting.Infeasible != "" {
			t.Fatalf("%d s: %s: %s", at, d.Kind, d.Action)
		}
	}
}

// Two readings of 0.2 over, not one.
func TestMinimum(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	want(t, law.Step(web(0, -0.2, "")), Hold, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	law.Step(web(1, 0.1, ""))
	want(t, law.Step(web(2, -0.2, "")), Hold, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	law.Step(web(3, -0.2, ""))
	want(t, law.Step(web(4, -0.2, "")), Minimum, Setting{BatchWays: 2, BatchBandwidth: 10, BatchCPU: 0.8},
		"web-7 is 20 % over its set-point", "batch ways 8 -> 2, batch bandwidth 60 -> 10 %, batch CPU 6.00 -> 0.80 cores")
}

// The factor is 1 + 2 (s - 0.10), then twice and four times as steep: s = 0 gives 0.8, 0.6, 0.2. A change takes 2 s to show, and two
// readings of it are needed: 6.00, at 2 s 4.80, at 6 s 2.88, at 10 s 0.576 and so the floor.
func TestShrinkCPU(t *testing.T) {
	for _, c := range []Cause{"", Unknown, CPU, Power} {
		law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 6})
		for at := range 13 {
			d := law.Step(web(at, 0, c))
			switch at {
			case 2:
				want(t, d, Shrink, Setting{BatchCPU: 4.8}, "web-7 is 0 % below its set-point, less than 5 %", "batch CPU 6.00 -> 4.80 cores")
			case 6:
				want(t, d, Shrink, Setting{BatchCPU: 2.88})
			case 10:
				want(t, d, Shrink, Setting{BatchCPU: 0.8})
			case 12:
				if d.Changed || d.Setting.BatchCPU != 0.8 {
					t.Errorf("below the floor: %+v", d)
				}
			default:
				if d.Changed {
					t.Errorf("%d s: %s", at, d.Action)
				}
			}
		}
	}
	// Without a quota, and with one that does not bind, the use counts: 0.8 x 5 cores.
	for _, quota := range []float64{math.Inf(1), 12} {
		law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: quota})
		use, o := 5.0, Observation{}
		for at := range 3 {
			o = web(at, 0, CPU)
			o.BatchCPU = &use
			if at < 2 {
				law.Step(o)
			}
		}
		want(t, law.Step(o), Shrink, Setting{BatchCPU: 4})
	}
}

// A slack of 0.03 gives 0.86: 8 ways become 6.88, so 6; 60 % become 51.6, so 50 %. One of 0.049 gives 0.898, of 2 steps at least one.
func TestShrinkByCause(t *testing.T) {
	start := Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6}
	for _, c := range []struct {
		cause Cause
		slack float64
		start Setting
		want  Setting
		words string
	}{
		{LLC, 0.03, start, Setting{BatchWays: 6, BatchBandwidth: 60, BatchCPU: 6}, "for want of last-level cache: batch ways 8 -> 6"},
		{LLC, 0.049, Setting{BatchWays: 3, BatchBandwidth: 60, BatchCPU: 6}, Setting{BatchWays: 2, BatchBandwidth: 60, BatchCPU: 6}, "3 -> 2"},
		{MemoryBandwidth, 0.03, start, Setting{BatchWays: 8, BatchBandwidth: 50, BatchCPU: 6}, "batch bandwidth 60 -> 50 %"},
		{
			MemoryBandwidth, 0.049,
			Setting{BatchWays: 8, BatchBandwidth: 20, BatchCPU: 6},
			Setting{BatchWays: 8, BatchBandwidth: 10, BatchCPU: 6},
			"20 -> 10 %",
		},
		{Power, 0.03, start, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 5.16}, "on slowed cores: batch CPU 6.00 -> 5.16 cores"},
		// What cannot give any more leaves it to the next: ways to bandwidth, bandwidth to CPU.
		{LLC, 0.03, Setting{BatchWays: 2, BatchBandwidth: 60, BatchCPU: 6}, Setting{BatchWays: 2, BatchBandwidth: 50, BatchCPU: 6}, ""},
		{
			MemoryBandwidth, 0.03,
			Setting{BatchWays: 8, BatchBandwidth: 10, BatchCPU: 6},
			Setting{BatchWays: 8, BatchBandwidth: 10, BatchCPU: 5.16},
			"",
		},
	} {
		law := made(t, full(), Params{}, c.start)
		steady(law, 0, 1, c.slack, c.cause)
		want(t, law.Step(web(2, c.slack, c.cause)), Shrink, c.want, c.words)
	}
	law := made(t, full(), Params{}, start)
	steady(law, 0, 1, 0.03, None)
	want(t, law.Step(web(2, 0.03, None)), Sizing, start, "finds nobody who disturbs it", "for sizing to raise")
	for at := 3; at < 5; at++ { // another service is disturbed, if less
		o, less := web(at, 0, None), 0.04
		o.Services = append(o.Services, Service{Name: "db", Slack: &less, Cause: CPU})
		if d := law.Step(o); at == 4 { // 1 + 2 (0.04 - 0.10) = 0.88
			want(t, d, Shrink, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 5.28}, "db is 4 % below")
		}
	}
}

// MB_be x (0.90 peak - BW_lc) / BW_be: (9000 - 5500) / 4000 = 0.875 of 60 % is 52.5 %, so 50 %; of 8 cores it is 7. In units of 125 MB/s
// an unlimited group that takes 4000 MB/s, 32 units, gets 28 of them, 3500 MB/s. At 9000 MB/s together nothing happens.
func TestGuard(t *testing.T) {
	lc, be, slack := 5500.0, 4000.0, 0.4
	o := func(at int) Observation {
		return Observation{
			Now: time.Duration(at) * time.Second, Services: []Service{{Name: "web-7", Slack: &slack}},
			Domains: []Domain{{ID: 1, PeakMBps: 10000, LatencyMBps: &lc, BatchMBps: &be}, {ID: 2, PeakMBps: 10000, LatencyMBps: &lc}},
		}
	}
	percent := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	want(t, percent.Step(o(0)), Guard, Setting{BatchWays: 8, BatchBandwidth: 50, BatchCPU: 6},
		"domain 1: 5500 MB/s of latency and 4000 MB/s of batch are 95 % of the peak of 10000 MB/s", "batch bandwidth 60 -> 50 %")
	want(t, percent.Step(o(1)), Guard, Setting{BatchWays: 8, BatchBandwidth: 40, BatchCPU: 6}) // 43.75, each second
	l := full()
	l.Bandwidth = &BandwidthLimits{Min: 1, Step: 1, Max: 2048, UnitMBps: 125}
	want(t, made(t, l, Params{}, Setting{BatchWays: 8, BatchBandwidth: 2048, BatchCPU: 6}).Step(o(0)), Guard,
		Setting{BatchWays: 8, BatchBandwidth: 28, BatchCPU: 6}, "unlimited -> 3500 MB/s")
	want(t, made(t, onlyCPU(), Params{}, Setting{BatchCPU: 8}).Step(o(0)), Guard, Setting{BatchCPU: 7}, "batch CPU 8.00 -> 7.00 cores")
	be = 3500
	want(t, made(t, onlyCPU(), Params{}, Setting{BatchCPU: 8}).Step(o(0)), Hold, Setting{BatchCPU: 8})
	lc, be = 9500, 100 // the others alone are too many
	want(t, made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6}).Step(o(0)), Guard,
		Setting{BatchWays: 8, BatchBandwidth: 10, BatchCPU: 6})
}

// The wheel: after 8 s a step of bandwidth, 8 s later CPU by max(min(1 + 0.1 x 0.4, 1.6), 0.05 x 16, 0.5 x 6) = 3 cores, and so on: 0.5 x 9
// = 4.5, 0.5 x 13.5 is more than there is. A way comes when bandwidth is not limited any more, one where progress is not known.
func TestGrowth(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 80, BatchCPU: 6})
	steps := map[int]Setting{
		8: {BatchWays: 8, BatchBandwidth: 90, BatchCPU: 6}, 16: {BatchWays: 8, BatchBandwidth: 90, BatchCPU: 9},
		24: {BatchWays: 8, BatchBandwidth: 100, BatchCPU: 9}, 32: {BatchWays: 8, BatchBandwidth: 100, BatchCPU: 13.5},
		40: {BatchWays: 9, BatchBandwidth: 100, BatchCPU: 13.5}, 48: {BatchWays: 9, BatchBandwidth: 100, BatchCPU: math.Inf(1)},
	}
	for at := range 50 {
		d := law.Step(web(at, 0.4, ""))
		if s, ok := steps[at]; ok {
			want(t, d, Grow, s)
		} else if d.Changed {
			t.Errorf("%d s: %s", at, d.Action)
		}
	}
}

// From 4 cores to 6 the slack falls from 0.5 to 0.4, target/signal from 2 to 1.6667: 0.16667 a core. To the aim of 0.07, which is 1.0753,
// it is 0.5914, or 3.548 cores, of which 0.6 are 2.129: 8.12. At a slack of 0.15 the rest is 0.1012 / 0.16667 x 0.6 = 0.364 core, at 0.08
// 0.042, less than 0.5 % of 16 cores: it stays.
func TestGrowthForetold(t *testing.T) {
	law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 4})
	steady(law, 0, 7, 0.5, "")
	want(t, law.Step(web(8, 0.5, "")), Grow, Setting{BatchCPU: 6})
	steady(law, 9, 15, 0.4, "")
	want(t, law.Step(web(16, 0.4, "")), Grow, Setting{BatchCPU: 8.12})
	// What is learnt now, (1.6667 - 1.1765) / 2.12 = 0.23123 a core, is the steeper: 0.1012 / 0.23123 x 0.6 = 0.262.
	steady(law, 17, 23, 0.15, "")
	want(t, law.Step(web(24, 0.15, "")), Grow, Setting{BatchCPU: 8.38})
	if changed := steady(law, 25, 300, 0.08, ""); len(changed) != 0 {
		t.Errorf("%+v", changed)
	}
}

// What growth did is judged after 2 s: rolled back where the slack is below 0.05, where it fell by more than 0.15 to below the aim, or
// where bandwidth rose after a way; then what did harm is not tried again for a quarter of an hour.
func TestRollBack(t *testing.T) {
	for _, c := range []struct {
		after float64
		words string
	}{
		{0.02, "after the last growth web-7 is 2 % below its set-point, less than 5 %: back, batch CPU 6.00 -> 4.00 cores"},
		{0.06, "it lost 0.44 of slack"},
	} {
		law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 4})
		steady(law, 0, 8, 0.5, "")
		steady(law, 9, 9, c.after, "")
		want(t, law.Step(web(10, c.after, "")), RollBack, Setting{BatchCPU: 4}, c.words)
		for at := 11; at < 800; at++ {
			if d := law.Step(web(at, 0.5, "")); d.Setting.BatchCPU > 5.7 { // 5 % below
				t.Fatalf("%d s: grows to what violated: %s", at, d.Action)
			}
		}
		if d := steady(law, 800, 1200, 0.5, ""); len(d) == 0 || d[len(d)-1].Setting.BatchCPU < 6 {
			t.Error("what violated is never tried again")
		}
	}
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 100, BatchCPU: 6})
	lc, be := 3000.0, 2000.0
	step := func(at int) Decision {
		o := web(at, 0.5, "")
		o.Domains = []Domain{{PeakMBps: 10000, LatencyMBps: &lc, BatchMBps: &be}}
		return law.Step(o)
	}
	for at := range 9 {
		step(at)
	}
	lc = 3700 // by 7 % of the peak, and 6 % is what one second must show
	step(9)
	want(t, step(10), RollBack, Setting{BatchWays: 8, BatchBandwidth: 100, BatchCPU: 6}, "memory bandwidth rose from 5000 to 5700 MB/s")
}

// A growth is not called good before there is a reading: none for 3 s, then a bad one.
func TestVerifyWaits(t *testing.T) {
	law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 4})
	steady(law, 0, 8, 0.5, "")
	for at := 9; at < 14; at++ {
		want(t, law.Step(Observation{Now: time.Duration(at) * time.Second, Services: []Service{{Name: "web-7"}}}), Hold, Setting{BatchCPU: 6})
	}
	want(t, law.Step(web(14, -0.05, "")), RollBack, Setting{BatchCPU: 4})
}

// A load that is high, a quota that does not bind, a service without readings for a moment: no growth.
func TestNoGrowth(t *testing.T) {
	high, use := 0.85, 3.0
	for name, with := range map[string]func(at int, o *Observation){
		"load":   func(_ int, o *Observation) { o.Services[0].Load = &high },
		"quota":  func(_ int, o *Observation) { o.BatchCPU = &use },
		"second": func(_ int, o *Observation) { s := 0.1; o.Services = append(o.Services, Service{Name: "db", Slack: &s}) },
		"absent": func(at int, o *Observation) {
			if s := 0.4; at%6 == 0 {
				o.Services = append(o.Services, Service{Name: "db", Slack: &s})
			} else {
				o.Services = append(o.Services, Service{Name: "db"})
			}
		},
	} {
		law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 6})
		for at := range 18 {
			o := web(at, 0.5, "")
			with(at, &o)
			if d := law.Step(o); d.Changed {
				t.Errorf("%s: %d s: %s", name, at, d.Action)
			}
		}
	}
}

// Blind after more than 6 s: ways stay, a tenth of the range each 8 s is given back: of CPU 1.52 cores, 4 -> 16 in 8 steps, of bandwidth
// 10 %.
func TestBlind(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 4, BatchBandwidth: 60, BatchCPU: 4})
	steady(law, 0, 1, 0.1, "")
	dark := func(at int) Decision {
		return law.Step(Observation{Now: time.Duration(at) * time.Second, Services: []Service{{Name: "web-7"}}})
	}
	for at := 2; at <= 7; at++ {
		want(t, dark(at), Hold, Setting{BatchWays: 4, BatchBandwidth: 60, BatchCPU: 4})
	}
	want(t, dark(8), Blind, Setting{BatchWays: 4, BatchBandwidth: 70, BatchCPU: 5.52},
		"no reading of any service for 7s: ways stay, limits are lifted: batch bandwidth 60 -> 70 %, batch CPU 4.00 -> 5.52 cores")
	for at := 9; at <= 200; at++ {
		dark(at)
	}
	want(t, dark(201), Blind, Setting{BatchWays: 4, BatchBandwidth: 100, BatchCPU: math.Inf(1)}, "CPU unlimited")
	steady(law, 202, 203, 0.0, CPU)
	want(t, law.Step(web(204, 0.0, CPU)), Shrink, Setting{BatchWays: 4, BatchBandwidth: 100, BatchCPU: 12.8}) // sees again: 0.8 x 16
	none := law.Step(Observation{Now: 230 * time.Second})
	if none.Kind != Blind || !strings.Contains(none.Action, "no service has a set-point") {
		t.Errorf("%s: %s", none.Kind, none.Action)
	}
}

// A restart with the saved state, and a clock that begins anew, keeps the setting and the ceiling, and grows only after 4 clean periods.
func TestRestart(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	steady(law, 1000, 1002, -0.2, CPU)
	text, err := json.Marshal(law.State())
	if err != nil {
		t.Fatal(err)
	}
	var saved State
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	again, err := Restore(full(), Params{}, saved)
	if err != nil {
		t.Fatal(err)
	}
	least := Setting{BatchWays: 2, BatchBandwidth: 10, BatchCPU: 0.8}
	for at := range 8 {
		want(t, again.Step(web(at, 0.5, "")), Hold, least)
	}
	if d := again.Step(web(8, 0.5, "")); d.Kind != Grow {
		t.Errorf("%s: %s", d.Kind, d.Action)
	}
	for at := 9; at < 600; at++ {
		if d := again.Step(web(at, 0.4, "")); d.Setting.BatchCPU > 5.7 {
			t.Fatalf("the ceiling of 6 cores was forgotten: %s", d.Action)
		}
	}
	// Other limits than then: the nearest inside.
	small := Limits{CPU: &CPULimits{Cores: 2, Floor: 1}}
	again, err = Restore(small, Params{}, saved)
	if err != nil {
		t.Fatal(err)
	}
	want(t, again.Step(web(0, 0.1, "")), Hold, Setting{BatchCPU: 1})
	// Without a saved state: what is in force.
	want(t, made(t, full(), Params{}, least).Step(web(0, 0.1, "")), Hold, least)
}

func TestAdopt(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	law.Adopt(Setting{BatchWays: 40, BatchBandwidth: 57, BatchCPU: math.NaN()})
	want(t, law.Step(web(0, 0.1, "")), Hold, Setting{BatchWays: 18, BatchBandwidth: 50, BatchCPU: 0.8})
}

func TestLimits(t *testing.T) {
	for name, l := range map[string]Limits{
		"limits.ways":      {Ways: &WayLimits{Min: 3, Max: 2}},
		"limits.bandwidth": {Bandwidth: &BandwidthLimits{Min: 10, Max: 100}},
		"limits.cpu":       {CPU: &CPULimits{Cores: 4}},
		"MB/s":             {Bandwidth: &BandwidthLimits{Min: 10, Step: 10, Max: 100, UnitMBps: math.NaN()}},
	} {
		if _, err := New(l, Params{}, Setting{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := made(t, Limits{}, Params{}, Setting{}).Step(web(0, -0.6, "")) // nothing to move: it says so
	if d.Changed || !strings.Contains(d.Action, "nothing that can be taken") {
		t.Errorf("%+v", d)
	}
}
