package sizing_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// geo is what a decision gives shop/geo.
func geo(t *testing.T, d sizing.Decision) sizing.Allocation {
	t.Helper()
	for _, a := range d.Allocations {
		if a.Workload == "shop/geo" {
			return a
		}
	}
	t.Fatalf("no allocation of shop/geo: %s", d.BlindMessage)
	return sizing.Allocation{}
}

// geoState is what is remembered of shop/geo.
func (w *world) geoState() sizing.WorkloadState {
	for _, s := range w.control.State().Workloads {
		if s.Workload == "shop/geo" {
			return s
		}
	}
	return sizing.WorkloadState{}
}

// neighbour slows shop/geo down for some minutes, after an hour without; told says whether the nodes' agents see it. It returns the decisions
// of these minutes, after the one before.
func neighbour(t *testing.T, w *world, slowdown float64, minutes int, told bool) []sizing.Decision {
	t.Helper()
	var list []sizing.Decision
	for range 60 {
		list = []sizing.Decision{w.step()}
	}
	quiet := w.parts[1].work
	w.parts[1].work *= slowdown
	if told {
		w.seen = func(o *sizing.Observation) { o.Services[1].Slowdown = slowdown }
	}
	for range minutes {
		list = append(list, w.step())
	}
	w.parts[1].work, w.seen = quiet, nil
	return list
}

// TestNeighbour: a neighbour of eight minutes that is seen raises no request and teaches nothing for good; one that is not seen does.
func TestNeighbour(t *testing.T) {
	const slowdown = 1.3
	told, untold := newWorld(t), newWorld(t)
	with := neighbour(t, told, slowdown, 8, true)
	before := geo(t, with[0])
	for i, d := range with[1:] {
		a := geo(t, d)
		if a.Target > 1.03*before.Target {
			t.Errorf("minute %d: %v cores, %v before the neighbour", i, a.Target, before.Target)
		}
		if !strings.Contains(a.Reason, "neighbours make its instructions 1.3 times as slow") {
			t.Errorf("minute %d: reason %q", i, a.Reason)
		}
	}
	// What is predicted has it in it: work of 8 ms at 1.3 times of it is longer by more than that, and geo is a part of the whole.
	last := with[len(with)-1]
	if !(last.Predicted.Value > 1.03*with[0].Predicted.Value) {
		t.Errorf("predicts %v with the neighbour, %v before", last.Predicted.Value, with[0].Predicted.Value)
	}
	if got := told.geoState(); math.Abs(got.Law.Work/0.008-1) > 0.01 || got.Exponent.Squares == 0 {
		t.Errorf("work of a call is %v core-seconds after the neighbour, want 0.008; exponent %+v", got.Law.Work, got.Exponent)
	}
	next := sizing.New(sizing.Objective{Name: "page", Percentile: p99, Target: target}, sizing.DefaultPeriods(), time.Hour)
	if err := next.Restore(told.control.State()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(told.control.State().Workloads, next.State().Workloads); diff != "" {
		t.Errorf("the next leader knows (-this +next):\n%s", diff)
	}
	after := geo(t, told.step())
	if after.Target > 1.03*before.Target || strings.Contains(after.Reason, "neighbours") {
		t.Errorf("%v cores after the neighbour, %v before: %s", after.Target, before.Target, after.Reason)
	}
	without := neighbour(t, untold, slowdown, 8, false)
	if got := geo(t, without[len(without)-1]).Target; got < 1.1*geo(t, without[0]).Target {
		t.Errorf("%v cores with a neighbour that nobody sees, %v before: the test shows nothing", got, geo(t, without[0]).Target)
	}
}

// TestNeighbourStays: what lasts longer than ten minutes is sized for, and given back once it ends.
func TestNeighbourStays(t *testing.T) {
	w := newWorld(t)
	list := neighbour(t, w, 1.3, 30, true)
	before, during := geo(t, list[0]).Target, geo(t, list[len(list)-1]).Target
	if got := geo(t, list[8]).Target; got > 1.03*before {
		t.Errorf("%v cores after eight minutes, %v before", got, before)
	}
	if during < 1.15*before {
		t.Errorf("%v cores after half an hour, %v before: a call takes 1.3 times the CPU", during, before)
	}
	var after float64
	for range 40 {
		after = geo(t, w.step()).Target
	}
	if after > 1.06*before {
		t.Errorf("%v cores forty minutes after the neighbour, %v before", after, before)
	}
	// Under processor sharing times grow by more than the work does.
	if gamma, low, high := w.geoState().Exponent.Value(); !(gamma > 1 && low < gamma && gamma < high) {
		t.Errorf("exponent %v [%v, %v], want more than 1", gamma, low, high)
	}
}

// TestSlowdownIsBounded: what a node reports asks for ten times the CPU at most, however long, and not at once.
func TestSlowdownIsBounded(t *testing.T) {
	w := newWorld(t)
	for range 60 {
		w.step()
	}
	before := geo(t, w.step())
	w.seen = func(o *sizing.Observation) { o.Services[1].Slowdown = 2e6 }
	for minute := range 20 {
		a := geo(t, w.step())
		if !strings.Contains(a.Reason, "neighbours make its instructions 10 times as slow") || a.Target > 10*before.Target {
			t.Fatalf("minute %d: %v cores, %v before: %s", minute, a.Target, before.Target, a.Reason)
		}
	}
}
