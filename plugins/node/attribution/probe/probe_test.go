package probe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
)

// play runs a probe with a reading each 2 s. excess says by how much the victim exceeds its usual in each part; 9 stands for no reading.
func play(spread float64, excess ...float64) (probe.Outcome, string, probe.State, time.Duration) {
	s := probe.Start(0, spread, 42)
	for now := 2 * time.Second; now < 5*time.Minute; now += 2 * time.Second {
		x := excess[min(s.Part, len(excess)-1)]
		r := &probe.Reading{Excess: x, Value: 1 + x, Beyond: x > 0.2}
		if x == 9 {
			r = nil
		}
		if outcome, why := s.Step(now, r); outcome != probe.Running {
			return outcome, why, s, now
		}
	}
	return probe.Running, "", s, 5 * time.Minute
}

// With a spread of 0.1 each change must be 0.06 or 0.3 of the first excess at least, and their mean 0.125; from 0.2 on it is clear after
// two turns.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		excess  []float64
		outcome probe.Outcome
		why     string
		part    int
	}{
		"falls and rises with the suspect": {[]float64{0.5, 0, 0.5, 0}, probe.Confirmed, "", 3},
		"half of it is another's":          {[]float64{0.5, 0.29, 0.5, 0.29}, probe.Confirmed, "", 3},
		"does not care":                    {[]float64{0.5, 0.5}, probe.Acquitted, "", 1},
		"cares little":                     {[]float64{0.5, 0.4}, probe.Inconclusive, "too little", 1},
		"better before":                    {[]float64{0.1}, probe.Inconclusive, "by itself", 0},
		"stays better":                     {[]float64{0.5, 0, 0}, probe.Inconclusive, "stayed better", 2},
		"not the second time":              {[]float64{0.5, 0, 0.5, 0.5}, probe.Inconclusive, "too little", 3},
		"gets worse":                       {[]float64{0.5, 0.9}, probe.Inconclusive, "worse", 1},
		"readings stop":                    {[]float64{0.5, 9}, probe.Inconclusive, "stopped", 1},
		"small changes within the noise":   {[]float64{0.25, 0.13, 0.25, 0.13}, probe.Inconclusive, "too little", 3},
		"weak, three times":                {[]float64{0.25, 0.1, 0.25, 0.1, 0.25, 0.1}, probe.Confirmed, "", 5},
		"weak, twice":                      {[]float64{0.25, 0.1, 0.25, 0.1, 0.25, 0.25}, probe.Inconclusive, "too little", 5},
	} {
		outcome, why, s, now := play(0.1, c.excess...)
		if outcome != c.outcome || !strings.Contains(why, c.why) || s.Part != c.part {
			t.Errorf("%s: %q because %q in part %d after %v, want %q because %q in part %d", name, outcome, why, s.Part, now, c.outcome, c.why, c.part)
		}
		if held := s.Effect(now).For; held > 63*time.Second {
			t.Errorf("%s: held for %v", name, held)
		}
	}
}

// A suspect is held down twice for 10 to 20 s, once reading that crosses the end more, whatever the seed.
func TestHeldShortly(t *testing.T) {
	t.Parallel()
	lengths := map[time.Duration]bool{}
	for seed := range uint64(200) {
		s, held := probe.Start(0, 0.1, seed), [4]time.Duration{}
		for now := time.Second; ; now += time.Second {
			if s.Held() {
				held[s.Part] += time.Second
			}
			x := 0.5 - 0.5*float64(s.Part%2)
			if outcome, _ := s.Step(now, &probe.Reading{Excess: x, Beyond: x > 0}); outcome != probe.Running {
				if outcome != probe.Confirmed {
					t.Fatalf("seed %d: %v", seed, outcome)
				}
				break
			}
		}
		for _, part := range []int{1, 3} {
			lengths[held[part]] = true
			if held[part] < 10*time.Second || held[part] > 20*time.Second {
				t.Errorf("seed %d: held for %v", seed, held[part])
			}
		}
	}
	if len(lengths) != 7 {
		t.Errorf("%d different lengths, want 7 from 14 to 20 s", len(lengths))
	}
}

// Without any step a probe that resumes much later ends, so that nobody stays held down.
func TestEndsAfterAPause(t *testing.T) {
	t.Parallel()
	s := probe.Start(0, 0.1, 1)
	if outcome, _ := s.Step(time.Minute, &probe.Reading{Excess: 0.5, Beyond: true}); outcome != probe.Inconclusive {
		t.Errorf("%q after a pause of a minute", outcome)
	}
	var none probe.State
	if outcome, _ := none.Step(1, nil); outcome != probe.Inconclusive || none.Held() {
		t.Errorf("%q without a probe, held: %v", outcome, none.Held())
	}
}

// A victim that follows within 4 s, while readings are left out, is clear after two turns. One that follows 8 s late, 2 readings of some 6 after settling, may have come and gone by itself: a third turn decides.
func TestLateFollowerTakesAThirdTurn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		late time.Duration
		part int
	}{{4 * time.Second, 3}, {8 * time.Second, 5}} {
		s := probe.Start(0, 0.05, 7)
		outcome, now := probe.Running, time.Duration(0)
		for outcome == probe.Running {
			now += 2 * time.Second
			x := 0.5
			if held := s.Held(); held != (now-s.Changed < c.late && s.Part > 0) {
				x = 0
			}
			outcome, _ = s.Step(now, &probe.Reading{Excess: x, Beyond: x > 0.2})
		}
		if outcome != probe.Confirmed || s.Part != c.part {
			t.Errorf("late by %v: %q in part %d, want Confirmed in part %d", c.late, outcome, s.Part, c.part)
		}
		if e := s.Effect(now); e.Turns != (c.part+1)/2 {
			t.Errorf("late by %v: %d turns", c.late, e.Turns)
		}
	}
}

// Readings within 4 s of a change are left out.
func TestSettling(t *testing.T) {
	t.Parallel()
	s := probe.Start(0, 0.05, 7)
	for now := time.Second; s.Part < 2; now += time.Second {
		kept := len(s.Readings[s.Part])
		part, changed := s.Part, s.Changed
		s.Step(now, &probe.Reading{Excess: 0.5 - 0.5*float64(part), Beyond: part == 0})
		if got := len(s.Readings[part]) > kept; got != (now-changed >= 4*time.Second) {
			t.Errorf("part %d, %v after it began: kept %v", part, now-changed, got)
		}
	}
}
