package objectives_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
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
	t.Run("another target", func(t *testing.T) {
		next := successor(t, w, o.DeepCopy(), r, func(m *objectives.Memory) { m.Target *= 2 })
		if again := next.steps(1); again.Decision.Blind || again.Decision.Requests != 3000 {
			t.Errorf("blind %v, counts %v requests, want the 50/s of a minute", again.Decision.Blind, again.Decision.Requests)
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
