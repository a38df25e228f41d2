package attribution_test

import (
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

// A restarted agent knows the pairs that it had confirmed and those that it suspects. Of eight probes an hour, one is free after an eighth of
// an hour, two after two of them, whatever was probed before.
func TestResume(t *testing.T) {
	now := 100 * time.Hour
	culprit := name(0)
	confirmed := attribution.Finding{
		Victim: victim, Culprit: &culprit, Resource: attribution.CPU, State: attribution.Confirmed, Evidence: "it was so", Since: now - time.Hour,
		LastSeen: now - time.Minute,
	}
	suspected := attribution.Finding{
		Victim: name(7), Resource: attribution.LLC, State: attribution.Suspected, Evidence: "it may be", Since: now - 3*time.Minute, LastSeen: now - time.Minute,
	}
	future, nobody, unsure := confirmed, confirmed, confirmed
	future.LastSeen, nobody.Victim, unsure.Culprit = now+time.Hour, attribution.Key{}, nil
	s := attribution.Resume([]attribution.Finding{confirmed, suspected, future, nobody, unsure}, now)
	if len(s.Findings) != 2 {
		t.Fatalf("findings %+v", s.Findings)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		after time.Duration
		free  int
	}{{0, 0}, {7 * time.Minute, 0}, {8 * time.Minute, 1}, {16 * time.Minute, 2}, {61 * time.Minute, 8}} {
		free := attribution.Budget
		for _, trial := range s.Tried {
			if now+c.after-trial.Began <= time.Hour {
				free--
			}
		}
		if free != c.free {
			t.Errorf("after %v %d probes may begin, want %d", c.after, free, c.free)
		}
	}
	quiet := func(at time.Duration) {
		attribution.Step(&s, attribution.Input{Now: at, Readings: []attribution.Reading{{Container: victim, Sensitive: true, Entitled: 1, Cores: new(0.5), Delay: new(0.1)}}})
	}
	quiet(now + 2*time.Second)
	if len(s.Findings) != 2 || s.Findings[0].Since == 0 {
		t.Errorf("after the first step: %+v", s.Findings)
	}
	quiet(now + 9*time.Minute)
	if len(s.Findings) != 2 {
		t.Errorf("10 min after it was seen last: %+v", s.Findings)
	}
	quiet(now + 9*time.Minute + 30*time.Second) // not 10 min from the restart
	if len(s.Findings) != 1 || s.Findings[0].State != attribution.Confirmed {
		t.Errorf("after 10.5 min: %+v", s.Findings)
	}
	quiet(now + 30*time.Minute)
	if len(s.Findings) != 0 {
		t.Errorf("half an hour after it was seen last: %+v", s.Findings)
	}
}

// Findings of one victim that were seen last at the same time stand in the order of the culprits, whatever was found first: else the status would
// change with each restart.
func TestOrderOfFindings(t *testing.T) {
	now, a, b := 100*time.Hour, name(0), name(1)
	finding := func(culprit *attribution.Key, state attribution.Certainty, ago time.Duration) attribution.Finding {
		return attribution.Finding{
			Victim: victim, Culprit: culprit, Resource: attribution.CPU, State: state, Since: now - time.Hour, LastSeen: now - ago,
		}
	}
	want := []attribution.Finding{
		finding(nil, attribution.Suspected, time.Minute), finding(&a, attribution.Confirmed, time.Minute), finding(&b, attribution.Confirmed, time.Minute),
		finding(&a, attribution.Confirmed, 2*time.Minute),
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}} {
		var found []attribution.Finding
		for _, i := range order {
			found = append(found, want[i])
		}
		s := attribution.Resume(found, now)
		attribution.Step(&s, attribution.Input{Now: now + 2*time.Second})
		for i, f := range s.Findings {
			if f.LastSeen != want[i].LastSeen || (f.Culprit == nil) != (want[i].Culprit == nil) || f.Culprit != nil && *f.Culprit != *want[i].Culprit {
				t.Errorf("order %v, place %d: %+v", order, i, f)
			}
		}
	}
}

// A confirmed pair of before a restart stands on when the victim is slowed down again while its culprit works, and is not probed again; a
// culprit that rests is not blamed.
func TestResumedPair(t *testing.T) {
	for _, busy := range []bool{true, false} {
		w := newWorld(3)
		w.ownEvery, w.outliers = 0, 0
		w.neighbours = w.neighbours[:1]
		w.neighbours[0] = neighbour{cores: 2, factor: 1, perCore: 500, bytes: 1e7, steady: true}
		culprit := name(0)
		s := attribution.Resume([]attribution.Finding{{
			Victim: victim, Culprit: &culprit, Resource: attribution.CPU, State: attribution.Confirmed, Since: w.now - time.Hour, LastSeen: w.now,
		}}, w.now)
		w.run(&s, 10*time.Minute, nil) // learns
		if !busy {
			w.neighbours[0].cores = 0.05
			w.run(&s, time.Minute, nil)
		}
		w.resource, w.culprit, w.magnitude = attribution.CPU, 0, 2
		began := w.now
		w.run(&s, 2*time.Minute, func(r attribution.Result) {
			if r.Hold != nil {
				t.Errorf("busy %v: the culprit is probed", busy)
			}
		})
		seen := false
		for _, f := range s.Findings {
			seen = seen || f.State == attribution.Confirmed && f.LastSeen > began
		}
		if seen != busy {
			t.Errorf("busy %v: %+v", busy, s.Findings)
		}
	}
}

// Bars need 150 readings, of which the latest ten are still being looked at: with one each 2 s, after 200 s there are 90.
func TestLearning(t *testing.T) {
	var s attribution.State
	w := newWorld(5)
	if _, _, _, learning := s.Learning(); learning {
		t.Error("a state of no container learns")
	}
	w.run(&s, 200*time.Second, nil)
	if c, have, need, learning := s.Learning(); !learning || c != victim || have < 88 || have > 90 || need != 150 {
		t.Errorf("%s has %d of %d", c, have, need)
	}
	w.run(&s, 200*time.Second, nil)
	if c, have, need, learning := s.Learning(); learning {
		t.Errorf("%s has %d of %d", c, have, need)
	}
}

// While settings change no probe begins; one that has begun goes on.
func TestWait(t *testing.T) {
	var s attribution.State
	w := newWorld(3)
	w.ownEvery, w.outliers, w.neighbours = 0, 0, w.neighbours[:1]
	w.run(&s, 20*time.Minute, nil)
	w.resource, w.culprit, w.magnitude = attribution.CPU, 0, 2
	var result attribution.Result
	waits := func(length time.Duration, wait bool) (held bool) {
		for end := w.now + length; w.now < end; {
			in := w.step(result.Hold)
			in.Wait = wait
			result = attribution.Step(&s, in)
			held = held || result.Hold != nil
		}
		return held
	}
	if waits(3*time.Minute, true) || s.Probing() != nil {
		t.Error("a probe began")
	}
	if waits(30*time.Second, false); s.Probing() == nil {
		t.Fatalf("no probe began: %+v", s.Findings)
	}
	began := s.Probing().Began
	if waits(20*time.Second, true); s.Probing() == nil || s.Probing().Began != began {
		t.Errorf("the probe ended: %+v", s.Tried)
	}
}
