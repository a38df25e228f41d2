package isolator

import (
	"path/filepath"
	"testing"

	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
)

// When the loop ends, batch gets its bandwidth back, whatever ended it. Its ways are a protection: they go back to what the spec wants only where
// the spec is in force. An outcome that was decided by another spec changes nothing.
func TestWhatTheLoopTookGoesBack(t *testing.T) {
	controlled, throttled := elevenways.Controlled, elevenways.Throttled
	observe, bare, ordinary, gone, edited := controlled(), controlled(), controlled(), controlled(), controlled()
	observe.Control.Mode = v1alpha1.ControlObserve
	bare.Control = nil
	ordinary.Partitions[1].Role = ""
	gone.Partitions = gone.Partitions[:1]
	edited.Partitions[1].Caches[0].Ways = new(int32(5))
	for name, c := range map[string]struct {
		wish      Wish
		outcome   *loop.Outcome
		reason    string
		ways      int
		bandwidth string
	}{
		"goes on":          {Wish{v1alpha1.Active, controlled()}, throttled(controlled()), v1alpha1.ReasonInForce, 3, "20"},
		"shadow":           {Wish{v1alpha1.Shadow, controlled()}, throttled(controlled()), v1alpha1.ReasonWorking, 3, "100"},
		"shadow, a step":   {Wish{v1alpha1.Shadow, controlled()}, &loop.Outcome{Spec: controlled(), Batch: "be"}, v1alpha1.ReasonShadow, 3, "100"},
		"off":              {Wish{v1alpha1.Off, controlled()}, nil, v1alpha1.ReasonOff, 3, "100"},
		"observe":          {Wish{v1alpha1.Active, observe}, &loop.Outcome{Spec: observe, Batch: "be"}, v1alpha1.ReasonInForce, 6, "100"},
		"no control":       {Wish{v1alpha1.Active, bare}, nil, v1alpha1.ReasonInForce, 6, "100"},
		"no role":          {Wish{v1alpha1.Active, ordinary}, &loop.Outcome{Spec: ordinary, Acts: true}, v1alpha1.ReasonInForce, 6, "100"},
		"no partition":     {Wish{v1alpha1.Active, gone}, &loop.Outcome{Spec: gone, Acts: true}, v1alpha1.ReasonLeftovers, 3, "100"},
		"another spec":     {Wish{v1alpha1.Active, edited}, throttled(controlled()), v1alpha1.ReasonWorking, 3, "20"},
		"not yet a step":   {Wish{v1alpha1.Active, observe}, throttled(controlled()), v1alpha1.ReasonWorking, 3, "20"},
		"object not heard": {Wish{Mode: v1alpha1.Active}, nil, v1alpha1.ReasonWorking, 3, "20"},
	} {
		logger, _ := ktesting.NewTestContext(t)
		root := elevenways.Tree(t)
		i := &Isolator{Root: root}
		if out := i.Round(logger, Wish{v1alpha1.Active, controlled()}, throttled(controlled()), elevenways.Start); out.Reason != v1alpha1.ReasonInForce {
			t.Fatalf("%s: %s: %s", name, out.Reason, out.Message)
		}
		elevenways.Put(t, filepath.Join(root, "ballast-be/tasks"), "3\n")
		out := i.Round(logger, c.wish, c.outcome, elevenways.Start)
		ways, bandwidth := elevenways.BatchHas(t, root)
		if out.Reason != c.reason || ways != c.ways || bandwidth != c.bandwidth {
			t.Errorf("%s: %s, %d ways, %s %%; want %s, %d, %s %%", name, out.Reason, ways, bandwidth, c.reason, c.ways, c.bandwidth)
		}
		if g, _ := out.Inventory.State.Group("ballast-be"); c.bandwidth == "100" && g.Schemata["MB"][0] != 100 {
			t.Errorf("%s: the status shows %v", name, g.Schemata)
		}
	}
}

// An agent that is told to end gives batch its bandwidth back, and leaves all else; so does one that was killed, when it is started again with the
// switch off.
func TestEndOfTheAgent(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	root := elevenways.Tree(t)
	i := &Isolator{Root: root}
	i.Round(logger, Wish{v1alpha1.Active, elevenways.Controlled()}, elevenways.Throttled(elevenways.Controlled()), elevenways.Start)
	i.End(logger, *elevenways.Controlled())
	if ways, bandwidth := elevenways.BatchHas(t, root); ways != 3 || bandwidth != "100" {
		t.Errorf("%d ways, %s %%", ways, bandwidth)
	}
	i.Round(logger, Wish{v1alpha1.Active, elevenways.Controlled()}, elevenways.Throttled(elevenways.Controlled()), elevenways.Start)
	again := &Isolator{Root: root, limited: "be"}
	again.Round(logger, Wish{v1alpha1.Off, elevenways.Controlled()}, nil, elevenways.Start)
	if _, bandwidth := elevenways.BatchHas(t, root); bandwidth != "100" {
		t.Errorf("after a restart: %s %%", bandwidth)
	}
}
