package resctrl_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// ways are the masks of groups: by group, then by cache and domain, of code and data together.
type ways map[string]map[string]uint32

// watched is a tree that notes after every operation which group has which ways.
type watched struct {
	*resctrlfs.Tree

	fresh map[string]bool // groups that were made and have no values of ours yet
	steps []step
}

type step struct {
	what  string
	have  ways
	fresh []string
}

func watch(t *testing.T, tree *resctrlfs.Tree) *watched {
	t.Helper()
	w := &watched{Tree: tree, fresh: map[string]bool{}}
	if err := w.note("start", nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watched) Mkdir(name string) error {
	w.fresh[name] = true
	return w.note("mkdir "+name, w.Tree.Mkdir(name))
}

func (w *watched) Remove(name string) error { return w.note("rmdir "+name, w.Tree.Remove(name)) }

func (w *watched) WriteFile(name string, data []byte) error {
	err := w.Tree.WriteFile(name, data)
	if path.Base(name) == "schemata" {
		delete(w.fresh, path.Dir(name))
	}
	return w.note(fmt.Sprintf("write %s %q", name, data), err)
}

// note takes down all masks, read anew and by this test's own means.
func (w *watched) note(what string, err error) error {
	s := step{what: what, have: ways{}}
	for g := range w.fresh {
		s.fresh = append(s.fresh, g)
	}
	names, listErr := w.ReadDir(".")
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	for _, name := range append(names, "./") {
		group, isDir := strings.CutSuffix(name, "/")
		if !isDir || slices.Contains([]string{"info", "mon_data", "mon_groups"}, group) {
			continue
		}
		text, readErr := w.ReadFile(path.Join(group, "schemata"))
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		s.have[group] = masks(string(text))
	}
	w.steps = append(w.steps, s)
	return err
}

func masks(text string) map[string]uint32 {
	out := map[string]uint32{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.HasPrefix(name, "L") {
			continue
		}
		for item := range strings.SplitSeq(rest, ";") {
			var domain int
			var mask uint32
			if _, err := fmt.Sscanf(item, "%d=%x", &domain, &mask); err == nil {
				out[fmt.Sprintf("%s:%d", name[:2], domain)] |= mask
			}
		}
	}
	return out
}

// neverMoreSharing fails where two groups share ways after an operation that they share neither at the start nor at the end.
func (w *watched) neverMoreSharing(t *testing.T, plan fmt.Stringer) {
	t.Helper()
	start, end := w.steps[0].have, w.steps[len(w.steps)-1].have
	for i, s := range w.steps {
		for a := range s.have {
			for b := range s.have {
				if a >= b || slices.Contains(s.fresh, a) || slices.Contains(s.fresh, b) {
					continue
				}
				for where, mask := range s.have[a] {
					before, after := start[a][where]&start[b][where], end[a][where]&end[b][where]
					if more := mask & s.have[b][where] &^ before &^ after; more != 0 {
						t.Fatalf("after %d, %s: %s and %s share %x of %s for a while\n%s", i, s.what, a, b, more, where, plan)
					}
				}
			}
		}
	}
}

// settle adds groups of others: one that shares, one that has the two highest ways of each cache that devices do not use for itself.
func settle(t *testing.T, tree *resctrlfs.Tree, random *rand.Rand) {
	t.Helper()
	if random.IntN(2) == 0 {
		must(t, tree.Mkdir("foreign"))
	}
	if random.IntN(3) > 0 {
		return
	}
	c := read(t, tree).Capacity
	must(t, tree.Mkdir("locked"))
	others, locked := schemata.Values{}, schemata.Values{}
	for _, r := range c.Resources {
		if r.Cache == nil {
			continue
		}
		top := r.Cache.Ways()
		for top > 2 && r.Cache.Shareable>>(top-1)&1 != 0 {
			top--
		}
		for _, d := range r.Domains {
			locked.Set(r.Name, d, schemata.Run(top-2, top))
			others.Set(r.Name, d, schemata.Run(0, top-2))
		}
	}
	for _, g := range []string{".", "foreign"} {
		if _, there := read(t, tree).State.Group(g); there {
			must(t, resctrl.WriteSchemata(tree, c, g, others))
		}
	}
	must(t, resctrl.WriteSchemata(tree, c, "locked", locked))
	must(t, tree.WriteFile("locked/mode", []byte("exclusive\n")))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTransitions goes from one random division to the next on all machines: the kernel takes every step, no step makes two groups share
// ways that they share neither before nor after, groups of others stay as they are, the end is the wish (planning again gives nothing), and the
// way back leads to the first state.
func TestTransitions(t *testing.T) {
	eachMachine(t, func(t *testing.T, spec resctrlfs.Spec, random *rand.Rand) {
		taken := 0
		for range 4 {
			tree := emulate(t, spec)
			settle(t, tree, random)
			before := read(t, tree)
			for range 12 {
				now := read(t, tree)
				wish := anyWish(random, now.Capacity)
				plan, err := partition.New(now.Capacity, now.State, wish, true)
				if err != nil {
					if !errors.Is(err, partition.ErrNoWays) && !errors.Is(err, partition.ErrNoClass) {
						t.Fatal(err)
					}
					continue
				}
				w := watch(t, tree)
				if err = resctrl.Apply(w, plan); err != nil {
					t.Fatalf("%v\n%s", err, plan)
				}
				w.neverMoreSharing(t, plan)
				taken++
				untouched(t, before, read(t, tree))
				now = read(t, tree)
				if again, err := partition.New(now.Capacity, now.State, wish, true); err != nil || len(again.Operations) > 0 {
					t.Fatalf("planning again: %v\n%s\nfirst:\n%s", err, again, plan)
				}
				tree.CheckLimbo(0)
			}
			now := read(t, tree)
			must(t, resctrl.Apply(tree, partition.Restore(now.Capacity, now.State, before.State, true)))
			if diff := cmp.Diff(alike(before), alike(read(t, tree))); diff != "" {
				t.Fatalf("the first state did not come back (-want +got):\n%s", diff)
			}
		}
		if taken < 10 {
			t.Errorf("only %d of 48 wishes could be planned: the test shows little", taken)
		}
	})
}

// untouched fails where a group that is not ours is not as before.
func untouched(t *testing.T, before, now resctrl.Inventory) {
	t.Helper()
	foreign := func(i resctrl.Inventory) []schemata.Group {
		return slices.DeleteFunc(alike(i).Groups, func(g schemata.Group) bool { return schemata.Owned(g.Name) })
	}
	if diff := cmp.Diff(foreign(before), foreign(now)); diff != "" {
		t.Fatalf("groups of others changed (-before +now):\n%s", diff)
	}
}
