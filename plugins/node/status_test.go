package node

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

func TestConditions(t *testing.T) {
	both := resctrl.Inventory{Capacity: schemata.Capacity{Monitoring: &schemata.Monitoring{
		RMIDs: 4, Features: []string{"llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"},
	}}}
	occupancy := resctrl.Inventory{Capacity: schemata.Capacity{Monitoring: &schemata.Monitoring{RMIDs: 4, Features: []string{"llc_occupancy"}}}}
	valid, failed := resctrl.Reading{State: resctrl.Valid, Value: 1}, resctrl.Reading{State: resctrl.Failed}
	counting := isolation{inventory: both, counters: []resctrl.Counters{{Occupancy: valid, Total: valid, Local: valid}}}
	seen := &containers.View{Cgroups: "v2", Containers: make([]containers.Container, 1), Unknown: 1}
	unseen := &containers.View{Problem: "no cgroup hierarchy"}
	unnamed := &containers.View{
		Cgroups: "v2", Unnamed: "x", Containers: make([]containers.Container, 1), Absent: []counters.Absence{{Signal: containers.Names, Why: "x"}},
	}
	for name, c := range map[string]struct {
		isolation    isolation
		view         *containers.View
		ready, blind metav1.ConditionStatus
		why          string // the reason of Blind
		absent       string
	}{
		"all":            {counting, seen, metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, ""},
		"does not count": {isolation{}, seen, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, "cache occupancy memory bandwidth"},
		"only errors": {
			isolation{inventory: both, counters: []resctrl.Counters{{Occupancy: failed, Total: failed, Local: failed}}},
			seen,
			metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonUnreadable, "cache occupancy memory bandwidth",
		},
		"counters not read": {
			isolation{inventory: both, unread: errors.New("input/output error")},
			seen,
			metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonUnreadable, "cache occupancy memory bandwidth",
		},
		"no traffic counters": {
			isolation{inventory: occupancy, counters: []resctrl.Counters{{Occupancy: valid}}},
			seen,
			metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "memory bandwidth",
		},
		"traffic fails": {
			isolation{inventory: both, counters: []resctrl.Counters{{Occupancy: valid, Total: failed, Local: failed}}},
			seen,
			metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "memory bandwidth",
		},
		"containers without names": {
			counting, unnamed, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoContainers, "names of containers",
		},
		"containers that only start": {
			counting, &containers.View{Cgroups: "v2", Unknown: 1}, metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "",
		},
		"cloud machine":    {isolation{none: "Hidden."}, seen, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, "resctrl"},
		"no cgroups":       {counting, unseen, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoContainers, "containers"},
		"neither":          {isolation{none: "Hidden."}, unseen, metav1.ConditionFalse, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, "containers resctrl"},
		"without pressure": {counting, &containers.View{Absent: []counters.Absence{{Signal: counters.CPUPressure, Why: "x"}}}, metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "cpu pressure"},
	} {
		c.isolation.applied, c.isolation.reason = metav1.ConditionTrue, v1alpha1.ReasonInForce
		s := status(v1alpha1.NodeIsolationStatus{}, 3, v1alpha1.Active, c.isolation, c.view, &local{})
		ready, blind := meta.FindStatusCondition(s.Conditions, "Ready"), meta.FindStatusCondition(s.Conditions, "Blind")
		if ready.Status != c.ready || blind.Status != c.blind || blind.Reason != c.why || ready.Message == "" || blind.ObservedGeneration != 3 {
			t.Errorf("%s: ready %+v, blind %+v", name, ready, blind)
		}
		if c.ready == metav1.ConditionFalse && ready.Reason == v1alpha1.ReasonWorking {
			t.Errorf("%s: ready %+v", name, ready)
		}
		var absent []string
		for _, a := range s.Absent {
			absent = append(absent, a.Signal)
		}
		if got := strings.Join(absent, " "); got != c.absent {
			t.Errorf("%s: absent %q, want %q", name, got, c.absent)
		}
	}
}

// TestConditionsKeepTheirTime reports twice the same.
func TestConditionsKeepTheirTime(t *testing.T) {
	i := isolation{none: "Hidden.", applied: metav1.ConditionFalse, reason: v1alpha1.ReasonNoResctrl}
	first := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, i, &containers.View{}, &local{})
	for k := range first.Conditions {
		first.Conditions[k].LastTransitionTime = metav1.NewTime(start)
	}
	second := status(first, 1, v1alpha1.Active, i, &containers.View{}, &local{})
	if changed(first, second) {
		t.Errorf("a report of the same has changed:\n%s", cmp.Diff(first, second))
	}
	i.reason = v1alpha1.ReasonOff
	if !changed(first, status(first, 1, v1alpha1.Active, i, &containers.View{}, &local{})) {
		t.Error("another reason is no change")
	}
}

func TestDue(t *testing.T) {
	p := publisher{period: 10 * time.Second, last: v1alpha1.NodeIsolationStatus{Mode: "active"}, written: start}
	same := v1alpha1.NodeIsolationStatus{Mode: "active", Groups: nil, LastReport: &metav1.Time{Time: start}}
	other := v1alpha1.NodeIsolationStatus{Mode: "off"}
	for _, c := range []struct {
		status v1alpha1.NodeIsolationStatus
		after  time.Duration
		want   time.Duration
	}{
		{same, 0, time.Minute},
		{same, 59 * time.Second, time.Second},
		{same, 2 * time.Minute, 0},
		{other, 0, 10 * time.Second},
		{other, 9 * time.Second, time.Second},
		{other, 10 * time.Second, 0},
	} {
		if got := p.due(c.status, start.Add(c.after)); got != c.want {
			t.Errorf("mode %s after %v: due in %v, want %v", c.status.Mode, c.after, got, c.want)
		}
	}
	p.written = time.Time{}
	if got := p.due(same, start); got != 0 {
		t.Errorf("the first report is due in %v", got)
	}
}

func TestOnlyUseMoves(t *testing.T) {
	before := v1alpha1.NodeIsolationStatus{Groups: []v1alpha1.IsolationGroup{{Name: ".", Threads: 1, Schemata: []string{"L3:0=f"}}}}
	after := *before.DeepCopy()
	after.Groups[0].Threads = 2
	after.Groups[0].Domains = []v1alpha1.DomainUse{{OccupancyBytes: new(int64(5))}}
	if changed(before, after) {
		t.Error("more threads and use are a change")
	}
	after.Groups[0].Schemata = []string{"L3:0=7"}
	if !changed(before, after) {
		t.Error("other ways are no change")
	}
}

// TestAnotherReasonIsNoChange: why a signal is absent may name another container every time; that it is absent is what counts.
func TestAnotherReasonIsNoChange(t *testing.T) {
	before := v1alpha1.NodeIsolationStatus{Absent: []v1alpha1.AbsentSignal{{Signal: "run queue delay", Why: "a"}}}
	after := *before.DeepCopy()
	after.Absent[0].Why = "b"
	if changed(before, after) {
		t.Error("another reason is a change")
	}
	after.Absent[0].Signal = "cpu pressure"
	if !changed(before, after) {
		t.Error("another signal is no change")
	}
	if after.Absent[0].Why != "b" {
		t.Error("the comparison has changed the status")
	}
}

func TestWanted(t *testing.T) {
	four, one, six, half, mbps := int32(4), int32(1), int32(6), int32(50), int32(900)
	got := Wanted(v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{
		{Name: "a", Caches: []v1alpha1.CacheWays{{Cache: "L3", Domains: []int32{0, 2}, Ways: &four, Shared: true}, {Cache: "L2", From: &one, To: &six}}},
		{Name: "b", Bandwidth: []v1alpha1.BandwidthLimit{{Percent: &half}, {Resource: "SMBA", Domains: []int32{1}, MBps: &mbps}}},
	}})
	want := []partition.Partition{
		{Name: "a", Ways: []partition.Ways{{Cache: "L3", Domains: []int{0, 2}, Count: 4, Shared: true}, {Cache: "L2", From: 1, To: 6}}},
		{Name: "b", Bandwidth: []partition.Limit{{Resource: "MB", Percent: 50}, {Resource: "SMBA", Domains: []int{1}, MBps: 900}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFirstNotes: of five notes three places hold two, and the number of the others.
func TestFirstNotes(t *testing.T) {
	notes := []string{"a", "b", "c", "d", "e"}
	if diff := cmp.Diff([]string{"a", "b", "3 more notes do not fit in here; ballast node plan on the node shows all."}, first(notes, 3)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, first(notes, 5)); diff != "" || notes[2] != "c" {
		t.Errorf("-want +got:\n%s, or the list was changed: %q", diff, notes)
	}
	many := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, isolation{notes: make([]string, maxNotes+1)}, &containers.View{}, &local{}).Notes
	if len(many) != maxNotes || !strings.HasPrefix(many[maxNotes-1], "2 more notes") {
		t.Errorf("of %d notes %d are shown: %q", maxNotes+1, len(many), many)
	}
}

func TestCut(t *testing.T) {
	// 8 bytes hold five of the ten and three dots; é has two bytes and is not halved.
	for text, want := range map[string]string{"12345678": "12345678", "1234567890": "12345...", "1234é67890": "1234..."} {
		if got := cut(text, 8); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
