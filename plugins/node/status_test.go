package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/writer"
)

func TestConditions(t *testing.T) {
	both := resctrl.Inventory{Capacity: schemata.Capacity{Monitoring: &schemata.Monitoring{
		RMIDs: 4, Features: []string{"llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"},
	}}}
	occupancy := resctrl.Inventory{Capacity: schemata.Capacity{Monitoring: &schemata.Monitoring{RMIDs: 4, Features: []string{"llc_occupancy"}}}}
	valid, failed := resctrl.Reading{State: resctrl.Valid, Value: 1}, resctrl.Reading{State: resctrl.Failed}
	counting := isolator.Found{Inventory: both, Counters: []resctrl.Counters{{Occupancy: valid, Total: valid, Local: valid}}}
	seen := &containers.View{Cgroups: "v2", Containers: make([]containers.Container, 1), Unknown: 1}
	unseen := &containers.View{Problem: "no cgroup hierarchy"}
	unnamed := &containers.View{
		Cgroups: "v2", Unnamed: "x", Containers: make([]containers.Container, 1), Absent: []counters.Absence{{Signal: containers.Names, Why: "x"}},
	}
	for name, c := range map[string]struct {
		isolation    isolator.Found
		view         *containers.View
		ready, blind metav1.ConditionStatus
		why          string // the reason of Blind
		absent       string
	}{
		"all":            {counting, seen, metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, ""},
		"does not count": {isolator.Found{}, seen, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, "cache occupancy memory bandwidth"},
		"only errors": {
			isolator.Found{Inventory: both, Counters: []resctrl.Counters{{Occupancy: failed, Total: failed, Local: failed}}},
			seen,
			metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonUnreadable, "cache occupancy memory bandwidth",
		},
		"counters not read": {
			isolator.Found{Inventory: both, Unread: errors.New("input/output error")},
			seen,
			metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonUnreadable, "cache occupancy memory bandwidth",
		},
		"no traffic counters": {
			isolator.Found{Inventory: occupancy, Counters: []resctrl.Counters{{Occupancy: valid}}},
			seen,
			metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "memory bandwidth",
		},
		"traffic fails": {
			isolator.Found{Inventory: both, Counters: []resctrl.Counters{{Occupancy: valid, Total: failed, Local: failed}}},
			seen,
			metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "memory bandwidth",
		},
		"containers without names": {
			counting, unnamed, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoContainers, "names of containers",
		},
		"containers that only start": {
			counting, &containers.View{Cgroups: "v2", Unknown: 1}, metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "",
		},
		"cloud machine":    {isolator.Found{None: "Hidden."}, seen, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, "resctrl"},
		"no cgroups":       {counting, unseen, metav1.ConditionTrue, metav1.ConditionTrue, v1alpha1.ReasonNoContainers, "containers"},
		"neither":          {isolator.Found{None: "Hidden."}, unseen, metav1.ConditionFalse, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, "containers resctrl"},
		"without pressure": {counting, &containers.View{Absent: []counters.Absence{{Signal: counters.CPUPressure, Why: "x"}}}, metav1.ConditionTrue, metav1.ConditionFalse, v1alpha1.ReasonSeen, "cpu pressure"},
	} {
		c.isolation.Applied, c.isolation.Reason = metav1.ConditionTrue, v1alpha1.ReasonInForce
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
	i := isolator.Found{None: "Hidden.", Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonNoResctrl}
	first := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, i, &containers.View{}, &local{})
	for k := range first.Conditions {
		first.Conditions[k].LastTransitionTime = metav1.NewTime(elevenways.Start)
	}
	second := status(first, 1, v1alpha1.Active, i, &containers.View{}, &local{})
	if writer.Changed(first, second) {
		t.Errorf("a report of the same has changed:\n%s", cmp.Diff(first, second))
	}
	i.Reason = v1alpha1.ReasonOff
	if !writer.Changed(first, status(first, 1, v1alpha1.Active, i, &containers.View{}, &local{})) {
		t.Error("another reason is no change")
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
	many := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, isolator.Found{Notes: make([]string, maxNotes+1)}, &containers.View{}, &local{}).Notes
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
