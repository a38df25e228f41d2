package objectives_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/objectives/status"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// successor is a world in which another process leads from now on, with what the last one remembered, as text.
func successor(t *testing.T, w *world, o *v1alpha1.LatencyObjective, r objectives.Report, change func(*objectives.Memory)) *world {
	t.Helper()
	text, err := json.Marshal(r.Memory())
	if err != nil {
		t.Fatal(err)
	}
	m, err := objectives.ReadMemory(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(m)
	}
	next := newWorld(t, o)
	next.now, next.newest, next.rate = w.now, w.newest, w.rate
	next.sizer = objectives.NewSizer(next, sizing.DefaultPeriods(), func(_ context.Context, asked *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
		if asked.UID != o.UID {
			t.Errorf("asked for the memory of %s", asked.Name)
		}
		return m, nil
	})
	return next
}

// TestMemory has another process decide by its first window, as the last one would have, and count on.
func TestMemory(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	r := w.steps(20)
	o.Status = status.Of(&o.Status, &r)
	next := successor(t, w, o.DeepCopy(), r, nil)
	again, same := next.steps(1), w.steps(1)
	next.want(again, "", allObjective)
	for i, v := range same.Workloads {
		if got := again.Workloads[i]; math.Abs(got.Target-v.Target) > 0.02*v.Target {
			t.Errorf("%s gets %v cores after a restart, %v without", v.Name, got.Target, v.Target)
		}
	}
	if again.Decision.Requests != same.Decision.Requests || !again.Counted.Equal(same.Counted) {
		t.Errorf("%v requests counted since %v after a restart, %v since %v without", again.Decision.Requests, again.Counted, same.Decision.Requests, same.Counted)
	}
}

// What is not about the same, or not sound, is learnt anew; the targets are held.
func TestMemoryOfAnother(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	r := w.steps(20)
	o.Status = status.Of(&o.Status, &r)
	for name, change := range map[string]func(*objectives.Memory){
		"entry":         func(m *objectives.Memory) { m.Entry.Operation = "GET /other" },
		"a day old":     func(m *objectives.Memory) { m.Newest = w.now.Add(-25 * time.Hour) },
		"of the future": func(m *objectives.Memory) { m.Newest = w.now.Add(time.Hour) },
		"version":       func(m *objectives.Memory) { m.Sizing.Version = 99 },
		"not a number":  func(m *objectives.Memory) { m.Sizing.Workloads[0].Law.Work = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			next := successor(t, w, o.DeepCopy(), r, change)
			again := next.steps(1)
			if !again.Decision.Blind || phases(again) != allHolding {
				t.Errorf("blind %v, %s; want to be blind and hold", again.Decision.Blind, phases(again))
			}
		})
	}
	t.Run("of a clock that is ahead", func(t *testing.T) {
		next := successor(t, w, o.DeepCopy(), r, func(m *objectives.Memory) { m.Newest = w.now.Add(5 * time.Second) })
		if again := next.steps(1); again.Decision.Blind {
			t.Error("what the last leader knew is thrown away for five seconds of an application's clock")
		}
	})
	t.Run("another target", func(t *testing.T) {
		next := successor(t, w, o.DeepCopy(), r, func(m *objectives.Memory) { m.Target *= 2 })
		if again := next.steps(1); again.Decision.Blind || again.Decision.Requests != 3000 {
			t.Errorf("blind %v, counts %v requests, want the 50/s of a minute", again.Decision.Blind, again.Decision.Requests)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		next, tries := newWorld(t, o.DeepCopy()), 0
		next.now, next.newest = w.now, w.newest
		next.sizer = objectives.NewSizer(next, sizing.DefaultPeriods(), func(context.Context, *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
			tries++
			_, err := objectives.ReadMemory("{")
			return nil, err
		})
		if again := next.steps(2); phases(again) != allHolding || again.Recalling || tries != 1 {
			t.Errorf("%s, recalling %v after %d tries; want to hold and to have given up", phases(again), again.Recalling, tries)
		}
	})
	t.Run("error", func(t *testing.T) {
		next := newWorld(t, o.DeepCopy())
		next.now, next.newest = w.now, w.newest
		next.sizer = objectives.NewSizer(next, sizing.DefaultPeriods(), func(context.Context, *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
			return nil, errors.New("the API server is away")
		})
		if again := next.steps(1); phases(again) != allHolding {
			t.Errorf("%s, want to hold", phases(again))
		}
	})
}

// TestRecallAgain has an API server that is away for some rounds: the last leader's memory is asked for again in the rounds 1, 3, 7 and 15 after
// the first, and is gone on from when it comes.
func TestRecallAgain(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	r := w.steps(20)
	o.Status = status.Of(&o.Status, &r)
	m := r.Memory()
	for _, away := range []int{1, 2} {
		next, tries := newWorld(t, o.DeepCopy()), 0
		next.now, next.newest, next.rate = w.now, w.newest, w.rate
		next.sizer = objectives.NewSizer(next, sizing.DefaultPeriods(), func(context.Context, *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
			if tries++; tries <= away {
				return nil, errors.New("the API server is away")
			}
			return &m, nil
		})
		rounds := 1<<away - 1 // that pass before the try that succeeds
		if again := next.steps(rounds); !again.Recalling || tries != away || !again.Decision.Blind || phases(again) != allHolding {
			t.Errorf("after %d rounds: recalling %v, %d tries, blind %v, %s; want to hold meanwhile",
				rounds, again.Recalling, tries, again.Decision.Blind, phases(again))
		}
		again := next.steps(1)
		next.want(again, "", allObjective)
		if again.Recalling || tries != away+1 || !again.Counted.Equal(r.Counted) {
			t.Errorf("away %d times: recalling %v, %d tries, counted since %v; want since %v", away, again.Recalling, tries, again.Counted, r.Counted)
		}
	}
}

// An API server that stays away: tries become rare and end, and what is learnt anew decides. Of two objectives one is tried in a round.
func TestRecallEnds(t *testing.T) {
	o := objective("a", nil)
	w := newWorld(t, o)
	var at []int
	round := 0
	w.sizer = objectives.NewSizer(w, sizing.DefaultPeriods(), func(context.Context, *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
		at = append(at, round)
		return nil, errors.New("the API server is away")
	})
	var last objectives.Report
	for ; round < 50; round++ {
		if last = w.steps(1); last.Recalling != (round <= 30) {
			t.Errorf("round %d: recalling %v", round, last.Recalling)
		}
	}
	if want := []int{0, 1, 3, 7, 15, 23}; !slices.Equal(at, want) {
		t.Errorf("tried in the rounds %v, want %v", at, want)
	}
	w.want(last, "", allObjective)

	tried := map[string]int{}
	s := objectives.NewSizer(w, sizing.DefaultPeriods(), func(_ context.Context, o *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
		tried[o.Name]++
		return nil, errors.New("the API server is away")
	})
	in := objectives.Input{Now: w.now, Mode: v1alpha1.ObjectiveActive, Objectives: []*v1alpha1.LatencyObjective{objective("b", nil), objective("c", nil)}}
	s.Begin(t.Context(), in)
	if tried["b"] != 1 || tried["c"] != 0 {
		t.Errorf("tried %v in the first round, want b alone", tried)
	}
}
