package isolationfaults_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/contest"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// node is a machine with the part of the agent that divides it, in rounds of 10 s, and with partitions lc, of 4 ways, and be, of 3.
type node struct {
	t       *testing.T
	spec    resctrlfs.Spec
	tree    *resctrlfs.Tree
	divides isolator.Isolator
	wish    isolator.Wish
	loop    *loop.Outcome
	now     time.Time
	log     klog.Logger
}

type open struct{ *resctrlfs.Tree }

func (open) Close() error { return nil }

func newNode(t *testing.T, p preset) *node {
	t.Helper()
	n := &node{
		t: t, spec: p.spec(), now: time.Unix(1_800_000_000, 0), log: ktesting.NewLogger(t, ktesting.NewConfig(ktesting.BufferLogs(true))),
	}
	var err error
	if n.tree, err = resctrlfs.New(n.spec); err != nil {
		t.Fatal(err)
	}
	n.divides.Open = func() (isolator.Tree, error) { return open{n.tree}, nil }
	n.want(4)
	return n
}

// want is a spec that gives lc so many ways.
func (n *node) want(ways int32) {
	part := func(name string, role v1alpha1.PartitionRole, ways int32) v1alpha1.NodePartition {
		return v1alpha1.NodePartition{Name: name, Role: role, Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: &ways}}}
	}
	n.wish = isolator.Wish{Mode: v1alpha1.Active, Spec: &v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{
		part("lc", v1alpha1.RoleLatency, ways), part("be", v1alpha1.RoleBatch, 3),
	}}}
}

// round is the agent's next one.
func (n *node) round() isolator.Found {
	n.now = n.now.Add(10 * time.Second)
	return n.divides.Round(n.log, n.wish, n.loop, n.now)
}

// lc is the schemata of the group ballast-lc.
func (n *node) lc() string {
	text, err := n.tree.ReadFile("ballast-lc/schemata")
	must(err)
	return string(text)
}

// rewrite is another manager that gives lc its lowest two ways in the first domain.
func (n *node) rewrite() {
	var b strings.Builder
	for _, line := range lines(&n.spec) {
		fmt.Fprintf(&b, "%s:%d=3\n", line, n.spec.CacheIDs[0])
	}
	must(n.tree.WriteFile("ballast-lc/schemata", []byte(b.String())))
}

const (
	pause = int(contest.Pause / (10 * time.Second)) // in rounds
	left  = contest.Tries + 1                       // the round that leaves the groups
)

// Another manager rewrites a group before each round. It is put back three times, and then left for 5 minutes, which the condition and one line
// of the log say; tried once more, and left again.
func TestRival(t *testing.T) {
	for _, p := range presets() {
		t.Run(p.name, func(t *testing.T) {
			n := newNode(t, p)
			n.inForce(n.round())
			ours := n.lc()
			for i := 1; i < left+2*pause; i++ {
				n.rewrite()
				theirs := n.lc()
				out := n.round()
				if i < left || i == left+pause {
					if n.inForce(out); n.lc() != ours {
						t.Fatalf("round %d: not put back\n%s", i, n.lc())
					}
				} else if n.leaves(out); n.lc() != theirs {
					t.Fatalf("round %d: not left\n%s", i, n.lc())
				}
				if is := i <= left || i == left+pause+1; out.Rewritten != is {
					t.Errorf("round %d: rewritten %v", i, out.Rewritten)
				}
			}
			log := n.log.GetSink().(ktesting.Underlier).GetBuffer().String()
			if lines := strings.Count(log, "Leaving the groups to another manager"); lines != 1 {
				t.Errorf("%d lines in the log:\n%s", lines, log)
			}
		})
	}
}

// While the groups are left to somebody else, other partitions are tried at once. When he has gone, the next try holds.
func TestRivalGoes(t *testing.T) {
	for _, p := range presets() {
		t.Run(p.name, func(t *testing.T) {
			n := newNode(t, p)
			n.inForce(n.round())
			leave := func() {
				t.Helper()
				var out isolator.Found
				for range left {
					n.rewrite()
					out = n.round()
				}
				n.leaves(out)
			}
			leave()
			n.want(5)
			n.inForce(n.round())
			leave()
			for i := 1; i <= 3*pause; i++ {
				if out := n.round(); i < pause {
					n.leaves(out)
				} else if n.inForce(out); out.Rewritten {
					t.Fatalf("round %d: %+v", i, out)
				}
			}
		})
	}
}

// inForce is a round after which the node is divided as it is wanted.
func (n *node) inForce(out isolator.Found) {
	n.t.Helper()
	if out.Reason != v1alpha1.ReasonInForce || out.Applied != metav1.ConditionTrue || out.Plan != "" {
		n.t.Fatalf("%s: %s\n%s", out.Reason, out.Message, out.Plan)
	}
}

// leaves is a round that leaves the groups to somebody else.
func (n *node) leaves(out isolator.Found) {
	n.t.Helper()
	if out.Reason != v1alpha1.ReasonAnotherManager || out.Applied != metav1.ConditionFalse || out.Plan == "" || out.Refusal() == "" ||
		!strings.Contains(out.Message, "ballast-lc has L3") {
		n.t.Fatalf("%s: %s\n%s", out.Reason, out.Message, out.Plan)
	}
}

// Forty rounds, more than 5 minutes, in which groups are not as they were left, and no other manager is the reason: after each round they are as
// wanted.
func TestNoRival(t *testing.T) {
	for name, change := range map[string]func(n *node, i int){
		"a group is made anew":          func(n *node, _ int) { must(n.tree.ResetGroup("ballast-lc")) },
		"a group is removed":            func(n *node, _ int) { must(n.tree.Remove("ballast-lc")) },
		"the tree is mounted anew":      func(n *node, _ int) { must(n.tree.Unmount()); must(n.tree.Mount(n.spec.Options)) },
		"a cache goes away and is back": func(n *node, i int) { n.plug(i%2 == 0) },
		"a cache is away for a moment":  func(n *node, _ int) { n.plug(false); n.plug(true) },
		"the spec changes":              func(n *node, i int) { n.want(int32(4 + i%2)) },
		"a person edits now and then": func(n *node, i int) {
			if i%10 == 0 {
				n.rewrite()
			}
		},
		"the local loop moves batch": func(n *node, i int) {
			n.wish.Spec.Control = &v1alpha1.LocalControl{Mode: v1alpha1.ControlAct}
			n.loop = &loop.Outcome{
				Spec: n.wish.Spec, Acts: true, Batch: "be", Setting: control.Setting{BatchWays: 2 + i%2, BatchBandwidth: math.MaxInt32, BatchCPU: math.Inf(1)},
			}
		},
		"written while the switch is off": func(n *node, i int) {
			if n.wish.Mode = v1alpha1.Off; i%2 == 1 {
				n.wish.Mode = v1alpha1.Active
				n.rewrite()
			}
		},
	} {
		for _, p := range presets() {
			t.Run(name+" "+p.name, func(t *testing.T) {
				n := newNode(t, p)
				n.round()
				for i := range 40 {
					change(n, i)
					n.tree.CheckLimbo(0)
					if out := n.round(); n.wish.Mode == v1alpha1.Active {
						n.inForce(out)
					}
				}
			})
		}
	}
}

// plug takes the first cache away with its processors, or brings it back.
func (n *node) plug(on bool) {
	for cpu := range n.spec.CPUs / len(n.spec.CacheIDs) {
		must(n.tree.SetOnline(cpu, on))
	}
}
