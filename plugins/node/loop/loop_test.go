package loop

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine is a node of 8 cores with a service and a batch container that share a run queue: the service waits for each second that it runs
// as long as batch uses of half the cores that it does not, all of it beyond.
type machine struct {
	now   time.Time
	web   counters.Sample
	batch counters.Sample
	// demand of batch in cores, and what it is limited to.
	demand, limit float64
	delay         float64
	// base is what web waits without batch, perCore what it waits for each core of batch.
	base, perCore float64
	// throttled is the share of periods in which the service's own limit stops it.
	throttled float64
}

func newMachine() *machine {
	m := &machine{now: noon, demand: 6, limit: math.Inf(1), perCore: 0.1}
	m.web.Container, m.batch.Container = counters.Container{ID: "w", QoS: "burstable"}, counters.Container{ID: "b", Pod: "uid-b", QoS: "besteffort"}
	m.web.CPU, m.batch.CPU = &counters.CPU{}, &counters.CPU{}
	m.web.RunQueue = &counters.RunQueue{}
	return m
}

// second lets a second pass: web runs 2 s of CPU, and waits 0.1 s for each of them and each core of batch.
func (m *machine) second() *containers.View {
	m.now = m.now.Add(time.Second)
	used := min(m.demand, m.limit)
	m.delay = m.base + m.perCore*used
	pass := func(cores float64) time.Duration { return time.Duration(cores * float64(time.Second)) }
	next := func(s counters.Sample, cores float64) counters.Sample {
		s.Time, s.CPU = m.now, &counters.CPU{Total: s.CPU.Total + pass(cores)}
		if s.RunQueue != nil {
			s.RunQueue = &counters.RunQueue{Ran: s.RunQueue.Ran + pass(cores), Waited: s.RunQueue.Waited + pass(cores*m.delay)}
		}
		return s
	}
	m.web, m.batch = next(m.web, 2), next(m.batch, used)
	if m.throttled > 0 {
		before := counters.Throttling{Limit: 2}
		if m.web.Throttling != nil {
			before = *m.web.Throttling
		}
		before.Periods, before.Stopped = before.Periods+10, before.Stopped+uint64(10*m.throttled)
		m.web.Throttling = &before
	}
	return &containers.View{Time: m.now, Containers: []containers.Container{
		{Namespace: "shop", Pod: "web-0", Name: "app", Sample: m.web}, {Namespace: "jobs", Pod: "etl-0", Name: "app", Sample: m.batch},
	}}
}

// spec bounds the service's delay to 0.3 s for each that it runs.
func spec() *v1alpha1.NodeIsolationSpec {
	return &v1alpha1.NodeIsolationSpec{
		Partitions: []v1alpha1.NodePartition{
			{Name: "lc", Role: v1alpha1.RoleLatency, Members: []v1alpha1.PartitionMember{{Namespace: "shop"}}},
			{Name: "be", Role: v1alpha1.RoleBatch, Members: []v1alpha1.PartitionMember{{QOSClass: "BestEffort"}}},
		},
		Control: &v1alpha1.LocalControl{Mode: v1alpha1.ControlAct, Version: "7", SetPoints: []v1alpha1.SetPoint{{
			PartitionMember: v1alpha1.PartitionMember{Namespace: "shop", Pod: "web-*"}, Signal: v1alpha1.SignalRunQueueDelay, MilliTarget: 300,
		}}},
	}
}

// run takes the seconds of a machine, and carries out what the loop says.
func run(l *Loop, m *machine, n int, in Input) *Outcome {
	var out *Outcome
	for range n {
		in.View = m.second()
		in.Now, in.Cores = m.now, 8
		out = l.Step(in)
		m.limit = math.Inf(1)
		if limit, is := out.Cores["be"]; is && out.Acts {
			m.limit = limit
		}
		if own, is := out.Own["b"]; is && out.Acts {
			m.limit = own
		}
	}
	return out
}

// Six cores of batch make a delay of 0.6, twice the set-point: the loop limits batch until the delay is at most 0.3, which is at 3 cores, and
// keeps it there: batch gets most of what it may have.
func TestLimitsBatch(t *testing.T) {
	l, m := New(), newMachine()
	out := run(l, m, 10, Input{Spec: spec(), Active: true})
	if m.delay > 0.3 || !out.Acts {
		t.Errorf("after 10 s the delay is %.2f, batch may use %v", m.delay, out.Cores)
	}
	if !strings.Contains(out.Status.LastAction, "shop/web-0/app") || out.Status.Mode != v1alpha1.ControlAct || out.Status.Version != "7" {
		t.Errorf("status %+v", out.Status)
	}
	out = run(l, m, 300, Input{Spec: spec(), Active: true})
	if m.delay > 0.3 || m.limit < 2 {
		t.Errorf("after 5 min the delay is %.2f with batch at %.2f cores, of which 3 would do: %s", m.delay, m.limit, out.Status.LastAction)
	}
	if s := out.Status.MilliSlack; s == nil || math.Abs(float64(*s)/1000-(0.3-m.delay)/0.3) > 0.1 {
		t.Errorf("slack %v at a delay of %.2f", s, m.delay)
	}
	m.demand = 0.5 // batch has finished: its limit does not come closer
	before := m.limit
	if run(l, m, 600, Input{Spec: spec(), Active: true}); m.limit < before {
		t.Errorf("batch is limited to %v, before to %v", m.limit, before)
	}
}

// Nothing is done in mode Observe, and with the switch not active; the status says what would be.
func TestObserves(t *testing.T) {
	observe := spec()
	observe.Control.Mode = v1alpha1.ControlObserve
	for name, in := range map[string]Input{"observe": {Spec: observe, Active: true}, "not active": {Spec: spec()}} {
		l, m := New(), newMachine()
		out := run(l, m, 30, in)
		if out.Acts || m.limit != math.Inf(1) || out.Status.Mode != v1alpha1.ControlObserve || out.Status.LastAction == "" {
			t.Errorf("%s: acts %v, status %+v", name, out.Acts, out.Status)
		}
	}
}

// A service that its own limit stops waits through no fault of batch.
func TestSelfInflicted(t *testing.T) {
	l, m := New(), newMachine()
	m.throttled = 0.5
	out := run(l, m, 30, Input{Spec: spec(), Active: true})
	if len(out.Cores) > 0 {
		t.Errorf("batch is limited to %v for what the service's own limit does: %s", out.Cores, out.Status.LastAction)
	}
	if !strings.Contains(out.Status.Batch, "shop/web-0/app is stopped by its own CPU limit") || out.Status.MilliSlack == nil || *out.Status.MilliSlack != -1000 {
		t.Errorf("slack %v, status %s", out.Status.MilliSlack, out.Status.Batch)
	}
	m.throttled = 0
	m.web.Throttling = nil
	if out = run(l, m, 10, Input{Spec: spec(), Active: true}); strings.Contains(out.Status.Batch, "own CPU limit") || len(out.Cores) == 0 {
		t.Errorf("without its limit: %v, %s", out.Cores, out.Status.Batch)
	}
}

// Of two services that their own limits stop, the first by name is named, in whatever order they are read, and whoever waits longer.
func TestStoppedByName(t *testing.T) {
	l, s := New(), spec()
	s.Control.SetPoints[0].Pod = ""
	add := func(pod string, delay float64) {
		named := membership.Container{Namespace: "shop", Pod: pod, Name: "app"}
		l.members = append(l.members, member{
			key: attribution.Key{Namespace: "shop", Pod: pod, Container: "app"}, named: named,
			reading: attribution.Reading{Delay: new(delay), Throttled: new(0.5)},
		})
	}
	add("a", 0.4)
	add("b", 0.9)
	for range 2 {
		if l.services(&Input{Spec: s}, true); l.stopped != "shop/a/app" {
			t.Errorf("%q", l.stopped)
		}
		slices.Reverse(l.members)
	}
}

// Without a way to write limits, and without resctrl, nothing is moved, and the status says why.
func TestNothingToMove(t *testing.T) {
	l, m := New(), newMachine()
	out := run(l, m, 30, Input{Spec: spec(), Active: true, NoLimits: "no socket"})
	if len(out.Cores) > 0 || !strings.Contains(out.Status.Batch, "nothing can be limited here") || !strings.Contains(out.Status.Batch, "no socket") {
		t.Errorf("limits %v, status %+v", out.Cores, out.Status)
	}
	none := spec()
	none.Partitions = none.Partitions[:1]
	if out := run(l, m, 3, Input{Spec: none, Active: true}); !strings.Contains(out.Status.Batch, "no partition has role Batch") || out.Batch != "" {
		t.Errorf("status %+v", out.Status)
	}
}

// The suspect of a probe is held by its container's id.
func TestHold(t *testing.T) {
	l := New()
	l.members = []member{{key: attribution.Key{Namespace: "jobs", Pod: "etl-0", Container: "app"}, id: "b"}}
	l.hold = &attribution.Hold{Container: l.members[0].key, Cores: 0.1}
	if got := l.own(); got["b"] != 0.1 {
		t.Errorf("holds %v", got)
	}
}

// capacity is a machine of 12 ways and bandwidth in percent.
var capacity = schemata.Capacity{Resources: []schemata.Resource{
	{Name: "L3", Classes: 16, Domains: []int{0}, Cache: &schemata.Cache{Full: 0xfff, MinBits: 1}},
	{Name: "MB", Classes: 8, Domains: []int{0}, Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
}}

func TestOverlay(t *testing.T) {
	wanted := []partition.Partition{{Name: "lc"}, {
		Name: "be", Ways: []partition.Ways{{Cache: "L3", From: 0, To: 6}, {Cache: "L2", Count: 3}}, Bandwidth: []partition.Limit{{Resource: "MB", Percent: 50}},
	}}
	out := &Outcome{Acts: true, Batch: "be", Setting: control.Setting{BatchWays: 3, BatchBandwidth: 40}}
	got := Overlay(wanted, out, capacity)[1]
	if len(got.Ways) != 2 || got.Ways[0].Cache != "L2" || got.Ways[1].Cache != "L3" || got.Ways[1].Count != 3 || got.Ways[1].To != 0 ||
		len(got.Bandwidth) != 1 || got.Bandwidth[0].Percent != 40 {
		t.Errorf("overlaid %+v", got)
	}
	out.Setting.BatchBandwidth = 100
	if got := Overlay(wanted, out, capacity)[1]; len(got.Bandwidth) != 1 || got.Bandwidth[0].Percent != 50 {
		t.Errorf("without a limit of the loop the spec's holds: %+v", got.Bandwidth)
	}
	if wanted[1].Ways[0].To != 6 || len(wanted[1].Bandwidth) != 1 {
		t.Errorf("the spec's partitions were changed: %+v", wanted[1])
	}
	out.Acts = false
	if got := Overlay(wanted, out, capacity)[1]; got.Ways[0].To != 6 {
		t.Errorf("mode Observe changed %+v", got)
	}
}

// Batch's group against all others together, by domain; monitor groups are counted in their control groups.
func TestDomains(t *testing.T) {
	l := New()
	l.batch = "be"
	s := spec()
	s.Control.PeakMBps = new(int32(20_000))
	mbps := func(v float64) *float64 { return new(v * 1e6) }
	got := l.domains(&Input{Spec: s, Rates: []resctrl.Rate{
		{Group: ".", Domain: 1, Total: mbps(1000)},
		{Group: "ballast-lc", Domain: 1, Total: mbps(2000)},
		{Group: "ballast-be", Domain: 1, Total: mbps(5000)},
		{Group: "ballast-be/mon_groups/x", Domain: 1, Total: mbps(4000)},
		{Group: "ballast-be", Domain: 0},
	}})
	if len(got) != 2 || got[0].ID != 0 || got[0].BatchMBps != nil || got[1].PeakMBps != 20_000 || *got[1].LatencyMBps != 3000 || *got[1].BatchMBps != 5000 {
		t.Errorf("domains %+v", got)
	}
}

// A new law goes on from the group as it is: three ways and 40 %, whatever the spec says.
func TestGoesOnFromWhatIsInForce(t *testing.T) {
	values := schemata.Values{}
	values.Set("L3", 0, 0b111)
	values.Set("MB", 0, 40)
	s := spec()
	s.Partitions[1].Caches = []v1alpha1.CacheWays{{Cache: "L3", Ways: new(int32(8))}}
	m := newMachine()
	out := run(New(), m, 1, Input{
		Spec: s, Active: true, Capacity: &capacity, State: schemata.State{Groups: []schemata.Group{{Name: ".", Schemata: schemata.Values{}}, {Name: "ballast-be", Schemata: values}}},
	})
	if out.Setting.BatchWays != 3 || out.Setting.BatchBandwidth != 40 {
		t.Errorf("begins with %+v", out.Setting)
	}
}

// Once it may act, the loop begins anew: what it would have done while it watched did nothing.
func TestBeginsAnewWhenItMayAct(t *testing.T) {
	l, m := New(), newMachine()
	m.demand = 3.2 // a delay of 0.32: 7 % over
	out := run(l, m, 60, Input{Spec: spec()})
	if !strings.HasPrefix(out.Status.LastAction, "would: Shrink") || !math.IsInf(out.Setting.BatchCPU, 1) {
		t.Errorf("watching: %+v, %s", out.Setting, out.Status.LastAction)
	}
	if out = run(l, m, 1, Input{Spec: spec(), Active: true}); len(out.Cores) > 0 {
		t.Errorf("the first second of acting limits batch to %v", out.Cores)
	}
}

// Where no signal is read, the status says so, and limits are lifted.
func TestBlind(t *testing.T) {
	l, m := New(), newMachine()
	if out := run(l, m, 20, Input{Spec: spec(), Active: true}); len(out.Cores) == 0 || strings.Contains(out.Status.Batch, "blind") {
		t.Fatalf("limits %v, status %s", out.Cores, out.Status.Batch)
	}
	m.web.RunQueue = nil
	if out := run(l, m, 120, Input{Spec: spec(), Active: true}); len(out.Cores) > 0 || !strings.Contains(out.Status.Batch, "; blind: no signal of a set-point is read") {
		t.Errorf("limits %v, status %s", out.Cores, out.Status.Batch)
	}
}
