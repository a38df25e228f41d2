package isolation

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// object is what an agent reports of a machine of 12 ways on which another manager has a group, and one partition of two is in force.
func object() *v1alpha1.NodeIsolation {
	o := Wish("shared-0", false)
	o.Generation = 3
	o.Status = v1alpha1.NodeIsolationStatus{
		ObservedGeneration: 3,
		Capacity: &v1alpha1.IsolationCapacity{Classes: 8, ClassesLeft: 4, Resources: []v1alpha1.IsolationResource{
			{Name: "L3", Domains: "0", Ways: 12, MinWays: 1, WayBytes: 1 << 20, DeviceWays: "10-11"}, {Name: "MB", Domains: "0", Unit: "%", Max: 100},
		}},
		Groups: []v1alpha1.IsolationGroup{
			{Name: ".", Schemata: []string{"L3:0=fff", "MB:0=100"}, Threads: 312},
			{Name: "ballast-batch", Schemata: []string{"L3:0=1c0", "MB:0=60"}},
			{Name: "ballast-services", Schemata: []string{"L3:0=ff", "MB:0=100"}},
			{Name: "pqos-1", Schemata: []string{"L3:0=300", "MB:0=20"}, Threads: 4},
		},
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonInForce, Message: "2 partitions are in force.",
		}},
	}
	return &o
}

func TestNode(t *testing.T) {
	t.Parallel()
	n := newNode(object())
	n.Services, n.Batch = []string{"geo", "geo", "user"}, 3
	golden(t, "foreign", n)
	// services 0-7, batch 6-8, pqos-1 8-9: 6 and 7 are services' and batch's, 8 batch's and the other manager's, 9 its alone, 10 and 11 the devices'.
	if got, want := n.letters(), "ssssss***odd"; got != want {
		t.Errorf("ways %q, want %q", got, want)
	}
	want := "Services has ways 0 to 7 (8.0 MiB), of which batch may use 6 to 7 too; batch has ways 6 to 8 (3.0 MiB), of which services may use 6 to 7 too, " +
		"of which pqos-1 may use 8 too, and at most 60 % of the memory bandwidth; pqos-1 has ways 8 to 9 (2.0 MiB), of which batch may use 8 too, " +
		"and at most 20 % of the memory bandwidth; ways 10 to 11 are in no partition; the default group may use 0 to 11."
	if got := n.Reading(); got != want {
		t.Errorf("reading\n%s\nwant\n%s", got, want)
	}
}

// The table is that of testdata/table.txt, which was read by a human.
func TestPrint(t *testing.T) {
	t.Parallel()
	n := newNode(object())
	n.Services, n.Batch = []string{"geo", "geo", "user"}, 3
	silent := newNode(&v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: "silent"}})
	silent.Streaming, silent.Differences = true, []string{"the agent has not said whether the spec is applied"}
	var out bytes.Buffer
	if err := Print(&out, []Node{n, silent}); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "table.txt")
	want, err := os.ReadFile(golden)
	if err != nil || out.String() != string(want) {
		t.Errorf("%v; the output is not that of %s:\n%s", err, golden, &out)
	}
	out.Reset()
	if err := Print(&out, nil); err != nil || out.Len() > 0 {
		t.Errorf("of no node is said %q, %v", &out, err)
	}
}

func TestWays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Ways{
		"0-3,8": {0, 1, 2, 3, 8}, "none": nil, "": nil, "7": {7}, "30-99": {30, 31}, "3-1": nil, "a-b,2": {2},
	} {
		if got := parseWays(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	// 0x603 has bits 0, 1, 9 and 10.
	if got := waysOf(0x603).String(); got != "0-1,9-10" {
		t.Errorf("mask 603 is %s", got)
	}
}
