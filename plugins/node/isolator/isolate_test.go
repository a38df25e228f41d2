package isolator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
)

func TestRounds(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	i := &Isolator{Root: root}
	for _, step := range []struct {
		name   string
		wish   Wish
		reason string
		lc     string // the line of L3 in ballast-lc afterwards, "" for no group
	}{
		{"not heard", Wish{Mode: v1alpha1.Active}, v1alpha1.ReasonWorking, ""},
		{"switch not heard", Wish{Spec: elevenways.Ways("lc", 4)}, v1alpha1.ReasonWorking, ""},
		{"off", Wish{v1alpha1.Off, elevenways.Ways("lc", 4)}, v1alpha1.ReasonOff, ""},
		{"shadow", Wish{v1alpha1.Shadow, elevenways.Ways("lc", 4)}, v1alpha1.ReasonShadow, ""},
		{"active", Wish{v1alpha1.Active, elevenways.Ways("lc", 4)}, v1alpha1.ReasonInForce, "L3:0=f;1=f"},
		{"too much", Wish{v1alpha1.Active, elevenways.Ways("lc", 12)}, v1alpha1.ReasonInvalidSpec, "L3:0=f;1=f"},
		{"less", Wish{v1alpha1.Active, elevenways.Ways("lc", 2)}, v1alpha1.ReasonInForce, "L3:0=3;1=3"},
		{"off again", Wish{v1alpha1.Off, elevenways.Ways("lc", 5)}, v1alpha1.ReasonOff, "L3:0=3;1=3"},
		{"not heard again", Wish{Mode: v1alpha1.Active}, v1alpha1.ReasonWorking, "L3:0=3;1=3"},
		{"nothing", Wish{v1alpha1.Active, &v1alpha1.NodeIsolationSpec{}}, v1alpha1.ReasonNothingWanted, ""},
	} {
		out := i.Round(logger, step.wish, nil, elevenways.Start)
		if out.Reason != step.reason {
			t.Errorf("%s: %s: %s; want %s", step.name, out.Reason, out.Message, step.reason)
		}
		text, err := os.ReadFile(filepath.Join(root, "ballast-lc/schemata"))
		if step.lc == "" && err == nil || !strings.Contains(string(text), step.lc) {
			t.Errorf("%s: ballast-lc has %q, want %q", step.name, text, step.lc)
		}
		if g, ok := out.Inventory.State.Group("ballast-lc"); ok != (step.lc != "") {
			t.Errorf("%s: reported %v, %t", step.name, g, ok)
		}
	}
}

// TestRefusedIsNotRetriedAtOnce has a plan refused: it is tried again after a minute.
func TestRefusedIsNotRetriedAtOnce(t *testing.T) {
	ways, start := elevenways.Ways, elevenways.Start
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	i := &Isolator{Root: root}
	// A file in the way of the group's folder.
	elevenways.Put(t, filepath.Join(root, "ballast-lc"), "")
	if out := i.Round(logger, Wish{v1alpha1.Active, ways("lc", 4)}, nil, start); out.Reason != v1alpha1.ReasonRefused || !strings.Contains(out.Message, "mkdir ballast-lc") {
		t.Fatalf("%s: %s", out.Reason, out.Message)
	}
	if err := os.Remove(filepath.Join(root, "ballast-lc")); err != nil {
		t.Fatal(err)
	}
	if out := i.Round(logger, Wish{v1alpha1.Active, ways("lc", 4)}, nil, start.Add(59*time.Second)); out.Reason != v1alpha1.ReasonRefused || out.Plan == "" {
		t.Errorf("after 59 s: %s, plan %q", out.Reason, out.Plan)
	}
	if out := i.Round(logger, Wish{v1alpha1.Active, ways("lc", 4)}, nil, start.Add(time.Minute)); out.Reason != v1alpha1.ReasonInForce || out.Plan != "" {
		t.Errorf("after a minute: %s, plan %q", out.Reason, out.Plan)
	}
	// Another wish is tried at once.
	if out := i.Round(logger, Wish{v1alpha1.Active, ways("lc", 5)}, nil, start.Add(61*time.Second)); out.Reason != v1alpha1.ReasonInForce {
		t.Errorf("another wish: %s", out.Reason)
	}
}

func TestWithoutTree(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	cloud := fstest.MapFS{"proc/cpuinfo": {Data: []byte("flags : fpu sse2\n")}, "proc/filesystems": {Data: []byte("nodev sysfs\n")}}
	able := fstest.MapFS{"proc/filesystems": {Data: []byte("nodev resctrl\n")}}
	mounted := fstest.MapFS{"proc/mounts": {Data: []byte("resctrl /mnt/resctrl resctrl rw 0 0\n")}}
	file := filepath.Join(t.TempDir(), "file")
	elevenways.Put(t, file, "")
	for name, c := range map[string]struct {
		isolator Isolator
		want     string
	}{
		"no folder":    {Isolator{Root: "/nowhere", Machine: cloud}, "The processor neither divides"},
		"empty folder": {Isolator{Root: t.TempDir(), Machine: cloud}, "The processor neither divides"},
		"not mounted":  {Isolator{Root: "/nowhere", Machine: able}, "mount -t resctrl /sys/fs/resctrl. Once it is, label the node"},
		"elsewhere":    {Isolator{Root: "/nowhere", Machine: mounted}, "resctrl is mounted at /mnt/resctrl. Name it with --resctrl-root."},
		"a file":       {Isolator{Root: file, Machine: cloud}, file + " cannot be read"},
	} {
		out := c.isolator.Round(logger, Wish{v1alpha1.Active, elevenways.Ways("lc", 4)}, nil, elevenways.Start)
		if out.Reason != v1alpha1.ReasonNoResctrl || !strings.Contains(out.None, c.want) || !strings.HasPrefix(out.Message, "1 partitions are wanted. ") {
			t.Errorf("%s: %s: %q, %q", name, out.Reason, out.None, out.Message)
		}
	}
}

// TestLeftovers: a group of ours that nobody wants any more but that holds a thread stays, and the condition names it.
func TestLeftovers(t *testing.T) {
	ways, start := elevenways.Ways, elevenways.Start
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	i := &Isolator{Root: root}
	i.Round(logger, Wish{v1alpha1.Active, ways("lc", 4)}, nil, start)
	elevenways.Put(t, filepath.Join(root, "ballast-lc/tasks"), "3\n")
	for name, spec := range map[string]*v1alpha1.NodeIsolationSpec{"nothing wanted": {}, "another wanted": ways("be", 2)} {
		for round := range 2 { // the second has nothing to do
			out := i.Round(logger, Wish{v1alpha1.Active, spec}, nil, start)
			if out.Reason != v1alpha1.ReasonLeftovers || out.Applied != metav1.ConditionFalse || !strings.Contains(out.Message, "ballast-lc") {
				t.Errorf("%s, round %d: %s %s: %s", name, round, out.Applied, out.Reason, out.Message)
			}
		}
	}
	elevenways.Put(t, filepath.Join(root, "ballast-lc/tasks"), "")
	if out := i.Round(logger, Wish{v1alpha1.Active, ways("be", 2)}, nil, start); out.Reason != v1alpha1.ReasonInForce || out.Applied != metav1.ConditionTrue {
		t.Errorf("once the thread has ended: %s %s: %s", out.Applied, out.Reason, out.Message)
	}
}
