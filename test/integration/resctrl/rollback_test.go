package resctrl_test

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
)

// TestEveryFailureIsUndone: whichever write, mkdir or rmdir of a plan fails, before it took effect or after, the groups are as they were, on all
// machines, and the same plan succeeds then.
func TestEveryFailureIsUndone(t *testing.T) {
	first := []partition.Partition{
		{Name: "a", Ways: []partition.Ways{{Cache: "L3", Count: 2}}}, {Name: "b", Ways: []partition.Ways{{Cache: "L3", Count: 3}}},
	}
	second := []partition.Partition{ // only two groups: Haswell has 4 classes
		{Name: "b", Ways: []partition.Ways{{Cache: "L3", From: 0, To: 4}}}, {Name: "c", Ways: []partition.Ways{{Cache: "L3", From: 4, To: 6}}},
	}
	eachMachine(t, func(t *testing.T, spec resctrlfs.Spec, _ *rand.Rand) {
		failures := 0
		for _, op := range []faults.Op{faults.Write, faults.Mkdir, faults.Rmdir} {
			for n, failed := 0, true; failed; n++ {
				for _, after := range []bool{false, true} {
					tree := emulate(t, spec)
					if _, err := divide(t, tree, first); err != nil {
						t.Fatal(err)
					}
					before := read(t, tree)
					plan, err := partition.New(before.Capacity, before.State, second, true)
					must(t, err)
					must(t, tree.Faults().Add(faults.Fault{Op: op, Skip: n, Times: 1, Errno: syscall.EIO, After: after}))
					err = resctrl.Apply(tree, plan)
					var failure *resctrl.PlanError
					if failed = err != nil; !failed {
						continue
					}
					failures++
					if !errors.As(err, &failure) || failure.Rollback != nil || !errors.Is(err, syscall.EIO) {
						t.Fatalf("%s %d, after %v: %v", op, n, after, err)
					}
					if diff := cmp.Diff(alike(before), alike(read(t, tree))); diff != "" {
						t.Fatalf("%s %d, after %v: not undone (-before +now):\n%s", op, n, after, diff)
					}
					tree.CheckLimbo(0)
					if _, err := divide(t, tree, second); err != nil {
						t.Fatalf("%s %d, after %v: a second time: %v", op, n, after, err)
					}
				}
			}
		}
		if failures < 8 { // two writes, one mkdir, one rmdir, each twice
			t.Errorf("only %d operations failed", failures)
		}
	})
}

// TestAGroupThatCannotComeBack: a plan removes a, changes b and fails to make c, as the monitoring id of a is in limbo. a cannot be made again
// either, which the error says; b is as it was all the same.
func TestAGroupThatCannotComeBack(t *testing.T) {
	for name, spec := range kernels(resctrlfs.Options{}) {
		tree := emulate(t, spec)
		wish := func(group string, from, to int) partition.Partition {
			return partition.Partition{Name: group, Ways: []partition.Ways{{Cache: "L3", From: from, To: to}}}
		}
		if _, err := divide(t, tree, []partition.Partition{wish("a", 0, 2), wish("b", 2, 5)}); err != nil {
			t.Fatal(err)
		}
		was, _ := read(t, tree).State.Group("ballast-b")
		tree.LimitRMIDs(3)
		after := []partition.Partition{wish("b", 5, 9), wish("c", 0, 2)}
		_, err := divide(t, tree, after)
		var failure *resctrl.PlanError
		if !errors.Is(err, resctrl.ErrDraining) || !errors.As(err, &failure) || !errors.Is(failure.Rollback, resctrl.ErrDraining) {
			t.Errorf("%s: %v", name, err)
		}
		if is, _ := read(t, tree).State.Group("ballast-b"); !cmp.Equal(was, is) {
			t.Errorf("%s: b is %v, was %v", name, is, was)
		}
		tree.CheckLimbo(0)
		if _, err := divide(t, tree, after); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
