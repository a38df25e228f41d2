package loop

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// What is only shown stays as it was shown first, with its time, as long as the law would do the same; another step is shown anew.
func TestWouldOnce(t *testing.T) {
	observe := spec()
	observe.Control.Mode = v1alpha1.ControlObserve
	l, m := New(), newMachine()
	m.demand = 3.2 // a delay of 0.32: 7 % over
	first := run(l, m, 30, Input{Spec: observe, Active: true}).Status
	if !strings.HasPrefix(first.LastAction, "would: Shrink: ") {
		t.Fatalf("%+v", first)
	}
	later := run(l, m, 300, Input{Spec: observe, Active: true}).Status
	if later.LastAction != first.LastAction || !later.LastActionTime.Equal(first.LastActionTime) {
		t.Errorf("%v %s\nfirst %v %s", later.LastActionTime, later.LastAction, first.LastActionTime, first.LastAction)
	}
	m.demand = 6 // twice the set-point
	other := run(l, m, 30, Input{Spec: observe, Active: true}).Status
	if !strings.HasPrefix(other.LastAction, "would: Emergency: ") {
		t.Errorf("%s", other.LastAction)
	}
	m.demand = 1
	run(l, m, 60, Input{Spec: observe, Active: true})
	m.demand = 6
	if again := run(l, m, 30, Input{Spec: observe, Active: true}).Status; !again.LastActionTime.After(other.LastActionTime.Time) {
		t.Errorf("after a minute without, the same step still has its first time, %v", again.LastActionTime)
	}
}

// suspects lets a loop learn what is usual with a batch of half a core, lets batch ask for six, and returns the loop at the first moment at which
// a probe holds batch down.
func suspects(t *testing.T) (*Loop, *machine) {
	t.Helper()
	l, m := New(), newMachine()
	m.demand = 0.5
	run(l, m, 400, Input{Spec: spec(), Active: true})
	m.demand = 6
	for range 600 {
		if out := run(l, m, 1, Input{Spec: spec(), Active: true}); len(out.Own) > 0 {
			return l, m
		}
	}
	t.Fatalf("no probe in 10 min: %+v, %+v", l.attribution.Findings, l.attribution.Tried)
	return nil, nil
}

// Batch makes the service slower than it is used to. The law brings it below its set-point, and then gives batch as much as it can: it does
// not disturb the probes, so that the suspicion is settled within some minutes.
func TestSuspicionIsSettled(t *testing.T) {
	l, m := suspects(t)
	var out *Outcome
	for range 240 {
		if out = run(l, m, 1, Input{Spec: spec(), Active: true}); len(out.Interference) > 0 && out.Interference[0].State == v1alpha1.InterferenceConfirmed {
			break
		}
	}
	if len(out.Interference) != 1 || out.Interference[0].State != v1alpha1.InterferenceConfirmed || out.Interference[0].Culprit.Pod != "etl-0" {
		t.Fatalf("interference %+v\ntried %+v", out.Interference, l.attribution.Tried)
	}
	if n := len(l.attribution.Tried); n != 1 {
		t.Errorf("it took %d probes: %+v", n, l.attribution.Tried)
	}
	if out = run(l, m, 300, Input{Spec: spec(), Active: true}); m.delay > 0.3 || m.limit < 2 {
		t.Errorf("after it the delay is %.2f with batch at %.2f cores, of which 3 would do: %s", m.delay, m.limit, out.Status.LastAction)
	}
}

// The service gets lighter all the time, by a tenth in 100 s, so that the law has more to give to batch each few seconds. It keeps it back while
// a probe is under way, which would end with it, and no probe begins right after a step of the law.
func TestGrowthWaitsForTheProbe(t *testing.T) {
	l, m := New(), newMachine()
	m.demand = 0.5
	run(l, m, 400, Input{Spec: spec(), Active: true})
	m.demand = 8
	probes := 0
	for range 600 {
		m.perCore *= 0.999
		out := run(l, m, 1, Input{Spec: spec(), Active: true})
		if n := len(l.attribution.Tried); n > probes {
			probes = n
			if ago := m.now.Sub(l.changed); ago < rest {
				t.Errorf("a probe begins %v after a step of the law: %s", ago, out.Status.LastAction)
			}
		}
		if len(out.Interference) > 0 && out.Interference[0].State == v1alpha1.InterferenceConfirmed {
			return
		}
	}
	t.Errorf("in 10 min nobody is confirmed: %+v, %+v", l.attribution.Findings, l.attribution.Tried)
}

// A probe that would begin at each second does not, as long as the law has just made a step.
func TestNoProbeAfterAStep(t *testing.T) {
	l, m := New(), newMachine()
	m.demand = 0.5
	run(l, m, 400, Input{Spec: spec(), Active: true})
	m.demand = 6
	for range 300 {
		run(l, m, 1, Input{Spec: spec(), Active: true})
		l.changed = m.now.Add(2*time.Second - rest)
	}
	if len(l.attribution.Tried) > 0 {
		t.Errorf("%+v", l.attribution.Tried)
	}
}

// A set-point that is exceeded by a twentieth ends the probe within some readings, and batch gets less.
func TestViolationEndsTheProbe(t *testing.T) {
	l, m := suspects(t)
	for range 40 { // until the suspect is let free again
		if out := run(l, m, 1, Input{Spec: spec(), Active: true}); len(out.Own) == 0 {
			break
		}
	}
	limit := l.setting.BatchCPU
	m.perCore = 0.315 / limit
	run(l, m, 20, Input{Spec: spec(), Active: true})
	if l.attribution.Probing() != nil || l.setting.BatchCPU >= limit || m.delay > 0.3 {
		t.Errorf("batch has %v of %v cores, the delay is %v, the probe is %+v", l.setting.BatchCPU, limit, m.delay, l.attribution.Probing())
	}
}

// The guard of bandwidth works while a probe is under way: batch and the others take 19 of 20 GB/s, 95 % of the peak.
func TestGuardWhileProbing(t *testing.T) {
	l, m := suspects(t)
	limit := l.setting.BatchCPU
	s := spec()
	s.Control.PeakMBps = new(int32(20_000))
	rates := []resctrl.Rate{{Group: ".", Total: new(10e9)}, {Group: "ballast-be", Total: new(9e9)}}
	out := run(l, m, 1, Input{Spec: s, Active: true, Rates: rates})
	if !strings.HasPrefix(out.Status.LastAction, "Guard: ") || out.Cores["be"] >= limit {
		t.Errorf("batch may use %v, before %v: %s", out.Cores, limit, out.Status.LastAction)
	}
}

// While the kernel refuses what the law decides, the law goes on from what is in force: 8 ways and all of the bandwidth.
func TestRefusedSettingIsNotInForce(t *testing.T) {
	values := schemata.Values{}
	values.Set("L3", 0, 0xff)
	values.Set("MB", 0, 100)
	s := spec()
	s.Partitions[1].Caches = []v1alpha1.CacheWays{{Cache: "L3", Ways: new(int32(8))}}
	in := Input{
		Spec: s, Active: true, Capacity: &capacity,
		State: schemata.State{Groups: []schemata.Group{{Name: ".", Schemata: schemata.Values{}}, {Name: "ballast-be", Schemata: values}}},
	}
	for _, refused := range []bool{false, true} {
		l, m := New(), newMachine()
		if out := run(l, m, 10, in); out.Setting.BatchWays >= 8 || out.Setting.BatchBandwidth >= 100 {
			t.Fatalf("twice over the set-point, batch has %+v", out.Setting)
		}
		cpu := l.setting.BatchCPU
		again := in
		if refused {
			again.Refused = "step 1: no"
		}
		m.demand = 0 // and nothing is to be done
		out := run(l, m, 1, again)
		if is := out.Setting.BatchWays == 8 && out.Setting.BatchBandwidth == 100; is != refused || out.Setting.BatchCPU != cpu {
			t.Errorf("refused %v: %+v, CPU before %v", refused, out.Setting, cpu)
		}
		if k := l.law.State().Knobs; refused != (k[0].Value == 8) {
			t.Errorf("refused %v: the law has %+v", refused, k)
		}
		if strings.Contains(out.Status.Batch, "not applied, and what is in force stays: step 1: no") != refused {
			t.Errorf("refused %v: %s", refused, out.Status.Batch)
		}
	}
}

// While the tree of resctrl cannot be read, nothing is decided about ways and bandwidth; the round that finds it again, which goes by the
// outcome of a second without, leaves batch what it had, and not the 8 ways of the spec.
func TestTreeAwayForAMoment(t *testing.T) {
	values := schemata.Values{}
	values.Set("L3", 0, 0xff)
	values.Set("MB", 0, 100)
	s := spec()
	s.Partitions[1].Caches = []v1alpha1.CacheWays{{Cache: "L3", Ways: new(int32(8))}}
	in := Input{
		Spec: s, Active: true, Capacity: &capacity,
		State: schemata.State{Groups: []schemata.Group{{Name: ".", Schemata: schemata.Values{}}, {Name: "ballast-be", Schemata: values}}},
	}
	l, m := New(), newMachine()
	before := run(l, m, 10, in).Setting
	if before.BatchWays >= 8 || before.BatchWays < 2 {
		t.Fatalf("twice over the set-point, batch has %+v", before)
	}
	away := in
	away.Capacity, away.State = nil, schemata.State{}
	out := run(l, m, 5, away)
	wanted := []partition.Partition{{Name: "be", Ways: []partition.Ways{{Cache: "L3", Count: 8}}}}
	if got := Overlay(wanted, out, capacity)[0].Ways[0].Count; got != before.BatchWays {
		t.Errorf("with the tree back batch gets %d ways, it had %d", got, before.BatchWays)
	}
	if out.Setting.BatchBandwidth != before.BatchBandwidth || out.Moved {
		t.Errorf("%+v, before %+v, moved %v", out.Setting, before, out.Moved)
	}
	away.Spec = spec() // another partition is batch's now: what the one before had is not for it
	away.Spec.Partitions[1].Name = "other"
	if out = run(l, m, 1, away); out.Setting.BatchWays != 0 || out.Setting.BatchBandwidth != 0 {
		t.Errorf("another partition gets %+v", out.Setting)
	}
}

// An outcome is for the spec and the switch that it was decided by.
func TestFor(t *testing.T) {
	s := spec()
	out := run(New(), newMachine(), 1, Input{Spec: s, Active: true})
	other, observe, points, canary, peak, none := spec(), spec(), spec(), spec(), spec(), spec()
	other.Partitions[1].Name = "else"
	observe.Control.Mode = v1alpha1.ControlObserve
	points.Control.Version, points.Control.SetPoints, points.Control.Eviction = "8", nil, v1alpha1.EvictionLastStep
	canary.Control.Canary, peak.Control.PeakMBps, none.Control = true, new(int32(1)), nil
	for name, c := range map[string]struct {
		out    *Outcome
		spec   *v1alpha1.NodeIsolationSpec
		active bool
		want   bool
	}{
		"the same": {out, s, true, true}, "one that is equal": {out, spec(), true, true}, "another": {out, other, true, false},
		"the switch": {out, s, false, false}, "the mode": {out, observe, true, false}, "no outcome": {nil, s, true, false},
		"other set-points": {out, points, true, true}, "a canary": {out, canary, true, false}, "the peak": {out, peak, true, false},
		"no control": {out, none, true, false},
	} {
		if got := c.out.For(c.spec, c.active); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The very spec, for which a round follows on a step: its version is to be reported.
func TestBy(t *testing.T) {
	s, points := spec(), spec()
	points.Control.Version = "8"
	out := run(New(), newMachine(), 1, Input{Spec: s, Active: true})
	if !out.By(s) || !out.By(spec()) || out.By(points) || (*Outcome)(nil).By(s) {
		t.Errorf("the same %v, an equal one %v, another version %v", out.By(s), out.By(spec()), out.By(points))
	}
}

// A set-point may mean all containers of a QoS class.
func TestSetPointOfAClass(t *testing.T) {
	s := spec()
	s.Control.SetPoints[0].PartitionMember = v1alpha1.PartitionMember{QOSClass: "Burstable"}
	if out := run(New(), newMachine(), 10, Input{Spec: s, Active: true}); len(out.Cores) == 0 {
		t.Errorf("nobody goes by it: %+v", out.Status)
	}
}

// The partition of role Batch goes, and with it all that the loop did to it.
func TestBatchGoes(t *testing.T) {
	l, m := New(), newMachine()
	run(l, m, 20, Input{Spec: spec(), Active: true})
	s := spec()
	s.Partitions[1].Role = ""
	out := run(l, m, 5, Input{Spec: s, Active: true})
	if len(out.Cores) > 0 || out.Batch != "" || out.Status.BatchMilliCPU != nil || l.limited {
		t.Errorf("%+v, %+v", out, out.Status)
	}
}

// Of two pods that use most, the first by name is to go; the containers of a pod count together, and other partitions not at all.
func TestLargest(t *testing.T) {
	l := New()
	l.batch = "be"
	add := func(partition, pod, container string, cores float64) {
		l.members = append(l.members, member{
			key: attribution.Key{Namespace: "jobs", Pod: pod, Container: container}, uid: "uid-" + pod, partition: partition,
			reading: attribution.Reading{Cores: new(cores)},
		})
	}
	if largest(l.pods()) != nil {
		t.Error("there is no pod")
	}
	add("be", "c", "a", 1.5)
	add("lc", "web", "a", 4)
	add("be", "b", "a", 0.5)
	add("be", "a", "a", 1.4)
	add("be", "b", "b", 1)
	if p := largest(l.pods()); *p != (batchPod{namespace: "jobs", name: "b", uid: "uid-b", cores: 1.5}) {
		t.Errorf("%+v", p)
	}
}

// A service that waits twice its set-point with batch at its minimum: the last step is taken where the owner allows it, once in five minutes, also
// by an agent that is restarted, and only shown where the loop does not act.
func TestEviction(t *testing.T) {
	never, last, observe := spec(), spec(), spec()
	last.Control.Eviction, observe.Control.Eviction = v1alpha1.EvictionLastStep, v1alpha1.EvictionLastStep
	observe.Control.Mode = v1alpha1.ControlObserve
	refused := Input{Spec: last, Active: true, Refused: "step 1: no"}
	for name, c := range map[string]struct {
		in    Input
		asked bool
		words string // of the last action
	}{
		"allowed":         {Input{Spec: last, Active: true}, true, "Evict: "},
		"never":           {Input{Spec: never, Active: true}, false, "Emergency: "},
		"observes":        {Input{Spec: observe, Active: true}, false, "if that were not enough, would ask for the eviction of jobs/etl-0, which uses 6.00 cores"},
		"not active":      {Input{Spec: last}, false, "would ask for the eviction of jobs/etl-0"},
		"nothing to move": {Input{Spec: last, Active: true, NoLimits: "no runtime"}, false, ""},
		"refused":         {refused, false, "but nobody, as batch is not at its minimum: step 1: no"},
	} {
		l, m := New(), newMachine()
		m.base = 0.6
		out := run(l, m, 60, c.in)
		if (out.Status.Evict != nil) != c.asked || !strings.Contains(out.Status.LastAction, c.words) {
			t.Errorf("%s: %+v, %s", name, out.Status.Evict, out.Status.LastAction)
			continue
		}
		if !c.asked {
			continue
		}
		e := *out.Status.Evict
		if e.Namespace != "jobs" || e.Pod != "etl-0" || e.UID != "uid-b" || !strings.Contains(e.Why, "shop/web-0/app") || m.now.Sub(e.Time.Time) > 60e9 {
			t.Errorf("%+v", e)
		}
		if again := run(l, m, 200, c.in).Status.Evict; *again != e {
			t.Errorf("within five minutes: %+v", again)
		}
		away := c.in // an agent that is restarted meanwhile is to know of it
		away.NoLimits = "no runtime"
		if again := run(l, m, 1, away).Status.Evict; again == nil || *again != e {
			t.Errorf("while the runtime is away: %+v", again)
		}
		c.in.Previous = &v1alpha1.NodeIsolationStatus{Control: out.Status}
		restarted := New()
		if again := run(restarted, m, 30, c.in).Status.Evict; again == nil || *again != e {
			t.Errorf("after a restart, within five minutes: %+v", again)
		}
		if again := run(restarted, m, 120, c.in).Status.Evict; again == nil || !again.Time.After(e.Time.Time) {
			t.Errorf("after five minutes: %+v", again)
		}
	}
}

// Evictions that bring no set-point back end after three; one that is met for a moment begins anew.
func TestEvictionsEnd(t *testing.T) {
	last := spec()
	last.Control.Eviction = v1alpha1.EvictionLastStep
	l, m := New(), newMachine()
	in, asked, told := Input{Spec: last, Active: true}, map[time.Time]bool{}, 0
	seconds := func(n int) (out *Outcome) {
		for range n {
			if out = run(l, m, 1, in); out.Status.Evict != nil {
				asked[out.Status.Evict.Time.Time] = true
			}
			if out.Asked {
				told++
			}
		}
		return out
	}
	m.base = 0.6
	if out := seconds(3000); len(asked) != mostFruitless || !strings.Contains(out.Status.LastAction, "but nobody: after 3 requests") {
		t.Fatalf("%d requests in 50 minutes; %s", len(asked), out.Status.LastAction)
	}
	m.base = 0
	seconds(120)
	m.base = 0.6
	if seconds(600); len(asked) == mostFruitless {
		t.Error("no request after a recovery")
	}
	if told != len(asked) {
		t.Errorf("%d steps say that they asked, %d requests", told, len(asked))
	}
}

// A pod that was asked for and stays, such as a daemon's, is not asked for again before the others were.
func TestNextToEvict(t *testing.T) {
	l := New()
	l.batch = "be"
	add := func(name string, cores float64) {
		l.members = append(l.members, member{
			key: attribution.Key{Namespace: "jobs", Pod: name, Container: "a"}, uid: "uid-" + name, partition: "be", reading: attribution.Reading{Cores: &cores},
		})
	}
	add("daemon", 3)
	add("b", 1)
	add("c", 2)
	for i, want := range []string{"daemon", "c", "b", "daemon"} {
		p := l.next()
		if p == nil || p.name != want {
			t.Fatalf("request %d: %+v, want %s", i, p, want)
		}
		l.asked[p.uid] = true
	}
	l.members = nil
	if p := l.next(); p != nil || len(l.asked) > 0 {
		t.Errorf("of no pods: %+v, %v", p, l.asked)
	}
}

// Whoever allows evictions changes nothing else: the law goes on from what it had learnt.
func TestEvictionKeepsTheLaw(t *testing.T) {
	l, m := New(), newMachine()
	run(l, m, 200, Input{Spec: spec(), Active: true})
	before, marks := l.setting.BatchCPU, l.law.State().Knobs
	last := spec()
	last.Control.Eviction = v1alpha1.EvictionLastStep
	out := run(l, m, 1, Input{Spec: last, Active: true})
	if math.Abs(out.Setting.BatchCPU-before) > 0.01 || !l.params.EvictBatch {
		t.Errorf("batch had %v, has %+v", before, out.Setting)
	}
	if after := l.law.State().Knobs; after[2].Mark != marks[2].Mark {
		t.Errorf("marks %+v, before %+v", after, marks)
	}
	if l.params != (control.Params{EvictBatch: true}) {
		t.Errorf("%+v", l.params)
	}
}

// Two cores at 3 GHz with 1.5 cycles for an instruction execute 4·10^9 of them a second, one core at 2 GHz with 2 cycles 10^9. One that sleeps counts for
// nothing; of one whose instructions are not counted the sum is not known.
func TestWork(t *testing.T) {
	l := New()
	l.batch = "be"
	add := func(partition string, r attribution.Reading) {
		l.members = append(l.members, member{partition: partition, reading: r})
	}
	if cores, gips := l.work(); cores != nil || gips != nil {
		t.Errorf("nobody: %v, %v", cores, gips)
	}
	add("be", attribution.Reading{Cores: new(2.0), Hertz: new(3e9), CPI: new(1.5)})
	add("be", attribution.Reading{Cores: new(1.0), Hertz: new(2e9), CPI: new(2.0)})
	add("be", attribution.Reading{Cores: new(0.0)})
	add("lc", attribution.Reading{Cores: new(5.0)})
	if cores, gips := l.work(); *cores != 3 || gips == nil || math.Abs(*gips-5) > 1e-9 {
		t.Errorf("%v cores, %v", *cores, gips)
	}
	add("be", attribution.Reading{Cores: new(0.5)})
	if cores, gips := l.work(); *cores != 3.5 || gips != nil {
		t.Errorf("%v cores, %v", *cores, gips)
	}
}
