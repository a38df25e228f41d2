// Package resctrl_test holds the product's reader, planner and writer of resctrl against the emulator, which answers as the kernel does: no
// plan that the planner makes may be refused, and every state can be undone.
package resctrl_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// machines are an Intel server of 4 sockets and an AMD server of 8 caches whose ids have a gap.
func machines() map[string]resctrlfs.Spec {
	return map[string]resctrlfs.Spec{
		"intel": {
			CPUs: 192, CacheIDs: []int{0, 1, 2, 3},
			L3: &controls.Cache{Bytes: 57671680, Ways: 20, NumCLOSIDs: 16, MinCBMBits: 1, ShareableBits: 0xc0000},
			MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true},
			Monitoring: &resctrlfs.Monitoring{
				NumRMIDs: 192, Events: []string{resctrlfs.LLCOccupancy, resctrlfs.MBMTotalBytes, resctrlfs.MBMLocalBytes},
				CacheBytes: 57671680, OccupancyUnit: 98304, MaxThresholdOccupancy: 98304,
			},
		},
		"amd": {
			CPUs: 256, CacheIDs: []int{0, 1, 2, 3, 16, 17, 18, 19},
			L3: &controls.Cache{Bytes: 33554432, Ways: 16, NumCLOSIDs: 16, MinCBMBits: 0},
			MB: &controls.Bandwidth{NumCLOSIDs: 16, Min: 0, Max: 2048, Granularity: 1},
		},
	}
}

func emulate(t *testing.T, spec resctrlfs.Spec) *resctrlfs.Tree {
	t.Helper()
	tree, err := resctrlfs.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func read(t *testing.T, tree resctrl.Tree) resctrl.Inventory {
	t.Helper()
	i, err := resctrl.Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// wishes are up to four partitions at random.
func wishes(random *rand.Rand, machine string) []partition.Partition {
	var out []partition.Partition
	for i := range random.IntN(5) {
		p := partition.Partition{Name: string(rune('a' + i)), Ways: []partition.Ways{{Cache: "L3", Count: 1 + random.IntN(6)}}}
		switch {
		case random.IntN(2) == 0: // no limit
		case machine == "amd":
			p.Bandwidth = []partition.Limit{{Resource: "MB", MBps: 1 + random.IntN(200_000)}}
		default:
			p.Bandwidth = []partition.Limit{{Resource: "MB", Percent: 1 + random.IntN(100)}}
		}
		out = append(out, p)
	}
	return out
}

// TestPlansAreTaken goes from one random division to the next, and back to the first state.
func TestPlansAreTaken(t *testing.T) {
	for name, spec := range machines() {
		t.Run(name, func(t *testing.T) {
			tree := emulate(t, spec)
			before := read(t, tree)
			random := rand.New(rand.NewPCG(1, 2))
			taken := 0
			for range 500 {
				now := read(t, tree)
				plan, err := partition.New(now.Capacity, now.State, wishes(random, name), true)
				if err != nil {
					if !errors.Is(err, partition.ErrNoWays) { // four times six ways are more than there are
						t.Fatal(err)
					}
					continue
				}
				if err = resctrl.Apply(tree, plan); errors.Is(err, resctrl.ErrDraining) { // the ids of groups that went are in limbo
					if diff := cmp.Diff(now.State, read(t, tree).State); diff != "" {
						t.Fatalf("the plan was not undone (-before +now):\n%s", diff)
					}
					tree.CheckLimbo(0)
					err = resctrl.Apply(tree, plan)
				}
				if err != nil {
					t.Fatalf("%v\n%s", err, plan)
				}
				taken++
			}
			if taken < 250 {
				t.Errorf("only %d of 500 wishes could be planned", taken)
			}
			now := read(t, tree)
			if err := resctrl.Apply(tree, partition.Restore(now.Capacity, now.State, before.State, true)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before.State, read(t, tree).State); diff != "" {
				t.Errorf("the first state did not come back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusals makes calls that the kernel refuses, and looks for its own words.
func TestRefusals(t *testing.T) {
	tree := emulate(t, machines()["intel"])
	capacity := read(t, tree).Capacity
	var err error
	made := 0
	for ; err == nil; made++ {
		err = resctrl.CreateGroup(tree, fmt.Sprintf("g%d", made))
	}
	// 8 classes, one of which is the default group's.
	if made-1 != 7 || !errors.Is(err, resctrl.ErrNoRoom) {
		t.Errorf("%d groups, then %v", made-1, err)
	}
	elsewhere := read(t, tree).Capacity
	elsewhere.Resources[0].Domains = append(elsewhere.Resources[0].Domains, 99)
	for name, c := range map[string]struct {
		err  error
		want []error
	}{
		"two runs of ways": {
			resctrl.WriteSchemata(tree, capacity, "g0", schemata.Values{"L3": {0: 0x5}}), []error{resctrl.ErrInvalid, syscall.EINVAL},
		},
		"domain that is not there": {
			resctrl.WriteSchemata(tree, elsewhere, "g0", schemata.Values{"L3": {99: 0x5}}), []error{resctrl.ErrUnknownDomain, syscall.EINVAL},
		},
		"bandwidth that is rounded": {
			resctrl.WriteSchemata(tree, capacity, "g0", schemata.Values{"MB": {0: 35}}), []error{resctrl.ErrReadBack},
		},
	} {
		for _, want := range c.want {
			if !errors.Is(c.err, want) {
				t.Errorf("%s: %v, want %v", name, c.err, want)
			}
		}
	}
	// A thread that has ended is no error.
	if moved, err := resctrl.AddTasks(tree, "g0", []int{4444}); moved != 0 || err != nil {
		t.Errorf("a thread that is not there: %d moved, %v", moved, err)
	}
}

// TestALimitAboveThoseOfOthers: another manager has limited every group of an AMD machine to 25 GB/s. A wish of 100,000 MB/s is 800 eighths of a
// GB/s all the same, and a group without a limit keeps the value that the kernel gave it.
func TestALimitAboveThoseOfOthers(t *testing.T) {
	tree := emulate(t, machines()["amd"])
	now := read(t, tree)
	limits := schemata.Values{}
	for _, d := range now.Capacity.Resources[1].Domains {
		limits.Set("MB", d, 200)
	}
	if err := resctrl.WriteSchemata(tree, now.Capacity, schemata.DefaultGroup, limits); err != nil {
		t.Fatal(err)
	}
	now = read(t, tree)
	plan, err := partition.New(now.Capacity, now.State, []partition.Partition{
		{Name: "wide", Ways: []partition.Ways{{Cache: "L3", Count: 2}}, Bandwidth: []partition.Limit{{Resource: "MB", MBps: 100_000}}},
		{Name: "free", Ways: []partition.Ways{{Cache: "L3", Count: 2}}},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := resctrl.Apply(tree, plan); err != nil {
		t.Fatal(err)
	}
	after := read(t, tree).State
	for group, want := range map[string]uint32{"ballast-wide": 800, "ballast-free": 2048, schemata.DefaultGroup: 200} {
		g, _ := after.Group(group)
		if got, _ := g.Schemata.Value("MB", 17); got != want {
			t.Errorf("%s has %d, want %d", group, got, want)
		}
	}
}
