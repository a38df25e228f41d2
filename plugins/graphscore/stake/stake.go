package stake

import (
	"cmp"
	"math"
	"slices"
)

// Model is what is known of one objective.
type Model struct {
	// Namespace and Name are the objective's; its workloads are of that namespace.
	Namespace, Name string
	// Percentile is in per cent, Target in seconds, above 0.
	Percentile, Target float64
	Workloads          []Workload
	Calls              []Call
	// Network is what a call costs on its way, in seconds by Distance; NaN where that is not known.
	Network [Distances]float64
}

// Workload is a workload's part in an objective.
type Workload struct {
	Name string
	// Pods is their number, at least 1, Slowdown what the percentile grows per unit of ln(slowdown) of all of them, seconds, at least 0.
	Pods     int
	Slowdown float64
}

// Call is the calls of one workload by another: Critical of them on the critical path of a request.
type Call struct {
	From, To string
	Critical float64
}

// Key names a workload in the cluster.
type Key struct{ Namespace, Name string }

// Stakes is what objectives have at stake in one pod of a workload.
type Stakes struct {
	// Slowdown is lost per unit of ln(slowdown) of the pod, by all objectives together.
	Slowdown float64
	// Parts are the objectives, the one with the largest part first.
	Parts []Part
	// Links are the calls that have a way.
	Links []Link
}

// Part is one objective's part in Stakes.Slowdown.
type Part struct {
	Model    *Model
	Slowdown float64
}

// Link is the calls between the pod and another workload. Cost is lost by distance if all pods of the peer are so far away.
type Link struct {
	Peer Key
	Cost [Distances]float64
}

// Table is the stakes of all workloads. It does not change.
type Table struct {
	of map[Key]*Stakes
}

// NewTable adds up what the models say. What is out of range in a model counts for nothing: no target, no pods, numbers that are none.
func NewTable(models []Model) *Table {
	t := &Table{of: make(map[Key]*Stakes)}
	for i := range models {
		if m := &models[i]; m.Target > 0 {
			t.add(m)
		}
	}
	for _, s := range t.of {
		slices.SortStableFunc(s.Parts, func(a, b Part) int { return cmp.Compare(b.Slowdown, a.Slowdown) })
	}
	return t
}

// Of returns the stakes in a pod of the workload, nil where no objective has any.
func (t *Table) Of(workload Key) *Stakes { return t.of[workload] }

// Workloads returns how many workloads some objective has a stake in.
func (t *Table) Workloads() int { return len(t.of) }

func (t *Table) add(m *Model) {
	pods := make(map[string]int, len(m.Workloads))
	for _, w := range m.Workloads {
		if w.Pods < 1 || !(w.Slowdown >= 0) || math.IsInf(w.Slowdown, 1) {
			continue
		}
		pods[w.Name] = w.Pods
		s := t.stakes(Key{m.Namespace, w.Name})
		lost := w.Slowdown / (float64(w.Pods) * m.Target)
		s.Slowdown += lost
		s.Parts = append(s.Parts, Part{Model: m, Slowdown: lost})
	}
	cost := farther(m.Network)
	if cost[OtherZone] == 0 {
		return // as far as is known, every way is as long
	}
	for _, c := range m.Calls {
		if pods[c.From] == 0 || pods[c.To] == 0 || c.From == c.To || !(c.Critical > 0) || math.IsInf(c.Critical, 1) {
			continue
		}
		t.link(m, c.From, c.To, pods[c.From], c.Critical, cost)
		t.link(m, c.To, c.From, pods[c.To], c.Critical, cost)
	}
}

// link gives a pod of one workload its part, 1 in so many pods, in the calls between it and a peer.
func (t *Table) link(m *Model, workload, peer string, pods int, calls float64, cost [Distances]float64) {
	l := Link{Peer: Key{m.Namespace, peer}}
	for d := range cost {
		l.Cost[d] = calls / (float64(pods) * m.Target) * cost[d]
	}
	s := t.stakes(Key{m.Namespace, workload})
	s.Links = append(s.Links, l)
}

func (t *Table) stakes(k Key) *Stakes {
	if t.of[k] == nil {
		t.of[k] = &Stakes{}
	}
	return t.of[k]
}
