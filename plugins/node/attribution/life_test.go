package attribution_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// probing is a bench whose suspect, neighbour 1, is held down.
func probing(t *testing.T) *bench {
	t.Helper()
	b := newBench()
	b.steps(400)
	b.disturb(1)
	for range 30 {
		if b.steps(1); b.result.Hold != nil {
			return b
		}
	}
	t.Fatalf("no hold: %+v", b.state.Tried)
	return nil
}

// A probe ends at once, and lets its suspect free, when it cannot be trusted.
func TestProbeEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		input func(*attribution.Input)
		why   string
		steps int
	}{
		"settings change":     {func(in *attribution.Input) { in.Disturbed = true }, "settings", 1},
		"switched off":        {func(in *attribution.Input) { in.NoProbes = true }, "switched off", 1},
		"victim gone":         {func(in *attribution.Input) { in.Readings = in.Readings[1:] }, "stopped", 7},
		"suspect gone":        {func(in *attribution.Input) { in.Readings = in.Readings[:2] }, "suspect is gone", 7},
		"victim gets worse":   {func(in *attribution.Input) { in.Readings[0].CPI = new(4.0) }, "worse", 6},
		"nobody is held down": {func(in *attribution.Input) { in.Readings[2].Container.Pod += "x" }, "suspect is gone", 7},
	} {
		b := probing(t)
		b.input = c.input
		var ended *attribution.Trial
		for range c.steps {
			if b.steps(1); b.result.Ended != nil {
				ended = b.result.Ended
				break
			}
		}
		if ended == nil || ended.Outcome != "Inconclusive" || !strings.Contains(ended.Why, c.why) || b.result.Hold != nil {
			t.Errorf("%s: %+v, hold %v", name, ended, b.result.Hold)
		}
		for _, f := range b.state.Findings {
			if f.State == attribution.Confirmed {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

// A suspect that is asked to be held down and is not shows that nothing can be concluded.
func TestHoldNotFollowed(t *testing.T) {
	t.Parallel()
	b := probing(t)
	for range 12 {
		b.now += 2 * time.Second
		r := attribution.Step(&b.state, attribution.Input{Now: b.now, Readings: append([]attribution.Reading{b.victim}, b.others...)})
		if r.Ended != nil {
			if r.Ended.Why != "the suspect was not held down" {
				t.Errorf("%+v", r.Ended)
			}
			return
		}
	}
	t.Error("the probe goes on")
}

// A restart in the middle of a probe lets the suspect free, keeps bars and findings, and goes on as before.
func TestRestart(t *testing.T) {
	t.Parallel()
	b := probing(t)
	saved, err := json.Marshal(b.state)
	if err != nil {
		t.Fatal(err)
	}
	var restored attribution.State
	if err := json.Unmarshal(saved, &restored); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(restored)
	if diff := cmp.Diff(string(saved), string(again)); diff != "" {
		t.Errorf("saved and restored: %s", diff)
	}
	b.state, b.result = restored, attribution.Result{}
	b.steps(1)
	if b.result.Hold != nil || b.state.Probing() != nil {
		t.Errorf("held after a restart: %+v", b.result.Hold)
	}
	b.steps(3)
	if v := b.verdict(); v.Resource != attribution.LLC {
		t.Errorf("four readings after a restart: %+v", v)
	}
	b.steps(120) // the lost probe of the pair counts as inconclusive
	if f := b.state.Findings; len(f) != 1 || f[0].State != attribution.Confirmed {
		t.Errorf("four minutes after a restart: %+v, %+v", f, b.state.Tried)
	}
}

// Without probes nobody is confirmed, however long it takes, and what stays for half an hour is the usual.
func TestNoProbesNoBlame(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	b.disturb(1)
	b.input = func(in *attribution.Input) { in.NoProbes = true }
	for i := range 1200 {
		b.steps(1)
		if bar, _ := b.state.Containers[2].Usual.Bar(5, bars.CPI); (bar.Usual > 2) != (i > 910) && (i < 890 || i > 930) {
			t.Fatalf("the usual CPI is %.1f after %d readings, want 2.1 from half an hour (900) on: then all of them are learnt", bar.Usual, i)
		}
		if b.result.Hold != nil || len(b.state.Findings) > 0 && b.state.Findings[0].State == attribution.Confirmed {
			t.Fatalf("%+v, %+v", b.result.Hold, b.state.Findings)
		}
	}
	if v := b.verdict(); v.Resource != attribution.None {
		t.Errorf("after 40 minutes: %+v", v)
	}
}

// A confirmed finding stands while its culprit is at it without another probe, and for half an hour after it stopped.
func TestFindingStands(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	b.disturb(1)
	b.steps(1500)
	if f := b.state.Findings; len(f) != 1 || f[0].State != attribution.Confirmed || f[0].LastSeen != b.now || len(b.state.Tried) != 1 {
		t.Fatalf("after 50 minutes: %+v, tried %+v", f, b.state.Tried)
	}
	b.others[1].Cores, b.others[1].MBps, b.effect = new(0.3), new(300.0), nil
	b.victim.CPI, b.victim.MPKI, b.victim.MSPKI = new(1.0), new(2.0), new(300.0)
	b.steps(890)
	if len(b.state.Findings) != 1 {
		t.Error("dropped before half an hour")
	}
	b.steps(20)
	if len(b.state.Findings) != 0 {
		t.Errorf("still there after half an hour: %+v", b.state.Findings)
	}
	b.disturb(1) // it was not learnt as the usual
	b.steps(6)
	if v := b.verdict(); v.Resource != attribution.LLC {
		t.Errorf("the second time: %+v", v)
	}
}

// Probes are few: at most 8 begin in any hour, one at a time, whatever happens. A victim that is slow now and then draws as many as it may.
func TestBudget(t *testing.T) {
	t.Parallel()
	b, r := newBench(), rand.New(rand.NewPCG(1, 1))
	for i := 2; i < 12; i++ {
		b.others = append(b.others, attribution.Reading{Container: name(i), Throttleable: true, Cores: new(1.0), Entitled: 4})
	}
	b.steps(400)
	left := 0
	b.effect = func(*attribution.Hold) {
		if left--; left < 0 {
			left = 15 + r.IntN(60)
			b.victim.CPI = new([]float64{1, 2}[r.IntN(2)] * (1 + r.Float64()))
		}
	}
	var began []time.Duration
	for range 7200 {
		b.steps(1)
		if p := b.state.Probing(); p != nil && p.Began == b.now {
			began = append(began, b.now)
		}
		if n := len(began); n > attribution.Budget && began[n-1]-began[n-1-attribution.Budget] <= time.Hour {
			t.Fatalf("%d probes in an hour", attribution.Budget+1)
		}
	}
	if len(began) < attribution.Budget {
		t.Errorf("%d probes in four hours: the test does not try the bound", len(began))
	}
}

// Many containers that come and go, with values of all kinds: memory stays bounded, the state can be saved, nobody is blamed who was not
// probed.
func TestBounded(t *testing.T) {
	t.Parallel()
	r, s := rand.New(rand.NewPCG(3, 3)), attribution.State{}
	value := func() *float64 {
		switch r.IntN(8) {
		case 0:
			return nil
		case 1:
			return new([]float64{math.NaN(), math.Inf(1), -3, 0, 1e300, 5e-324}[r.IntN(6)])
		}
		return new(math.Exp(3 * r.NormFloat64()))
	}
	for i := range 800 {
		in := attribution.Input{Now: time.Duration(i) * 2 * time.Second, Steal: value(), Disturbed: r.IntN(50) == 0}
		for range r.IntN(40) {
			in.Readings = append(in.Readings, attribution.Reading{
				Container: name(r.IntN(30 + i)), Sensitive: r.IntN(2) == 0, Throttleable: r.IntN(2) == 0, Domain: r.IntN(3) - 1,
				Entitled: 2, Cores: value(), CPI: value(),
				MPKI: value(), MSPKI: value(), Hertz: value(), Delay: value(), Pressure: value(), Throttled: value(),
				OccupancyBytes: value(), MBps: value(),
			})
		}
		result := attribution.Step(&s, in)
		if result.Hold != nil && !(result.Hold.Cores > 0) {
			t.Fatalf("%+v", result.Hold)
		}
		if len(s.Containers) > attribution.MaxContainers || len(s.Findings) > attribution.MaxFindings || len(s.Tried) > attribution.Budget {
			t.Fatalf("%d containers, %d findings, %d trials", len(s.Containers), len(s.Findings), len(s.Tried))
		}
	}
	if len(s.Containers) != attribution.MaxContainers {
		t.Errorf("%d containers: the test does not try the bound", len(s.Containers))
	}
	saved, err := json.Marshal(s)
	if err == nil {
		err = s.Check()
	}
	t.Logf("saved, %d containers take %d kB", len(s.Containers), len(saved)/1000)
	if err != nil {
		t.Error(err)
	}
	if s.Ignored == 0 {
		t.Error("nothing was ignored")
	}
}

// Neighbours of another cache domain are not suspected over cache; over CPU they are.
func TestDomains(t *testing.T) {
	t.Parallel()
	for resource, want := range map[attribution.Resource]int{attribution.LLC: 1, attribution.CPU: 0} {
		b := newBench()
		b.others[0].Domain, b.others[1].Domain = 1, 0
		b.others[0].Cores, b.others[1].Cores = new(1.5), new(1.0)
		b.steps(400)
		b.disturb(1)
		b.others[0].Cores, b.others[0].MBps = new(4.0), new(30000.0)
		if resource == attribution.CPU {
			b.effect = func(*attribution.Hold) { b.victim.Delay = new(1.5) }
		}
		b.steps(10)
		if tr := b.state.Tried; len(tr) != 1 || tr[0].Suspect != name(want) {
			t.Errorf("%s: tried %+v, want %v", resource, tr, name(want))
		}
	}
}

// A neighbour that must not be held down is named as a suspect, and never confirmed.
func TestSuspectThatMayNotBeProbed(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.others[1].Throttleable = false
	b.steps(400)
	b.disturb(1)
	b.steps(200)
	f := b.state.Findings
	if len(f) != 1 || f[0].State != attribution.Suspected || f[0].Culprit == nil || *f[0].Culprit != name(1) ||
		!strings.Contains(f[0].Evidence, "not confirmed") {
		t.Errorf("findings %+v", f)
	}
	for _, tr := range b.state.Tried {
		if tr.Suspect != name(0) || tr.Outcome != "Acquitted" {
			t.Errorf("%+v", tr)
		}
	}
}

// A clock that is set back by an hour lets everybody free, and keeps the bars.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	b := probing(t)
	b.now -= time.Hour
	b.steps(1)
	if b.result.Hold != nil || b.state.Probing() != nil || len(b.state.Tried) > 0 {
		t.Errorf("hold %v, tried %+v", b.result.Hold, b.state.Tried)
	}
	b.steps(4)
	if v := b.verdict(); v.Resource != attribution.LLC {
		t.Errorf("%+v", v)
	}
}

// A restored state that is not right says where.
func TestCheck(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: "",
		`{"containers":[{"key":{"Pod":"a"}},{"key":{"Pod":"b"}}]}`:                                                "",
		`{"containers":[{"key":{"Pod":"b"}},{"key":{"Pod":"a"}}]}`:                                                "containers[1]",
		`{"containers":[{"key":{"Pod":"a"},"usual":{"deciles":[[{"unit":0,"buckets":[{"i":1,"w":2}]}]]}}]}`:       "deciles[0][0]: unit",
		`{"containers":[{"key":{"Pod":"a"},"usual":{"deciles":[[{}],[{"unit":1,"buckets":[{"i":1,"w":-2}]}]]}}]}`: "deciles[1][0]: buckets",
	} {
		var s attribution.State
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := probing(t).state.Check(); err != nil {
		t.Errorf("a state in use: %v", err)
	}
}

// Bursts too short to be probed are the victim's own: a tenth of the time, they are soon within what is usual.
func TestShortBurstsAreLearnt(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	over := 0
	for burst := range 40 {
		b.victim.CPI = new(2.0)
		for range 6 {
			if b.steps(1); burst >= 30 && b.verdict().Resource != attribution.None {
				over++
			}
		}
		b.victim.CPI = new(1.0)
		b.steps(54)
	}
	if over > 0 || len(b.state.Tried) > 0 {
		t.Errorf("%d of the last 60 readings in bursts beyond the bar, tried %+v", over, b.state.Tried)
	}
}

// With the confirmed culprit held down for good, one more neighbour that disturbs is found too.
func TestSecondCulprit(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(400)
	b.disturb(1)
	b.steps(60)
	if f := b.state.Findings; len(f) != 1 || f[0].State != attribution.Confirmed || *f[0].Culprit != name(1) {
		t.Fatalf("findings %+v", f)
	}
	b.others[1].Cores, b.others[1].MBps = new(0.2), new(100.0)
	b.disturb(0)
	b.steps(60)
	confirmed := map[attribution.Key]bool{}
	for _, f := range b.state.Findings {
		if f.State == attribution.Confirmed {
			confirmed[*f.Culprit] = true
		}
	}
	if !confirmed[name(0)] || !confirmed[name(1)] {
		t.Errorf("findings %+v, tried %+v", b.state.Findings, b.state.Tried)
	}
}

// What neighbours take while the victim is disturbed does not become what they took before: one that grew a quarter of an hour ago is suspected before one
// that always took more.
func TestCulpritStaysSuspect(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.others[0].Cores, b.others[0].MBps = new(6.0), new(18000.0)
	b.input = func(in *attribution.Input) { in.NoProbes = true }
	b.steps(400)
	b.disturb(1)
	b.steps(450)
	b.input = nil
	b.steps(1)
	if p := b.state.Probing(); p == nil || p.Suspect != name(1) {
		t.Errorf("probing %+v, want %v", p, name(1))
	}
}

// A container that is gone for an hour is forgotten.
func TestForgotten(t *testing.T) {
	t.Parallel()
	b := newBench()
	b.steps(10)
	b.others = b.others[:1]
	b.steps(1795)
	if len(b.state.Containers) != 3 {
		t.Errorf("%d containers before the hour is over", len(b.state.Containers))
	}
	b.steps(10)
	if len(b.state.Containers) != 2 {
		t.Errorf("%d containers after it", len(b.state.Containers))
	}
}
