package sizing_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// A world that the model knows but for noise: after half an hour the percentile is within the target and within a quarter of it, the
// request settled, and the numbers shown are those of the world.
func TestConverges(t *testing.T) {
	w := newWorld(t)
	w.steps(40)
	d := w.step()
	if d.Blind || d.Infeasible || !d.Met {
		t.Fatalf("%+v, expected it to be met", d)
	}
	if v := d.Observed.Value; v > target || v < 0.75*target {
		t.Errorf("observed %v, expected 150 to 200 ms: no more CPU than it takes", v)
	}
	if p := d.Predicted; !(p.Low < p.Value && p.Value < p.High) || math.Abs(p.Value/d.Observed.Value-1) > 0.1 {
		t.Errorf("predicted %+v, expected an interval around what is observed, %v", p, d.Observed.Value)
	}
	if g := d.Guaranteed; !(g.Low < g.Value && g.Value < g.High) || g.Value < d.Predicted.Value || g.Value > target {
		t.Errorf("guaranteed %+v, expected between the %+v predicted and 200 ms", g, d.Predicted)
	}
	var share float64
	for _, a := range d.Allocations {
		share += a.Share
		for _, word := range []string{a.Workload + ": ", " m per pod (", " calls/s planned (", "p99 200 ms; expected "} {
			if !strings.Contains(a.Reason, word) {
				t.Errorf("reason %q lacks %q", a.Reason, word)
			}
		}
	}
	if math.Abs(share-1) > 1e-9 {
		t.Errorf("the shares of the budget add up to %v", share)
	}
	if d.Coverage.Forecasts < 30 || d.Coverage.Load < 0.85 {
		t.Errorf("coverage %+v, expected forecasts that held on a constant load", d.Coverage)
	}
}

func TestBlind(t *testing.T) {
	p := sizing.DefaultPeriods()
	for _, c := range []struct {
		name, reason string
		make         func(w *world) (now time.Time)
	}{
		{"nothing seen", "NoTelemetry", func(*world) time.Time { return start }},
		{"two windows", "NotEnoughData", func(w *world) time.Time { w.steps(2); return w.now() }},
		{"old", "StaleTelemetry", func(w *world) time.Time { w.steps(10); return w.now().Add(p.MaxAge + time.Second) }},
		{"clock back", "ClockWentBack", func(w *world) time.Time { w.steps(10); return w.now().Add(-time.Hour) }},
		{"no load", "NoRequests", func(w *world) time.Time {
			w.steps(10)
			w.idle(6)
			return w.now()
		}},
		{"never load", "NoRequests", func(w *world) time.Time { w.idle(6); return w.now() }},
		{"no pods", "NoWorkloads", func(w *world) time.Time {
			for range 5 {
				o := w.observe()
				o.Services = nil
				w.must(o)
			}
			return w.now()
		}},
		{"no traces", "NotEnoughData", func(w *world) time.Time {
			for i := range w.parts {
				w.parts[i].untraced = true
			}
			w.steps(10)
			return w.now()
		}},
		{"bad objective", "BadObjective", func(w *world) time.Time {
			w.control = sizing.New(sizing.Objective{Percentile: 1, Target: 1}, p, time.Hour)
			return start
		}},
	} {
		w := newWorld(t)
		d := w.control.Decide(c.make(w))
		if !d.Blind || d.BlindReason != c.reason || d.BlindMessage == "" || len(d.Allocations) != 0 {
			t.Errorf("%s: blind %v for %q (%s), %d allocations, expected %s", c.name, d.Blind, d.BlindReason, d.BlindMessage,
				len(d.Allocations), c.reason)
		}
	}
}

func (w *world) idle(minutes int) {
	for range minutes {
		o := w.observe()
		o.Requests, o.Within, o.Percentile = 0, 0, math.NaN()
		w.must(o)
	}
}

func (w *world) must(o sizing.Observation) {
	w.t.Helper()
	if err := w.control.Observe(o); err != nil {
		w.t.Fatal(err)
	}
}

// A few empty windows are bridged: the last with requests is younger than MaxAge.
func TestBridgesEmptyWindows(t *testing.T) {
	w := newWorld(t)
	w.steps(10)
	w.idle(4)
	if d := w.control.Decide(w.now()); d.Blind {
		t.Errorf("blind after 4 empty minutes: %s", d.BlindMessage)
	}
}

// The order of services, and how often a decision is asked for, do not matter.
func TestDeterministic(t *testing.T) {
	a, b := newWorld(t), newWorld(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 30 {
		o := a.observe()
		shuffled := o
		shuffled.Services = append([]sizing.Service(nil), o.Services...)
		rng.Shuffle(len(shuffled.Services), func(i, j int) {
			shuffled.Services[i], shuffled.Services[j] = shuffled.Services[j], shuffled.Services[i]
		})
		a.must(o)
		b.must(shuffled)
		x, y := a.control.Decide(a.now()), b.control.Decide(a.now())
		if again := b.control.Decide(a.now()); !reflect.DeepEqual(x, y) || !reflect.DeepEqual(y, again) {
			t.Fatalf("decisions differ:\n%+v\n%+v\n%+v", x, y, again)
		}
	}
	if !reflect.DeepEqual(a.control.State(), b.control.State()) {
		t.Error("states differ")
	}
}

// A target falls only after less has been enough for Settle: when the load halves, nothing changes for 10 minutes, then the fall is seen,
// and the upper bound lets the updater act on it. A pod of db has 75 calls/s of 4 ms, 0.3 cores, and has some 0.3 to spare; at half the
// load it needs 0.15 less for the same latency.
func TestFallsAfterSettle(t *testing.T) {
	w := newWorld(t)
	before := w.allocation(w.steps(60), "shop/db").Target
	w.rate /= 2
	for minute := 1; minute <= 9; minute++ {
		if a := w.allocation(w.step(), "shop/db"); a.Target < 0.89*before {
			t.Fatalf("minute %d after the fall: target %v, it was %v", minute, a.Target, before)
		}
	}
	d := w.steps(25)
	if a := w.allocation(d, "shop/db"); math.Abs(a.Target-(before-0.15)) > 0.04 || w.parts[0].pods[0].Request > a.Upper {
		t.Errorf("half an hour later: %+v with a request of %v, expected 0.15 less than %v", a, w.parts[0].pods[0].Request, before)
	}
}

// A load that is 5 % lower takes less CPU by less than a tenth, which is taken after an hour, to the grain of 10 m and the 2.5 % that are
// let be: db has 0.3 cores of load a pod, so 15 m less are needed, of some 610. Before that the reason says when.
func TestFallsSlowly(t *testing.T) {
	w := newWorld(t)
	before := w.allocation(w.steps(120), "shop/db").Target
	w.rate *= 0.9
	a := w.allocation(w.steps(30), "shop/db")
	if a.Target != before || !strings.Contains(a.Reason, "would do, held: falls by ") {
		t.Errorf("half an hour later %+v, expected %v, and when it falls", a, before)
	}
	a = w.allocation(w.steps(45), "shop/db")
	if a.Target > before-0.02 || a.Target < before-0.05 || w.parts[0].pods[0].Request != a.Target {
		t.Errorf("75 minutes later %+v with a request of %v, expected 20 to 50 m less than %v", a, w.parts[0].pods[0].Request, before)
	}
}

// In shadow nothing is acted on: no interval is counted, for none was of the requests there are, and the load's forecasts are. The
// prediction is still calibrated, on what pods had: once acted on, it holds.
func TestShadowIsCalibrated(t *testing.T) {
	w := newWorld(t)
	var d sizing.Decision
	for range 60 {
		w.must(w.observe())
		d = w.control.Decide(w.now())
	}
	if d.Coverage.Intervals != 0 || d.Coverage.Forecasts < 40 {
		t.Errorf("in shadow %+v, expected forecasts of the load only", d.Coverage)
	}
	if p := d.Predicted; p.High/p.Low > 1.3 {
		t.Errorf("predicted %+v, expected an interval as narrow as the noise", p)
	}
	w.step()
	w.step()
	if got := w.step().Observed.Value; got < 0.9*d.Predicted.Low || got > 1.1*d.Predicted.High {
		t.Errorf("acted on it is %v, expected about %+v", got, d.Predicted)
	}
}

// A target rises at once when the load does, and the lower bound with it: db by 0.6·0.3 = 0.18 cores (see above).
func TestRisesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.steps(60)
	before := w.parts[0].pods[0].Request
	w.rate *= 1.6
	w.step()
	if got := w.parts[0].pods[0].Request; got < before+0.14 || got > before+0.4 {
		t.Errorf("a minute after the load rose by 60 %% the request is %v, it was %v", got, before)
	}
	w.steps(2)
	if d := w.step(); d.Observed.Value > target {
		t.Errorf("4 minutes after the rise p99 is %v", d.Observed.Value)
	}
}

// Overload: the pods have all their cores busy and a queue. The raise is for 1.3 times the load and, where only the queue asks for it, at
// most to twice.
func TestOverload(t *testing.T) {
	w := newWorld(t)
	w.steps(40)
	before := w.parts[1].pods[0].Request
	for j := range w.parts[1].pods {
		w.parts[1].pods[j].Request = 0.19 // load is 25 calls/s of 8 ms a pod = 0.2 cores
	}
	d := w.step()
	a := w.allocation(d, "shop/geo")
	if !d.AtRisk || !strings.Contains(a.Reason, "drain a queue") {
		t.Errorf("at risk %v (%s), reason %q", d.AtRisk, d.AtRiskMessage, a.Reason)
	}
	if a.Lower <= 0.19 || a.Target < before || a.Target > 2*before {
		t.Errorf("%+v, expected a raise over %v, not without end", a, before)
	}
}

func TestInfeasible(t *testing.T) {
	w := newWorld(t)
	for i := range w.parts {
		w.parts[i].max = w.parts[i].pods[0].Request
	}
	w.parts[1].max = 0.25 // of which 0.2 is load: 8 ms/0.05 = 160 ms on average
	w.parts[1].pods[0].Request, w.parts[1].pods[1].Request = 0.25, 0.25
	d := w.steps(3) // the prior plans for 1.48 times the load: 25·1.48·8 ms = 0.296 cores
	if !d.Infeasible || !strings.Contains(d.InfeasibleMessage, "reaches no end") {
		t.Errorf("message %q, expected that a queue would grow", d.InfeasibleMessage)
	}
	d = w.steps(57)
	if d.Blind || !d.Infeasible || !d.AtRisk {
		t.Fatalf("%+v, expected it to be infeasible", d)
	}
	if !strings.Contains(d.InfeasibleMessage, "target 200 ms") || strings.Contains(d.InfeasibleMessage, "no end") {
		t.Errorf("message %q lacks what can be reached", d.InfeasibleMessage)
	}
	if a := w.allocation(d, "shop/geo"); a.Target > 0.25 || a.Target < 0.24 {
		t.Errorf("geo gets %v, expected its maximum of 0.25", a.Target)
	}
}

func TestPolicyMinimum(t *testing.T) {
	w := newWorld(t)
	w.parts[2].min = 2
	if a := w.allocation(w.steps(5), "shop/web"); a.Target != 2 {
		t.Errorf("target %v, expected the policy's minimum of 2", a.Target)
	}
}

// The lower bound urges only where there is room; what room there is, is used; pods on one node share it.
func TestRoom(t *testing.T) {
	for _, c := range []struct {
		name     string
		prepare  func(w *world)
		urged    bool // lower bound over the request
		most     float64
		contains string
	}{
		{"room", func(*world) {}, true, math.Inf(1), ""},
		{"no room", func(w *world) { w.parts[1].pods[1].Headroom = 0 }, false, math.Inf(1), "has 0 m free"},
		{"negative room", func(w *world) { w.parts[1].pods[1].Headroom = -3 }, false, math.Inf(1), "has 0 m free"},
		{"some room", func(w *world) { w.parts[1].pods[1].Headroom = 0.05 }, true, 0.27, "has 50 m free"},
		{"shared room", func(w *world) {
			for j := range w.parts[1].pods {
				w.parts[1].pods[j].Headroom, w.parts[1].pods[j].Node = 0.1, "a"
			}
		}, true, 0.27, "has 50 m free"},
		{"not in place", func(w *world) { w.parts[1].recreate = true }, false, math.Inf(1), "does not resize in place"},
	} {
		w := newWorld(t)
		w.steps(30)
		for j := range w.parts[1].pods {
			w.parts[1].pods[j].Request = 0.22 // too little, by far: 8 ms/0.02
		}
		c.prepare(w)
		w.must(w.observe())
		a := w.allocation(w.control.Decide(w.now()), "shop/geo")
		w.check(a)
		if urged := a.Lower > 0.22; urged != c.urged || a.Target > c.most || !strings.Contains(a.Reason, c.contains) {
			t.Errorf("%s: %+v, expected urged %v, at most %v, reason with %q", c.name, a, c.urged, c.most, c.contains)
		}
	}
}

// A controller restored from JSON decides, from its first window on, as the one that ran on, within the few per cent that the law's last
// windows weigh. Its state is small.
func TestRestore(t *testing.T) {
	w := newWorld(t)
	w.steps(120)
	raw, err := json.Marshal(w.control.State())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the state takes %d bytes", len(raw))
	if len(raw) > 32<<10 {
		t.Errorf("the state takes %d bytes, expected at most 32 kB", len(raw))
	}
	var s sizing.State
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	other := sizing.New(sizing.Objective{Name: "page", Percentile: p99, Target: target}, sizing.DefaultPeriods(), time.Hour)
	if err := other.Restore(s); err != nil {
		t.Fatal(err)
	}
	if d := other.Decide(w.now()); !d.Blind || d.BlindReason != "NoTelemetry" {
		t.Errorf("before its first window it says %q", d.BlindReason)
	}
	o := w.observe()
	w.must(o)
	if err := other.Observe(o); err != nil {
		t.Fatal(err)
	}
	x, y := w.control.Decide(w.now()), other.Decide(w.now())
	if y.Blind || len(x.Allocations) != len(y.Allocations) || x.Requests != y.Requests || math.Abs(x.Attainment-y.Attainment) > 1e-12 {
		t.Fatalf("restored it decides %+v, expected %+v", y, x)
	}
	for i := range x.Allocations {
		a, b := x.Allocations[i], y.Allocations[i]
		if math.Abs(a.Target/b.Target-1) > 0.03 || math.Abs(a.Lower/b.Lower-1) > 0.03 || math.Abs(a.Upper/b.Upper-1) > 0.03 {
			t.Errorf("restored it gives %+v, expected %+v", b, a)
		}
	}
}

func TestObserveRefuses(t *testing.T) {
	w := newWorld(t)
	good := w.observe()
	w.must(good)
	for name, spoil := range map[string]func(o *sizing.Observation){
		"field Time":                 func(o *sizing.Observation) { o.Time = time.Time{} },
		"field Duration":             func(o *sizing.Observation) { o.Duration = -1 },
		"expected one after":         func(o *sizing.Observation) { o.Time = good.Time },
		"field Seconds":              func(o *sizing.Observation) { o.Seconds = 0 },
		"field Requests":             func(o *sizing.Observation) { o.Requests = math.NaN() },
		"field Within":               func(o *sizing.Observation) { o.Within = o.Requests + 1 },
		"field Percentile":           func(o *sizing.Observation) { o.Percentile = math.Inf(1) },
		"Workload is empty":          func(o *sizing.Observation) { o.Services[0].Workload = "" },
		"for the second time":        func(o *sizing.Observation) { o.Services[0].Workload = o.Services[1].Workload },
		"Calls, Visits and Critical": func(o *sizing.Observation) { o.Services[0].Critical = -1 },
		"field Self":                 func(o *sizing.Observation) { o.Services[0].Self = math.Inf(1) },
		"Min and Max":                func(o *sizing.Observation) { o.Services[0].Min, o.Services[0].Max = 2, 1 },
		"field Pods[0]":              func(o *sizing.Observation) { o.Services[0].Pods[0].Available = math.NaN() },
	} {
		o := w.observe()
		spoil(&o)
		before := w.control.State()
		if err := w.control.Observe(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, expected one with %q", err, name)
		}
		if !reflect.DeepEqual(before, w.control.State()) {
			t.Errorf("a refused window (%s) left a trace", name)
		}
	}
}

// A clock put back by an hour is blind until the first window by the new clock; what was learnt stays, what was dated is gone.
func TestClockPutBack(t *testing.T) {
	w := newWorld(t)
	w.steps(90)
	w.minute -= 60
	w.steps(2)
	d := w.step()
	if d.Blind {
		t.Fatalf("blind 3 windows after the clock was put back: %s", d.BlindMessage)
	}
	if d.Requests > 34*60*w.rate {
		t.Errorf("%v requests are counted, expected those of 30 minutes before and 3 after", d.Requests)
	}
}

// Whatever is in a state, restoring it and going on does not panic, and gives finite numbers.
func FuzzRestore(f *testing.F) {
	w := newWorld(&testing.T{})
	w.steps(5)
	raw, err := json.Marshal(w.control.State())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"version":1,"rates":[{"time":"2026-03-01T12:00:00Z","perSecond":1e-300}],"ratios":[{"log":-99,"off":99}],"usable":9}`))
	f.Add([]byte(`{"version":1,"workloads":[{"workload":"shop/db","slow":{"seconds":1e9,"calls":1e-300},"law":{"Work":1e-300,"Fixed":1e9}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s sizing.State
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		w := newWorld(t)
		if w.control.Restore(s) != nil {
			return
		}
		for range 4 {
			if w.control.Observe(w.observe()) != nil {
				return
			}
			for _, a := range w.control.Decide(w.now()).Allocations {
				w.check(a)
			}
		}
	})
}
