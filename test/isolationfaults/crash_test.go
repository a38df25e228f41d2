package isolationfaults_test

import (
	"math/rand/v2"
	"testing"
)

// allTransitions is how many random transitions are gone through point by point.
const allTransitions = 300

// transition is a world in which one wish is in force and another is asked for; equal for equal seeds. Nothing else moves in it.
func transition(t *testing.T, p preset, seed uint64) *world {
	t.Helper()
	w := newWorld(t, p, seed)
	if why := w.calm(&agent{}); why != "" {
		t.Fatalf("seed %d: the first wish: %s", seed, why)
	}
	w.setWish(randomWish(&w.spec, w.random))
	for _, c := range w.containers {
		if w.random.IntN(2) == 0 {
			c.partition = w.partition()
			w.assign(c)
		}
	}
	w.tree.CheckLimbo(0)
	return w
}

// points is how many operations an agent that nobody disturbs needs for a transition; less than 0: more than one round.
func points(t *testing.T, p preset, seed uint64) int {
	t.Helper()
	w := transition(t, p, seed)
	tree := &mortal{Tree: w.forAgent, left: -1}
	if why := w.round(&agent{}, tree, false); why != "" {
		t.Fatalf("seed %d: %s\nwish %+v", seed, why, w.wish)
	}
	if w.reached() != "" {
		return -1
	}
	return tree.done
}

// die lets the agent die after so many operations, and another take over.
func die(t *testing.T, p preset, seed uint64, after int) string {
	t.Helper()
	w := transition(t, p, seed)
	tree := &mortal{Tree: w.forAgent, left: after}
	if why := w.round(&agent{}, tree, false); why != "" {
		return why
	}
	if !tree.dead {
		return "the agent needed fewer operations than before: the test is not deterministic"
	}
	next := &agent{}
	w.tree.CheckLimbo(0)
	if why := w.round(next, w.forAgent, false); why != "" {
		return "the next agent: " + why
	}
	if why := w.reached(); why != "" {
		return "the next agent has not reached the wish in one round: " + why
	}
	for range 2 { // a group may be removed in the round after its threads have left; a monitor group one later
		w.tree.CheckLimbo(0)
		if why := w.round(next, w.forAgent, false); why != "" {
			return "the next agent, later: " + why
		}
	}
	return w.clean()
}

// TestDeathAtEveryPoint takes random transitions, and lets the agent die after each of the operations that change something, those that
// place containers included. Nobody is harmed, and another agent reaches the wish in its first round.
func TestDeathAtEveryPoint(t *testing.T) {
	t.Parallel()
	transitions := share(allTransitions, 100)
	for _, p := range presets() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, uint64(len(p.name))))
			deaths, several := 0, 0
			for done := 0; done < transitions/len(presets()); {
				seed := random.Uint64()
				n := points(t, p, seed)
				if n < 0 {
					several++
					continue
				}
				for k := range n {
					if why := die(t, p, seed, k); why != "" {
						t.Fatalf("seed %d, death after %d of %d operations: %s", seed, k, n, why)
					}
				}
				deaths += n
				done++
			}
			t.Logf("%d deaths in %d transitions; %d others take more than one round", deaths, transitions/len(presets()), several)
			if several > transitions/len(presets()) {
				t.Error("most transitions take more than one round")
			}
		})
	}
}
