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
)

// tree is a copy of the tree of a machine with one cache of 11 ways in 2 domains, bandwidth in percent and 4 classes.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"info/last_cmd_status": "ok\n", "info/L3/cbm_mask": "7ff\n", "info/L3/min_cbm_bits": "1\n", "info/L3/shareable_bits": "600\n",
		"info/L3/num_closids": "4\n", "info/MB/min_bandwidth": "10\n", "info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n",
		"info/MB/num_closids": "4\n", "info/L3_MON/num_rmids": "144\n", "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\n",
		"schemata": "MB:0=100;1=100\nL3:0=7ff;1=7ff\n", "size": "MB:0=100;1=100\nL3:0=11534336;1=11534336\n",
		"tasks": "1\n2\n3\n", "mode": "shareable\n", "cpus": "ffffffff,ffffffff\n", "cpus_list": "0-63\n",
		"mon_data/mon_L3_00/llc_occupancy": "1000\n", "mon_data/mon_L3_00/mbm_total_bytes": "5000\n",
		"mon_data/mon_L3_01/llc_occupancy": "Unavailable\n", "mon_groups/m/tasks": "3\n",
	} {
		put(t, filepath.Join(root, name), text)
	}
	return root
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start is when the tests' rounds begin.
var start = time.Unix(1_800_000_000, 0)

func ways(name string, n int32) *v1alpha1.NodeIsolationSpec {
	return &v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{{Name: name, Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: &n}}}}}
}

func TestRounds(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := tree(t)
	i := &isolator{root: root}
	for _, step := range []struct {
		name   string
		wish   wish
		reason string
		lc     string // the line of L3 in ballast-lc afterwards, "" for no group
	}{
		{"not heard", wish{mode: v1alpha1.Active}, v1alpha1.ReasonWorking, ""},
		{"switch not heard", wish{spec: ways("lc", 4)}, v1alpha1.ReasonWorking, ""},
		{"off", wish{v1alpha1.Off, ways("lc", 4)}, v1alpha1.ReasonOff, ""},
		{"shadow", wish{v1alpha1.Shadow, ways("lc", 4)}, v1alpha1.ReasonShadow, ""},
		{"active", wish{v1alpha1.Active, ways("lc", 4)}, v1alpha1.ReasonInForce, "L3:0=f;1=f"},
		{"too much", wish{v1alpha1.Active, ways("lc", 12)}, v1alpha1.ReasonInvalidSpec, "L3:0=f;1=f"},
		{"less", wish{v1alpha1.Active, ways("lc", 2)}, v1alpha1.ReasonInForce, "L3:0=3;1=3"},
		{"off again", wish{v1alpha1.Off, ways("lc", 5)}, v1alpha1.ReasonOff, "L3:0=3;1=3"},
		{"not heard again", wish{mode: v1alpha1.Active}, v1alpha1.ReasonWorking, "L3:0=3;1=3"},
		{"nothing", wish{v1alpha1.Active, &v1alpha1.NodeIsolationSpec{}}, v1alpha1.ReasonNothingWanted, ""},
	} {
		out := i.round(logger, step.wish, nil, start)
		if out.reason != step.reason {
			t.Errorf("%s: %s: %s; want %s", step.name, out.reason, out.message, step.reason)
		}
		text, err := os.ReadFile(filepath.Join(root, "ballast-lc/schemata"))
		if step.lc == "" && err == nil || !strings.Contains(string(text), step.lc) {
			t.Errorf("%s: ballast-lc has %q, want %q", step.name, text, step.lc)
		}
		if g, ok := out.inventory.State.Group("ballast-lc"); ok != (step.lc != "") {
			t.Errorf("%s: reported %v, %t", step.name, g, ok)
		}
	}
}

// TestRefusedIsNotRetriedAtOnce has a plan refused: it is tried again after a minute.
func TestRefusedIsNotRetriedAtOnce(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := tree(t)
	i := &isolator{root: root}
	// A file in the way of the group's folder.
	put(t, filepath.Join(root, "ballast-lc"), "")
	if out := i.round(logger, wish{v1alpha1.Active, ways("lc", 4)}, nil, start); out.reason != v1alpha1.ReasonRefused || !strings.Contains(out.message, "mkdir ballast-lc") {
		t.Fatalf("%s: %s", out.reason, out.message)
	}
	if err := os.Remove(filepath.Join(root, "ballast-lc")); err != nil {
		t.Fatal(err)
	}
	if out := i.round(logger, wish{v1alpha1.Active, ways("lc", 4)}, nil, start.Add(59*time.Second)); out.reason != v1alpha1.ReasonRefused || out.plan == "" {
		t.Errorf("after 59 s: %s, plan %q", out.reason, out.plan)
	}
	if out := i.round(logger, wish{v1alpha1.Active, ways("lc", 4)}, nil, start.Add(time.Minute)); out.reason != v1alpha1.ReasonInForce || out.plan != "" {
		t.Errorf("after a minute: %s, plan %q", out.reason, out.plan)
	}
	// Another wish is tried at once.
	if out := i.round(logger, wish{v1alpha1.Active, ways("lc", 5)}, nil, start.Add(61*time.Second)); out.reason != v1alpha1.ReasonInForce {
		t.Errorf("another wish: %s", out.reason)
	}
}

// TestRates reads a counter that grows by 40,000 bytes in 10 s: 4,000 bytes a second. A round too soon after keeps them.
func TestRates(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := tree(t)
	i := &isolator{root: root}
	counter := filepath.Join(root, "mon_data/mon_L3_00/mbm_total_bytes")
	for n, step := range []struct {
		after time.Duration
		bytes string
		want  *int64
	}{{0, "5000", nil}, {10 * time.Second, "45000", new(int64(4000))}, {11 * time.Second, "90000", new(int64(4000))}, {20 * time.Second, "Unavailable", nil}} {
		put(t, counter, step.bytes+"\n")
		out := i.round(logger, wish{mode: v1alpha1.Active}, nil, start.Add(step.after))
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

func TestWithoutTree(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	cloud := fstest.MapFS{"proc/cpuinfo": {Data: []byte("flags : fpu sse2\n")}, "proc/filesystems": {Data: []byte("nodev sysfs\n")}}
	able := fstest.MapFS{"proc/filesystems": {Data: []byte("nodev resctrl\n")}}
	mounted := fstest.MapFS{"proc/mounts": {Data: []byte("resctrl /mnt/resctrl resctrl rw 0 0\n")}}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	for name, c := range map[string]struct {
		isolator isolator
		want     string
	}{
		"no folder":    {isolator{root: "/nowhere", machine: cloud}, "The processor neither divides"},
		"empty folder": {isolator{root: t.TempDir(), machine: cloud}, "The processor neither divides"},
		"not mounted":  {isolator{root: "/nowhere", machine: able}, "mount -t resctrl /sys/fs/resctrl. Once it is, label the node"},
		"elsewhere":    {isolator{root: "/nowhere", machine: mounted}, "resctrl is mounted at /mnt/resctrl. Name it with --resctrl-root."},
		"a file":       {isolator{root: file, machine: cloud}, file + " cannot be read"},
	} {
		out := c.isolator.round(logger, wish{v1alpha1.Active, ways("lc", 4)}, nil, start)
		if out.reason != v1alpha1.ReasonNoResctrl || !strings.Contains(out.none, c.want) || !strings.HasPrefix(out.message, "1 partitions are wanted. ") {
			t.Errorf("%s: %s: %q, %q", name, out.reason, out.none, out.message)
		}
	}
}

// TestCountersThatFail: the kernel's word for a counter that it cannot read, and a folder of counters that cannot be listed, both end in Blind.
func TestCountersThatFail(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	for name, breakIt := range map[string]func(root string){
		"errors": func(root string) {
			for _, file := range []string{"mon_L3_00/llc_occupancy", "mon_L3_00/mbm_total_bytes", "mon_L3_01/llc_occupancy"} {
				put(t, filepath.Join(root, "mon_data", file), "Error\n")
			}
		},
		"no folder": func(root string) {
			if err := os.RemoveAll(filepath.Join(root, "mon_data")); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(root, "mon_data"), "")
		},
	} {
		root := tree(t)
		breakIt(root)
		out := (&isolator{root: root}).round(logger, wish{mode: v1alpha1.Active}, nil, start)
		s := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, out, &containers.View{Cgroups: "v2"}, &local{})
		c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBlind)
		if c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonUnreadable || name == "no folder" && out.unread == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestLeftovers: a group of ours that nobody wants any more but that holds a thread stays, and the condition names it.
func TestLeftovers(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := tree(t)
	i := &isolator{root: root}
	i.round(logger, wish{v1alpha1.Active, ways("lc", 4)}, nil, start)
	put(t, filepath.Join(root, "ballast-lc/tasks"), "3\n")
	for name, spec := range map[string]*v1alpha1.NodeIsolationSpec{"nothing wanted": {}, "another wanted": ways("be", 2)} {
		for round := range 2 { // the second has nothing to do
			out := i.round(logger, wish{v1alpha1.Active, spec}, nil, start)
			if out.reason != v1alpha1.ReasonLeftovers || out.applied != metav1.ConditionFalse || !strings.Contains(out.message, "ballast-lc") {
				t.Errorf("%s, round %d: %s %s: %s", name, round, out.applied, out.reason, out.message)
			}
		}
	}
	put(t, filepath.Join(root, "ballast-lc/tasks"), "")
	if out := i.round(logger, wish{v1alpha1.Active, ways("be", 2)}, nil, start); out.reason != v1alpha1.ReasonInForce || out.applied != metav1.ConditionTrue {
		t.Errorf("once the thread has ended: %s %s: %s", out.applied, out.reason, out.message)
	}
}

// TestUnreadable: a tree of which one group cannot be understood is there; the processor has nothing to do with it.
func TestUnreadable(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := tree(t)
	put(t, filepath.Join(root, "ballast-lc/tasks"), "one\n")
	i := &isolator{root: root, machine: fstest.MapFS{"proc/filesystems": {Data: []byte("nodev sysfs\n")}}}
	out := i.round(logger, wish{v1alpha1.Active, ways("lc", 4)}, nil, start)
	if out.reason != v1alpha1.ReasonUnreadable || !strings.Contains(out.none, "group ballast-lc: tasks") || strings.Contains(out.none, "kernel has no resctrl") {
		t.Errorf("%s: %s", out.reason, out.none)
	}
	s := status(v1alpha1.NodeIsolationStatus{}, 1, v1alpha1.Active, out, &containers.View{Cgroups: "v2"}, &local{})
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBlind); c.Reason != v1alpha1.ReasonUnreadable {
		t.Errorf("blind: %+v", c)
	}
}
