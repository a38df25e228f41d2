package directory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// wish changes, creates and removes groups on the small machine, on which ballast-old and ballast-be are.
var wish = []partition.Partition{
	{Name: ".", Ways: []partition.Ways{{Cache: "L3", From: 9, To: 11}}},
	{Name: "be", Ways: []partition.Ways{{Cache: "L3", From: 0, To: 3}}, Bandwidth: []partition.Limit{{Resource: "MB", Percent: 20}}},
}

// inhabited is the small machine with two groups of ours.
func inhabited(t *testing.T) *Tree {
	t.Helper()
	d := open(t, small(t))
	for group, values := range map[string]string{"ballast-old": "L3:0=7;1=7\n", "ballast-be": "L3:0=f0;1=f0\n"} {
		if err := d.Mkdir(group); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteFile(group+"/schemata", []byte(values)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func plan(t *testing.T, tree resctrl.Tree, wish []partition.Partition) partition.Plan {
	t.Helper()
	all := read(t, tree)
	p, err := partition.New(all.Capacity, all.State, wish, true)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestApply(t *testing.T) {
	d := inhabited(t)
	before := read(t, d)
	if err := resctrl.Apply(d, plan(t, d, wish)); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"schemata": "MB:0=100;1=100\nL3:0=600;1=600\n", "ballast-be/schemata": "MB:0=20;1=20\nL3:0=7;1=7\n",
	} {
		if got := content(t, d, file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if again := plan(t, d, wish); len(again.Operations) > 0 {
		t.Errorf("planning again: %s", again)
	}
	now := read(t, d)
	if err := resctrl.Apply(d, partition.Restore(now.Capacity, now.State, before.State, true)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.State, read(t, d).State); diff != "" {
		t.Errorf("after the way back, -before +after:\n%s", diff)
	}
}

// failing refuses the n-th change, once, or from then on.
type failing struct {
	*Tree

	n       int
	forever bool
	failed  bool
}

func (f *failing) refuse() bool {
	f.n--
	refuse := f.n == 0 || f.forever && f.n < 0
	f.failed = f.failed || refuse
	return refuse
}

func (f *failing) WriteFile(name string, data []byte) error {
	if f.refuse() {
		return syscall.EINVAL
	}
	return f.Tree.WriteFile(name, data)
}

func (f *failing) Mkdir(name string) error {
	if f.refuse() {
		return syscall.ENOSPC
	}
	return f.Tree.Mkdir(name)
}

func (f *failing) Remove(name string) error {
	if f.refuse() {
		return syscall.EPERM
	}
	return f.Tree.Remove(name)
}

// TestApplyUndoes: whichever change the kernel refuses, the groups are as before, and the error says which step it was.
func TestApplyUndoes(t *testing.T) {
	for n := 1; ; n++ {
		d := inhabited(t)
		if err := d.Mkdir("ballast-empty"); err != nil {
			t.Fatal(err)
		}
		before := read(t, d).State
		f := &failing{Tree: d, n: n}
		p := plan(t, d, append([]partition.Partition{{Name: "new", Ways: []partition.Ways{{Cache: "L3", From: 3, To: 9}}}}, wish...))
		err := resctrl.Apply(f, p)
		if !f.failed {
			if err != nil || n < 6 {
				t.Fatalf("no change %d: %v", n, err)
			}
			return
		}
		var failure *resctrl.PlanError
		if !errors.As(err, &failure) || failure.Rollback != nil || failure.Step != n {
			t.Fatalf("change %d: %v\n%s", n, err, p)
		}
		if diff := cmp.Diff(before, read(t, d).State); diff != "" {
			t.Fatalf("change %d, -before +after:\n%s", n, diff)
		}
	}
}

// TestApplySaysWhenTheWayBackFails: nothing may hide that the groups are neither as before nor as planned.
func TestApplySaysWhenTheWayBackFails(t *testing.T) {
	d := inhabited(t)
	var failure *resctrl.PlanError
	err := resctrl.Apply(&failing{Tree: d, n: 2, forever: true}, plan(t, d, wish))
	if !errors.As(err, &failure) || failure.Rollback == nil || !strings.Contains(err.Error(), "way back failed") {
		t.Errorf("got %v", err)
	}
}

// TestApplyRefusesAStalePlan: somebody changed a group of ours after the plan was made. A change of somebody else's group does not matter.
func TestApplyRefusesAStalePlan(t *testing.T) {
	d := inhabited(t)
	p := plan(t, d, wish)
	if err := d.Mkdir("other"); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile("ballast-be/schemata", []byte("L3:0=f\n")); err != nil {
		t.Fatal(err)
	}
	err := resctrl.Apply(d, p)
	if !errors.Is(err, resctrl.ErrStale) || !strings.Contains(err.Error(), "ballast-be has L3:0=f, wanted f0") {
		t.Errorf("got %v", err)
	}
	if err := d.WriteFile("ballast-be/schemata", []byte("L3:0=f0\n")); err != nil {
		t.Fatal(err)
	}
	if err := resctrl.Apply(d, p); err != nil {
		t.Error(err)
	}
}

// joining puts a thread into a group right after its tasks were read for the n-th time.
type joining struct {
	*Tree

	n int
}

func (j *joining) ReadFile(name string) ([]byte, error) {
	text, err := j.Tree.ReadFile(name)
	if name == "ballast-old/tasks" {
		if j.n--; j.n == 0 {
			err = errors.Join(err, j.WriteFile(name, []byte("2\n")))
		}
	}
	return text, err
}

// TestApplyKeepsAThreadThatJoins: a group was empty when the plan was made and when it began. The thread that was placed in it then stays.
func TestApplyKeepsAThreadThatJoins(t *testing.T) {
	d := inhabited(t)
	err := resctrl.Apply(&joining{Tree: d, n: 1}, plan(t, d, wish))
	var failure *resctrl.PlanError
	if !errors.Is(err, resctrl.ErrStale) || !errors.As(err, &failure) || failure.Rollback != nil {
		t.Errorf("got %v", err)
	}
	if g, _ := read(t, d).State.Group("ballast-old"); g.Tasks != 1 {
		t.Errorf("ballast-old is %+v, want it with its thread", g)
	}
}

// TestACopyWithoutModes: a group whose mode is not in the copy, or is no mode of any kernel, is not exclusive. The plan, which goes by that, can be
// carried out, and undone wherever it fails.
func TestACopyWithoutModes(t *testing.T) {
	for name, change := range map[string]func(file string) error{
		"away":    os.Remove,
		"empty":   func(file string) error { return os.WriteFile(file, nil, 0o644) },
		"unknown": func(file string) error { return os.WriteFile(file, []byte("novel\n"), 0o644) },
	} {
		for n := 1; ; n++ {
			d := inhabited(t)
			if err := d.Mkdir("other"); err != nil {
				t.Fatal(err)
			}
			groups := []string{".", "other", "ballast-old"}
			if name != "unknown" { // else the planner asks for a shareable one first
				groups = append(groups, "ballast-be")
			}
			for _, group := range groups {
				if err := change(filepath.Join(d.root.Name(), group, "mode")); err != nil {
					t.Fatal(err)
				}
			}
			before := read(t, d).State
			f := &failing{Tree: d, n: n}
			err := resctrl.Apply(f, plan(t, d, wish[1:]))
			if !f.failed {
				if err != nil || n < 3 {
					t.Errorf("%s: no change %d: %v", name, n, err)
				}
				break
			}
			var failure *resctrl.PlanError
			if !errors.As(err, &failure) || failure.Rollback != nil {
				t.Fatalf("%s, change %d: %v", name, n, err)
			}
			if diff := schemata.Difference(before, read(t, d).State); len(diff) > 0 {
				t.Fatalf("%s, change %d: not undone: %v", name, n, diff)
			}
		}
	}
}

// TestAnExclusiveGroup keeps its ways: from new groups, and from writes to others.
func TestAnExclusiveGroup(t *testing.T) {
	for _, mode := range []string{"exclusive", "pseudo-locked"} {
		d := inhabited(t)
		if err := d.replace("ballast-be/mode", mode+"\n"); err != nil {
			t.Fatal(err)
		}
		if err := d.Mkdir("new"); err != nil {
			t.Fatal(err)
		}
		if got := content(t, d, "new/schemata"); got != "MB:0=100;1=100\nL3:0=f;1=f\n" { // the ways below f0
			t.Errorf("%s: a new group has %q", mode, got)
		}
		err := d.WriteFile("new/schemata", []byte("L3:0=1f\n"))
		if status := content(t, d, "info/last_cmd_status"); !errors.Is(err, syscall.EINVAL) || status != "Overlaps with exclusive group\n" {
			t.Errorf("%s: %v, status %q", mode, err, status)
		}
		if err := d.WriteFile("ballast-be/schemata", []byte("L3:0=e0\n")); mode == "exclusive" && err != nil {
			t.Errorf("its own: %v", err)
		}
	}
}

// TestAGroupWithoutValues: its file schemata is empty, or has no line of a resource that is known.
func TestAGroupWithoutValues(t *testing.T) {
	for _, text := range []string{"", "XX:0=1\n"} {
		d := inhabited(t)
		if err := d.replace("ballast-be/schemata", text); err != nil {
			t.Fatal(err)
		}
		if err := resctrl.Apply(d, plan(t, d, wish)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := content(t, d, "ballast-be/schemata"); got != "MB:0=20;1=20\nL3:0=7;1=7\n" {
			t.Errorf("%q: then %q", text, got)
		}
	}
}

// TestReadBack: a tree that takes values and shows others.
func TestReadBack(t *testing.T) {
	d := inhabited(t)
	all := read(t, d)
	values := map[string]map[int]uint32{"MB": {0: 55}} // the kernel makes 60 of it
	err := resctrl.WriteSchemata(d, all.Capacity, "ballast-be", values)
	if !errors.Is(err, resctrl.ErrReadBack) || !strings.Contains(err.Error(), "MB:0=60, wanted 55") {
		t.Errorf("got %v", err)
	}
}
