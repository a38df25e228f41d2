// Package isolationfaults_test is the fault campaign of the node's agent: machines of several kinds with containers that come and go, other
// managers, shortages, refusals and deaths of the agent, and after every single operation of the agent the question whether it harmed
// anybody. What it asks, the files check_test.go and wish_test.go say; both are written from the kernel's rules and the meaning of a wish,
// and share no code with the planner or the emulator.
package isolationfaults_test

import (
	"fmt"
	"maps"
	"os"
	"sync/atomic"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// fullEnv asks for all steps and all transitions also where a normal run takes fewer of them.
const fullEnv = "BALLAST_FAULTS_FULL"

const (
	allSteps  = 10_000
	calmEvery = 10 // steps after which faults end and the wish has to be reached
	mostCalm  = 3  // rounds that it may take then
)

// step is a little of everything and one round of the agent; it says what went wrong.
func (w *world) step(a *agent) (*agent, string) {
	for range w.random.IntN(4) {
		w.churn()
	}
	if w.random.IntN(4) == 0 {
		w.setWish(randomWish(&w.spec, w.random))
		for _, c := range w.containers {
			if w.random.IntN(3) == 0 {
				c.partition = w.partition()
				w.assign(c)
			}
		}
	}
	for i, act := range []func(){w.others, func() { w.tamper() }, w.plug, w.shortage} {
		if w.random.IntN([]int{4, 10, 40, 8}[i]) == 0 {
			act()
		}
	}
	w.tree.CheckLimbo(0)
	tree := &mortal{Tree: w.forAgent, left: -1, after: w.random.IntN(2) == 0}
	if w.random.IntN(3) == 0 {
		tree.left = w.random.IntN(6)
	}
	if w.random.IntN(2) == 0 {
		w.interfere = w.between
	}
	why := w.round(a, tree, w.random.IntN(2) == 0)
	if tree.dead {
		w.killed++
		a = &agent{}
	}
	return a, why
}

// round is one round of the agent under the eyes of a judge. Faults and what happens between operations end with it.
func (w *world) round(a *agent, tree resctrl.Tree, broken bool) string {
	j := w.newRound()
	if broken {
		w.breakSome()
	}
	w.tree.Faults().Before(j.enter)
	if err := a.round(tree, w, j); err != nil {
		w.refused++
	}
	w.tree.Faults().Clear()
	j.settle()
	w.interfere = nil
	return j.problem
}

// calm ends all faults and asks for the wish.
func (w *world) calm(a *agent) string {
	w.plenty()
	for i := range w.spec.CacheIDs {
		if w.unplugged[i] {
			w.setPlugged(i, true)
		}
	}
	w.makeRoom()
	why := ""
	for range mostCalm {
		w.tree.CheckLimbo(0)
		if bad := w.round(a, w.forAgent, false); bad != "" {
			return bad
		}
		if why = w.reached(); why == "" && w.clean() == "" {
			return ""
		}
	}
	if why == "" {
		why = w.clean()
	}
	return fmt.Sprintf("not reached in %d rounds without faults: %s", mostCalm, why)
}

// makeRoom ends what others hold, as far as the wish cannot be had beside it: one class each for the default group, for each wanted
// partition, for what is no longer wanted and holds threads, and for each group of others, and one that stays free.
func (w *world) makeRoom() {
	for {
		s := w.mustTake()
		need := 2 + len(w.wish)
		theirs := s.foreign()
		var leftover string
		for name, g := range s.groups {
			if ours(name) && g.threads > 0 && !w.wanted(name) {
				need++
				leftover = max(leftover, name)
			}
		}
		switch {
		case need+len(theirs) <= classes(&w.spec):
			return
		case len(theirs) > 0:
			must(w.tree.Remove(theirs[0]))
		default:
			for tid, group := range s.at {
				if c := w.owner(tid); group == leftover && c != nil {
					w.end(c)
					break
				}
			}
		}
	}
}

func (w *world) wanted(group string) bool {
	for i := range w.wish {
		if "ballast-"+w.wish[i].Name == group {
			return true
		}
	}
	return false
}

// reached says what is missing: the wish, and containers where they belong, except those that somebody else holds.
func (w *world) reached() string {
	s := w.mustTake()
	if why := inForce(&w.spec, w.wish, s); why != "" {
		return why
	}
	for _, c := range w.containers {
		theirs := false
		for _, tid := range c.tids {
			theirs = theirs || s.at[tid] != "." && !ours(s.at[tid])
		}
		for _, tid := range c.tids {
			if c.control != "" && !theirs && s.at[tid] != c.control {
				return fmt.Sprintf("thread %d is in %s, its container belongs in %s", tid, s.at[tid], c.control)
			}
		}
	}
	return ""
}

// clean says what is left of ours that nobody wants or uses.
func (w *world) clean() string {
	s := w.mustTake()
	alive := map[string]bool{}
	for _, c := range w.containers {
		alive[c.id] = true
	}
	for name, g := range s.groups {
		if ours(name) && !w.wanted(name) && g.threads == 0 {
			return name + " is empty, not wanted and still there"
		}
		for m := range g.monitors {
			if ours(name) && !alive[m] {
				return fmt.Sprintf("the monitor group %s of a container that has ended is still in %s", m, name)
			}
		}
	}
	return ""
}

// restore is `ballast node restore --move-tasks`: the tree is as at boot but for the groups of others.
func (w *world) restore() string {
	before := w.mustTake()
	found, err := resctrl.Read(w.forAgent)
	if err != nil {
		return err.Error()
	}
	plan, err := partition.New(found.Capacity, found.State, nil, true)
	if err != nil {
		return err.Error()
	}
	if err := resctrl.Apply(w.forAgent, plan); err != nil {
		return fmt.Sprintf("restore: %v", err)
	}
	after := w.mustTake()
	for name, g := range before.groups {
		a := after.groups[name]
		switch {
		case ours(name) && a != nil:
			return "restore left " + name
		case ours(name):
		case a == nil || a.schemata != g.schemata || a.mode != g.mode || a.cpus != g.cpus || name != "." && (a.tasks != g.tasks ||
			!maps.Equal(a.monitors, g.monitors)):
			return fmt.Sprintf("restore changed %s: %+v, now %+v", name, g, a)
		}
	}
	for tid, was := range before.at {
		if is := after.at[tid]; ours(was) && is != "." || !ours(was) && is != was {
			return fmt.Sprintf("restore moved thread %d from %s to %s", tid, was, is)
		}
	}
	return ""
}

// run takes a world through a number of steps.
func (w *world) run(t *testing.T, steps int, seed uint64) {
	t.Helper()
	a := &agent{}
	for i := range steps {
		var why string
		if a, why = w.step(a); why != "" {
			t.Fatalf("seed %d, step %d: %s\nwish %+v", seed, i, why, w.wish)
		}
		if i%calmEvery != calmEvery-1 {
			continue
		}
		if why = w.calm(a); why != "" {
			t.Fatalf("seed %d, after step %d: %s\nwish %+v", seed, i, why, w.wish)
		}
		if w.random.IntN(10) == 0 {
			if why = w.restore(); why != "" {
				t.Fatalf("seed %d, after step %d: %s", seed, i, why)
			}
		}
	}
	t.Logf("%d steps: %d operations judged, %d rounds refused, agent killed %d times, %d acts between operations, %d ways shared while "+
		"changing places, %d containers not placed at once", steps, w.judged, w.refused, w.killed, w.meddled, w.swaps, w.unplaced)
}

// toll counts over the runs of a campaign: of one by itself, which may be short, there may be none by chance.
type toll struct{ steps, killed, refused atomic.Int64 }

// add counts a run that is over.
func (c *toll) add(w *world, steps int) {
	c.steps.Add(int64(steps))
	c.killed.Add(int64(w.killed))
	c.refused.Add(int64(w.refused))
}

// check fails where too little happened.
func (c *toll) check(t *testing.T) {
	if steps, killed, refused := c.steps.Load(), c.killed.Load(), c.refused.Load(); killed < steps/20 || refused < steps/20 {
		t.Errorf("only %d deaths and %d refusals in %d steps: the campaign shows little", killed, refused, steps)
	}
}

// share is how much of something a run does: all where all is asked for, else a part, and less under the race detector.
func share(all, part int) int {
	switch {
	case os.Getenv(fullEnv) != "":
		return all
	case raced:
		return part / 5
	}
	return part
}

// TestCampaign is the campaign in memory.
func TestCampaign(t *testing.T) {
	t.Parallel()
	const seeds = 4
	steps := share(allSteps, 2000) / seeds / len(presets())
	var all toll
	t.Cleanup(func() { all.check(t) })
	for _, p := range presets() {
		for seed := range uint64(seeds) {
			t.Run(fmt.Sprintf("%s %d", p.name, seed), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, p, seed)
				w.run(t, steps, seed)
				all.add(w, steps)
			})
		}
	}
}
