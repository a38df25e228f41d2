package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
)

// TestRates reads a counter that grows by 40,000 bytes in 10 s: 4,000 bytes a second. A round too soon after keeps them.
func TestRates(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	i := &isolator.Isolator{Root: root}
	counter := filepath.Join(root, "mon_data/mon_L3_00/mbm_total_bytes")
	for n, step := range []struct {
		after time.Duration
		bytes string
		want  *int64
	}{{0, "5000", nil}, {10 * time.Second, "45000", new(int64(4000))}, {11 * time.Second, "90000", new(int64(4000))}, {20 * time.Second, "Unavailable", nil}} {
		elevenways.Put(t, counter, step.bytes+"\n")
		out := i.Round(logger, isolator.Wish{Mode: v1alpha1.Active}, nil, elevenways.Start.Add(step.after))
		use := groups(out)[0].Domains
		if len(use) != 2 || use[0].OccupancyBytes == nil || *use[0].OccupancyBytes != 1000 || use[1].OccupancyBytes != nil {
			t.Fatalf("step %d: %+v, want 1000 bytes in domain 0 and no value in domain 1", n, use)
		}
		got := use[0].TotalBytesPerSecond
		if (got == nil) != (step.want == nil) || got != nil && *got != *step.want {
			t.Errorf("step %d: %v, want %v", n, got, step.want)
		}
	}
}

// TestCountersThatFail: the kernel's word for a counter that it cannot read, and a folder of counters that cannot be listed, both end in Blind.
func TestCountersThatFail(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	for name, breakIt := range map[string]func(root string){
		"errors": func(root string) {
			for _, file := range []string{"mon_L3_00/llc_occupancy", "mon_L3_00/mbm_total_bytes", "mon_L3_01/llc_occupancy"} {
				elevenways.Put(t, filepath.Join(root, "mon_data", file), "Error\n")
			}
		},
		"no folder": func(root string) {
			if err := os.RemoveAll(filepath.Join(root, "mon_data")); err != nil {
				t.Fatal(err)
			}
			elevenways.Put(t, filepath.Join(root, "mon_data"), "")
		},
	} {
		root := elevenways.Tree(t)
		breakIt(root)
		out := (&isolator.Isolator{Root: root}).Round(logger, isolator.Wish{Mode: v1alpha1.Active}, nil, elevenways.Start)
		s := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, out, &containers.View{Cgroups: "v2"}, &local{})
		c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBlind)
		if c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonUnreadable || name == "no folder" && out.Unread == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestUnreadable: a tree of which one group cannot be understood is there; the processor has nothing to do with it.
func TestUnreadable(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	elevenways.Put(t, filepath.Join(root, "ballast-lc/tasks"), "one\n")
	i := &isolator.Isolator{Root: root, Machine: fstest.MapFS{"proc/filesystems": {Data: []byte("nodev sysfs\n")}}}
	out := i.Round(logger, isolator.Wish{Mode: v1alpha1.Active, Spec: elevenways.Ways("lc", 4)}, nil, elevenways.Start)
	if out.Reason != v1alpha1.ReasonUnreadable || !strings.Contains(out.None, "group ballast-lc: tasks") || strings.Contains(out.None, "kernel has no resctrl") {
		t.Errorf("%s: %s", out.Reason, out.None)
	}
	s := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, out, &containers.View{Cgroups: "v2"}, &local{})
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBlind); c.Reason != v1alpha1.ReasonUnreadable {
		t.Errorf("blind: %+v", c)
	}
}
