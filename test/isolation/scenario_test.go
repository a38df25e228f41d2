package isolation

import (
	"math"
	"testing"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// Every scenario of some seeds of both families is what it claims to be (no policy sees the held-out ones here): the strictest setting leaves slack under all conditions, no setting leaves some
// service over its target in the end, and a quiet hour needs none.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, knobs := range []plant.Knobs{plant.AllKnobs, plant.CacheOnly, plant.OnlyCPU} {
		for _, name := range Names {
			for seed := range uint64(3) {
				s, err := New(name, plant.Family(seed%2), seed, knobs)
				if err != nil {
					t.Fatal(err)
				}
				for e, event := range s.Timeline {
					steady, err := plant.NewSteady(s.Machine, s.Services, s.Jobs, event.Conditions)
					if err != nil {
						t.Fatal(err)
					}
					if slack, _ := steady.Slack(strictest(&s.Machine)); slack < 0.249 {
						t.Errorf("%s %d, machine %d: the strictest setting leaves %v", name, seed, knobs, slack)
					}
					free, _ := steady.Slack(s.Machine.Free())
					last := e == len(s.Timeline)-1
					if name == "quiet" && free < 0.249 || name != "quiet" && last && free > 0 || !last && name != "load" && free < 0.2 {
						t.Errorf("%s %d, machine %d, event %d: no setting leaves %v", name, seed, knobs, e, free)
					}
				}
			}
		}
	}
}

// The search's halving of quotas finds no less than trying 80 of them for all ways and percentages, but for its last interval.
func TestSearch(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cache", "cpu"} {
		if (testing.Short() || raced) && name == "cpu" {
			continue
		}
		s, err := New(name, plant.Tuning, 3, plant.AllKnobs)
		if err != nil {
			t.Fatal(err)
		}
		conditions := s.Timeline[1].Conditions
		found, err := Search(s, conditions, RecoveredSlack)
		if err != nil {
			t.Fatal(err)
		}
		steady, err := plant.NewSteady(s.Machine, s.Services, s.Jobs, conditions)
		if err != nil {
			t.Fatal(err)
		}
		if slack, work := steady.Slack(found.Setting); slack < RecoveredSlack || math.Abs(work-found.Work) > 1e-9 {
			t.Errorf("%s: the best setting leaves a slack of %v and does %v, said to be %v", name, slack, work, found.Work)
		}
		most := 0.0
		for ways := s.Machine.MinWays; ways <= s.Machine.Ways-s.Machine.MinWays; ways += 3 {
			for percent := 10; percent <= 100; percent += 45 {
				for k := 1.0; k <= 20; k++ {
					if slack, work := steady.Slack(s.Machine.Split(ways, percent, s.Machine.Cores*k/20)); slack >= RecoveredSlack {
						most = math.Max(most, work)
					}
				}
			}
		}
		if found.Work < most-s.Machine.Cores/80 {
			t.Errorf("%s: the search found %v cores of work, a grid %v", name, found.Work, most)
		}
	}
}

// Equal runs are equal, and the best static setting under the plant's noise is near what the search says: its work within a few percent.
func TestRunRepeats(t *testing.T) {
	t.Parallel()
	s, err := New("cpu", plant.Tuning, 1, plant.OnlyCPU)
	if err != nil {
		t.Fatal(err)
	}
	best, err := Search(s, s.Timeline[1].Conditions, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	var results [2]*Result
	for k := range results {
		if results[k], err = Run(s, "best", Static(best.Setting), best, false); err != nil {
			t.Fatal(err)
		}
	}
	if results[0].Work != results[1].Work || results[0].Recovery != results[1].Recovery || results[0].Violation != results[1].Violation {
		t.Errorf("two runs: %+v and %+v", results[0], results[1])
	}
	if r := results[0]; math.Abs(r.Share()-1) > 0.05 || r.Changes != 0 || r.Violation > 0.1 || r.Recovery > SoonSeconds {
		t.Errorf("the best static setting: %+v, share %v", r, r.Share())
	}
}
