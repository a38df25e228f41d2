package resctrlfs

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
)

func fault(f faults.Fault) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if err := tree.Faults().Add(f); err != nil {
			t.Error(err)
		}
	}
}

func act(what func(tree *Tree)) step { return func(_ *testing.T, tree *Tree) { what(tree) } }

// What can be made to go wrong, and that it goes wrong in the kernel's way.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]step{
		"the second write to schemata": {
			fault(faults.Fault{Op: faults.Write, Path: "*/schemata", Skip: 1, Times: 1, Errno: syscall.EIO}), mkdir("a", ok),
			write("schemata", "L3:0=f\n", ok), write("a/schemata", "L3:0=f\n", ok), write("a/schemata", "L3:0=3\n", syscall.EIO),
			reads("a/schemata", "    MB:0=100;1=100\n    L3:0=f;1=7ff\n"), write("a/schemata", "L3:0=3\n", ok),
		},
		"all mkdirs, until cleared": {
			fault(faults.Fault{Op: faults.Mkdir, Errno: syscall.EBUSY, Status: "Out of RMIDs\n"}), mkdir("a", syscall.EBUSY), says("Out of RMIDs\n"),
			mkdir("b", syscall.EBUSY), lists("mon_groups", ""), act(func(tree *Tree) { tree.Faults().Clear() }), mkdir("a", ok),
		},
		"a write that is done and fails": {
			fault(faults.Fault{Op: faults.Write, Path: "schemata", Times: 1, After: true, Errno: syscall.EINTR}), write("schemata", "L3:0=f\n", syscall.EINTR),
			reads("schemata", "    MB:0=100;1=100\n    L3:0=f;1=7ff\n"),
		},
		"the kernel's own errno goes first": {
			fault(faults.Fault{Op: faults.Write, After: true, Errno: syscall.EIO}), write("schemata", "L3:0=0\n", syscall.EINVAL), says("Mask out of range\n"),
		},
		"reads, rmdirs and renames": {
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), fault(faults.Fault{Op: faults.Read, Path: "schemata", Errno: syscall.EIO}),
			fault(faults.Fault{Op: faults.Rmdir, Path: "a", Times: 1, Errno: syscall.EBUSY}),
			fault(faults.Fault{Op: faults.Rename, Path: "a/mon_groups/*", Times: 1, Errno: syscall.EPERM}), refuses("schemata", syscall.EIO),
			rename("a/mon_groups/m", "mon_groups/m", syscall.EPERM), rmdir("a", syscall.EBUSY), lists("a/mon_groups", "m/"),
			rename("a/mon_groups/m", "mon_groups/m", ok), rmdir("a", ok),
		},
		"a task exits between list and write": {
			mkdir("a", ok), fork(0, 7, 7, 0), reads("tasks", "7\n"), act(func(tree *Tree) {
				tree.Faults().Before(func(op faults.Op, name string) {
					if op == faults.Write && name == "a/tasks" {
						_ = tree.Exit(7) // the second time it is gone already
					}
				})
			}), write("a/tasks", "7", syscall.ESRCH), says("No task 7\nError while processing task 7\n"),
		},
		"schemata changed and a foreign group made behind the writer's back": {
			mkdir("a", ok), act(func(tree *Tree) {
				done := false
				tree.Faults().Before(func(op faults.Op, name string) {
					if op == faults.Read && name == "a/schemata" && !done {
						done = true
						if err := errors.Join(tree.WriteFile("a/schemata", []byte("L3:0=1\n")), tree.Mkdir("foreign")); err != nil {
							panic(err)
						}
					}
				})
			}), write("a/schemata", "L3:0=f\n", ok), reads("a/schemata", "    MB:0=100;1=100\n    L3:0=1;1=7ff\n"), lists("foreign/mon_groups", ""),
		},
		"fewer CLOSIDs than the machine has": {
			mkdir("a", ok), mkdir("b", ok), act(func(tree *Tree) { tree.LimitCLOSIDs(2) }), mkdir("c", syscall.ENOSPC), says("Out of CLOSIDs\n"),
			rmdir("b", ok), mkdir("c", syscall.ENOSPC), rmdir("a", ok), mkdir("c", ok), mkdir("d", syscall.ENOSPC),
			unmount(ok), mountAs(Options{}, ok), mkdir("c", ok), mkdir("d", syscall.ENOSPC), act(func(tree *Tree) { tree.LimitCLOSIDs(0) }), mkdir("d", ok),
		},
		"fewer RMIDs than the machine has": {
			act(func(tree *Tree) { tree.LimitRMIDs(2) }), mkdir("a", ok), mkdir("b", syscall.ENOSPC), says("Out of RMIDs\n"), rmdir("a", ok),
			mkdir("b", syscall.EBUSY), second(0), mkdir("b", ok), act(func(tree *Tree) { tree.LimitRMIDs(0) }), mkdir("c", ok),
		},
		"limbo that never drains": {
			act(func(tree *Tree) { tree.LimitRMIDs(2); tree.HoldLimbo(true) }), mkdir("a", ok), rmdir("a", ok), second(0), second(0),
			mkdir("b", syscall.EBUSY), act(func(tree *Tree) { tree.HoldLimbo(false) }), second(0), mkdir("b", ok),
		},
		"counters that cannot be read": {
			counts(".", 0, MBMTotalBytes, Counter{Value: 9}), act(func(tree *Tree) { tree.ForceCounters(Unavailable) }),
			reads("mon_data/mon_L3_00/mbm_total_bytes", "Unavailable\n"), act(func(tree *Tree) { tree.ForceCounters(Failed) }),
			reads("mon_data/mon_L3_00/mbm_total_bytes", "Error\n"), reads("mon_data/mon_L3_00/llc_occupancy", "Error\n"),
			act(func(tree *Tree) { tree.ForceCounters(Unassigned) }), reads("mon_data/mon_L3_00/mbm_total_bytes", "Unassigned\n"),
			reads("mon_data/mon_L3_00/llc_occupancy", "0\n"), act(func(tree *Tree) { tree.ForceCounters(Readable) }),
			reads("mon_data/mon_L3_00/mbm_total_bytes", "9\n"),
		},
		"a group is reset": {
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), fork(0, 7, 7, 0), write("a/tasks", "7", ok), write("a/schemata", "L3:0=3\nMB:0=10\n", ok),
			act(func(tree *Tree) {
				if err := tree.ResetGroup("a"); err != nil {
					panic(err)
				}
			}), reads("a/schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"), reads("a/tasks", ""), reads("tasks", "7\n"), lists("a/mon_groups", ""),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := mount(t, skylake())
			for _, s := range steps {
				s(t, tree)
			}
		})
	}
}

// A program of four operations dies at each of its writes: before it took effect, and after. What it left is what it had done until then.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	program := func(tree *Tree) error {
		for _, value := range []string{"1", "3", "7", "f"} {
			if err := tree.WriteFile("schemata", []byte("L3:0="+value+"\n")); err != nil {
				return err
			}
		}
		return nil
	}
	whole := mount(t, skylake())
	if err := program(whole); err != nil {
		t.Fatal(err)
	}
	points := whole.Faults().Count(faults.Write)
	if points != 4 {
		t.Fatalf("the program makes %d writes, want 4", points)
	}
	left := []string{"7ff", "1", "3", "7", "f"}
	for n := range points {
		for _, after := range []bool{false, true} {
			tree := mount(t, skylake())
			fault(faults.Fault{Op: faults.Write, Skip: n, Errno: syscall.EINTR, After: after})(t, tree)
			if err := program(tree); !errors.Is(err, syscall.EINTR) {
				t.Errorf("killed at write %d: %v", n, err)
			}
			done := n
			if after {
				done++
			}
			reads("schemata", fmt.Sprintf("    MB:0=100;1=100\n    L3:0=%s;1=7ff\n", left[done]))(t, tree)
		}
	}
}

func TestFaultsAreChecked(t *testing.T) {
	t.Parallel()
	tree := mount(t, skylake())
	for want, f := range map[string]faults.Fault{
		`operation "open"`: {Op: "open", Errno: syscall.EIO},
		`path "["`:         {Op: faults.Read, Path: "[", Errno: syscall.EIO},
		"errno 0":          {Op: faults.Read},
		"skip -1":          {Op: faults.Read, Skip: -1, Errno: syscall.EIO},
		"times -1":         {Op: faults.Read, Times: -1, Errno: syscall.EIO},
	} {
		if err := tree.Faults().Add(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	wantErrno(t, "reset of nothing", tree.ResetGroup("x"), syscall.ENOENT)
	wantErrno(t, "reset of the root", tree.ResetGroup("."), syscall.EBUSY)
	wantErrno(t, "reset of info", tree.ResetGroup("info"), syscall.EPERM)
	plain := mount(t, haswell()) // without monitoring, what is about it does nothing
	plain.LimitRMIDs(1)
	plain.HoldLimbo(true)
	plain.ForceCounters(Failed)
	plain.CheckLimbo(0)
	mkdir("a", ok)(t, plain)
	for _, cpu := range []int{-1, 40} {
		if plain.SetOnline(cpu, true) == nil {
			t.Errorf("there is no CPU %d", cpu)
		}
	}
	one := mount(t, func() Spec { s := cmtOnly(); s.CPUs = 1; return s }())
	if one.SetOnline(0, false) == nil {
		t.Error("the last CPU was switched off")
	}
	reads("cpus_list", "0\n")(t, one)
}
