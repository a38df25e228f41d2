// Package canary_test runs the local loop of a canary node on the emulator of resctrl: readings follow the masks that are in force, the loop says
// which are to be, and they are planned and written as the agent does.
package canary_test

import (
	"fmt"
	"math/bits"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
)

// contested is a node of 12 ways whose services web and db have 4 each by the spec, and batch 4. Web is well with 7 ways and db with 3: then
// their threads wait 0.1 s for each that they run, else 0.6 s; their set-points are 0.3 s.
type contested struct {
	t       *testing.T
	tree    *resctrlfs.Tree
	spec    *v1alpha1.NodeIsolationSpec
	loop    *loop.Loop
	outcome *loop.Outcome
	refused string // why the last plan was
	now     time.Time
	seconds int
	needs   map[string]int
	samples map[string]counters.Sample
	blind   bool
}

func newContested(t *testing.T) *contested {
	t.Helper()
	tree, err := resctrlfs.New(resctrlfs.Spec{
		CPUs: 16, CacheIDs: []int{0, 1}, L3: &controls.Cache{Bytes: 12 << 20, Ways: 12, NumCLOSIDs: 8, MinCBMBits: 1},
		MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := &contested{
		t: t, tree: tree, now: time.Unix(1_800_000_000, 0), loop: loop.New(), needs: map[string]int{"web": 7, "db": 3},
		samples: map[string]counters.Sample{},
	}
	for _, name := range []string{"web", "db", "etl"} {
		s := counters.Sample{Container: counters.Container{ID: name, QoS: "burstable"}, CPU: &counters.CPU{}, RunQueue: &counters.RunQueue{}}
		if name == "etl" {
			s.Container.QoS = "besteffort"
		}
		n.samples[name] = s
	}
	n.want(4, 4, 4, true, v1alpha1.ControlAct)
	return n
}

// want is another spec.
func (n *contested) want(web, db, be int32, canary bool, mode v1alpha1.ControlMode) {
	part := func(name string, role v1alpha1.PartitionRole, ways int32, m v1alpha1.PartitionMember) v1alpha1.NodePartition {
		return v1alpha1.NodePartition{
			Name: name, Role: role, Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: &ways}}, Members: []v1alpha1.PartitionMember{m},
		}
	}
	target := func(namespace string) v1alpha1.SetPoint {
		return v1alpha1.SetPoint{
			PartitionMember: v1alpha1.PartitionMember{Namespace: namespace}, Signal: v1alpha1.SignalRunQueueDelay, MilliTarget: 300,
		}
	}
	n.spec = &v1alpha1.NodeIsolationSpec{
		Partitions: []v1alpha1.NodePartition{
			part("web", v1alpha1.RoleLatency, web, v1alpha1.PartitionMember{Namespace: "web"}),
			part("db", v1alpha1.RoleLatency, db, v1alpha1.PartitionMember{Namespace: "db"}),
			part("be", v1alpha1.RoleBatch, be, v1alpha1.PartitionMember{QOSClass: "BestEffort"}),
		},
		Control: &v1alpha1.LocalControl{Mode: mode, Canary: canary, SetPoints: []v1alpha1.SetPoint{target("web"), target("db")}},
	}
}

// edit changes the spec as the API server does, which gives another object.
func (n *contested) edit(change func(s *v1alpha1.NodeIsolationSpec)) {
	n.spec = n.spec.DeepCopy()
	change(n.spec)
}

// ways are how many a group has in each domain; 0 without the group. Masks that meet, or are no run, or differ between domains end the test.
func (n *contested) ways(name string) int {
	n.t.Helper()
	all := uint32(0)
	for _, other := range []string{"web", "db", "be"} {
		mask := n.mask(other)
		if mask != 0 && (!schemata.IsRun(mask) || mask&all != 0) {
			n.t.Fatalf("%s has %x, those before it %x", other, mask, all)
		}
		all |= mask
	}
	return bits.OnesCount32(n.mask(name))
}

func (n *contested) mask(name string) uint32 {
	n.t.Helper()
	is := n.read()
	g, ok := is.State.Group("ballast-" + name)
	if !ok {
		return 0
	}
	first, _ := g.Schemata.Value("L3", 0)
	if second, _ := g.Schemata.Value("L3", 1); first != second {
		n.t.Fatalf("%s has %x and %x", name, first, second)
	}
	return first
}

// second lets one pass as the agent's Run does: a look, a step, and a round where that is due.
func (n *contested) second() {
	n.t.Helper()
	n.now = n.now.Add(time.Second)
	n.seconds++
	view := &containers.View{Time: n.now}
	for _, name := range []string{"web", "db", "etl"} {
		s := n.samples[name]
		delay := 100 * time.Millisecond
		if n.ways(name) < n.needs[name] {
			delay = 600 * time.Millisecond
		}
		s.Time, s.CPU = view.Time, &counters.CPU{Total: s.CPU.Total + time.Second}
		if s.RunQueue != nil {
			s.RunQueue = &counters.RunQueue{Ran: s.RunQueue.Ran + time.Second, Waited: s.RunQueue.Waited + delay}
		}
		n.samples[name] = s
		if n.blind {
			s.RunQueue = nil
		}
		view.Containers = append(view.Containers, containers.Container{Namespace: name, Pod: name + "-0", Name: "app", Sample: s})
	}
	is := n.read()
	before := n.outcome
	n.outcome = n.loop.Step(loop.Input{
		Now: n.now, Spec: n.spec, Active: true, View: view, Capacity: &is.Capacity, State: is.State, Cores: 16, NoLimits: "no runtime",
		Refused: n.refused,
	})
	if n.seconds%10 == 1 || n.outcome.Moved && n.outcome.Acts || !before.For(n.spec, true) {
		n.round(is)
	}
}

// round is a plan that is carried out.
func (n *contested) round(is resctrl.Inventory) {
	plan, err := partition.New(is.Capacity, is.State, loop.Overlay(isolator.Wanted(*n.spec), n.outcome, is.Capacity), false)
	if err == nil {
		err = resctrl.Apply(n.tree, plan)
	}
	if n.refused = ""; err != nil {
		n.refused = err.Error()
	}
}

func (n *contested) read() resctrl.Inventory {
	n.t.Helper()
	is, err := resctrl.Read(n.tree)
	if err != nil {
		n.t.Fatal(err)
	}
	return is
}

// until lets seconds pass until something is so.
func (n *contested) until(what string, most int, is func() bool) {
	n.t.Helper()
	for range most {
		if n.second(); is() {
			return
		}
	}
	n.t.Fatalf("not within %d s: %s; %s", most, what, n)
}

// has says whether the groups have so many ways.
func (n *contested) has(web, db, be int) bool {
	return n.ways("web") == web && n.ways("db") == db && n.ways("be") == be
}

func (n *contested) String() string {
	text := fmt.Sprintf("web %d, db %d, be %d ways", n.ways("web"), n.ways("db"), n.ways("be"))
	if o := n.outcome; o != nil {
		text += fmt.Sprintf("; %+v", *o.Status)
	}
	return text
}

func (n *contested) search() string {
	if o := n.outcome; o != nil {
		return o.Status.Search
	}
	return ""
}

// trial waits for the trial in which nearly all ways are web's.
func (n *contested) trial() {
	n.t.Helper()
	n.until("a trial", 100, func() bool { return n.has(9, 1, 2) && strings.HasPrefix(n.search(), "trial ") })
}

// TestCanaryFinds: the law takes from batch 2 of its 4 ways, which does not help while web has 4: so after half a minute other divisions of the 10 ways
// are tried, and one with 7 for web and 3 for db is found and kept. An edit of the spec puts that in force.
func TestCanaryFinds(t *testing.T) {
	n := newContested(t)
	n.until("the spec is in force", 3, func() bool { return n.has(4, 4, 4) })
	n.until("batch is at its minimum", 20, func() bool { return n.has(4, 4, 2) })
	n.until("the equal split", 60, func() bool { return n.has(5, 5, 2) })
	if s := n.search(); !strings.HasPrefix(s, "trial 1 of at most 30: db 5 ways, web 5 ways") {
		t.Errorf("search %q", s)
	}
	n.until("it is found", 150, func() bool { return strings.Contains(n.search(), " kept: ") })
	if !n.has(7, 3, 2) {
		t.Fatal(n)
	}
	n.until("it is said that all is well", 10, func() bool { return n.outcome.Status.Infeasible == "" })
	for range 60 { // batch may get ways back, of which one is too many, and gives it up again
		n.second()
	}
	if n.ways("web") < 6 || n.ways("db") < 3 {
		t.Error(n)
	}
	n.want(5, 4, 3, true, v1alpha1.ControlAct)
	n.until("the spec that was edited", 2, func() bool { return n.ways("web") == 5 && n.ways("db") == 4 })
}

// TestCanaryGivesBack: whatever ends a trial, what the spec gives web and db is in force a second later.
func TestCanaryGivesBack(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(n *contested)
		seconds int
	}{
		"blind":     {func(n *contested) { n.blind = true }, 8},
		"no canary": {func(n *contested) { n.want(4, 4, 4, false, v1alpha1.ControlAct) }, 1},
		"observe":   {func(n *contested) { n.want(4, 4, 4, true, v1alpha1.ControlObserve) }, 2},
		"spec":      {func(n *contested) { n.want(4, 4, 3, true, v1alpha1.ControlAct) }, 2},
		"no set-point": {func(n *contested) {
			n.edit(func(s *v1alpha1.NodeIsolationSpec) { s.Control.SetPoints = s.Control.SetPoints[:1] })
		}, 2},
		"no batch": {func(n *contested) { n.edit(func(s *v1alpha1.NodeIsolationSpec) { s.Partitions = s.Partitions[:2] }) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			n := newContested(t)
			n.trial()
			c.change(n)
			for range c.seconds {
				n.second()
			}
			if n.ways("web") != 4 || n.ways("db") != 4 {
				t.Error(n)
			}
		})
	}
	t.Run("the kernel refuses", func(t *testing.T) {
		n := newContested(t)
		n.trial()
		if err := n.tree.Faults().Add(faults.Fault{Op: faults.Write, Path: "*/schemata", Errno: syscall.EINVAL}); err != nil {
			t.Fatal(err)
		}
		n.until("given up", 10, func() bool { return strings.Contains(n.search(), "cannot be put in force") })
		n.tree.Faults().Clear()
		n.until("the spec", 70, func() bool { return n.ways("web") == 4 && n.ways("db") == 4 })
	})
}

// TestNoCanary: without the field nothing but batch is ever moved.
func TestNoCanary(t *testing.T) {
	n := newContested(t)
	n.want(4, 4, 4, false, v1alpha1.ControlAct)
	n.until("batch is at its minimum", 20, func() bool { return n.has(4, 4, 2) })
	for range 300 {
		if n.second(); !n.has(4, 4, 2) || n.search() != "" {
			t.Fatal(n)
		}
	}
}

// TestCanaryInfeasible: each needs 7 of the 10 ways. The scheduler is told, and the spec's ways are back.
func TestCanaryInfeasible(t *testing.T) {
	n := newContested(t)
	n.needs["db"] = 7
	n.until("an end", 300, func() bool {
		return strings.HasPrefix(n.outcome.Status.Infeasible, "infeasible mix: db and web")
	})
	if !n.has(4, 4, 2) && !strings.Contains(n.search(), "kept") {
		t.Error(n)
	}
}
