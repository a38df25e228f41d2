package partition

import (
	"fmt"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition/layout"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Action is what an operation does.
type Action int

// The actions, in the words of the files that do them.
const (
	// Create makes the group's directory (mkdir).
	Create Action = iota + 1
	// Write sets the stated values of the group in one write of its schemata file.
	Write
	// Move writes the group's threads to the tasks file of group To.
	Move
	// Remove removes the group's directory (rmdir), with its monitor groups.
	Remove
)

// Operation is one step of a plan.
type Operation struct {
	Action Action
	Group  string
	// To is the group that a Move brings the threads to.
	To string
	// Values are what a Write sets; what is not stated stays.
	Values schemata.Values
}

// Plan is what to do, in order, to come from one state to another.
type Plan struct {
	Capacity schemata.Capacity
	// Before is the state the plan starts from. After is the one it ends in: values of groups that it creates are stated only as far as
	// it writes them.
	Before, After schemata.State
	Operations    []Operation
	// Notes are what an operator should know: who shares ways with whom, which limits are rounded, what is kept, what cannot be undone.
	Notes []string
}

// New plans the way from the groups that are there to the wanted partitions. Groups of ours that are no longer wanted are removed; their
// threads are moved to the default group first if moveTasks is set, else a group that holds threads stays as it is, with a note, and keeps
// its class and its ways. The order of the list matters where the planner places ways: first come those that lie farthest
// from the ways that devices share.
func New(c schemata.Capacity, have schemata.State, partitions []Partition, moveTasks bool) (Plan, error) {
	if err := checkNames(partitions); err != nil {
		return Plan{}, err
	}
	kept := occupied(have, partitions, moveTasks)
	want, err := target(c, have, partitions, kept)
	if err != nil {
		return Plan{}, err
	}
	p := between(c, have, want)
	p.Notes = append(p.Notes, keptNotes(kept)...)
	p.Notes = append(p.Notes, lostNotes(c, have)...)
	p.Notes = append(p.Notes, sharing(c, p.After, kept)...)
	p.Notes = append(p.Notes, roundings(c, partitions)...)
	return p, nil
}

// occupied are the groups of ours that are not wanted but hold threads, unless their threads are to be moved.
func occupied(have schemata.State, partitions []Partition, moveTasks bool) []string {
	var kept []string
	for _, g := range have.Groups {
		wanted := slices.ContainsFunc(partitions, func(p Partition) bool { return p.group() == g.Name })
		if schemata.Owned(g.Name) && !wanted && !moveTasks && g.Tasks > 0 {
			kept = append(kept, g.Name)
		}
	}
	return kept
}

func keptNotes(kept []string) []string {
	var notes []string
	for _, name := range kept {
		notes = append(notes, fmt.Sprintf("%s is no longer wanted but holds threads: it stays as it is.", name))
	}
	return notes
}

// lostNotes name the domains in which nothing can be divided.
func lostNotes(c schemata.Capacity, have schemata.State) []string {
	all := fields{index: map[string]*layout.Field{}}
	for _, r := range c.Resources {
		for _, d := range r.Domains {
			if r.Cache != nil {
				all.field(have, r, d)
			}
		}
	}
	var notes []string
	for _, f := range all.list {
		if f.Lost() {
			notes = append(notes, fmt.Sprintf("%s domain %d stays as it is: a group of others in mode exclusive holds all of it.", f.Name, f.Domain))
		}
	}
	return notes
}

// Restore plans the way from the groups that are there to an earlier state: groups of ours that it did not have go, those it had come
// back, and values return, those of the default group too. Groups of others are not touched. Threads of groups that go are moved to the
// default group if moveTasks is set, else the group stays, with a note. Values of domains that the machine no longer has are left out.
func Restore(c schemata.Capacity, have, before schemata.State, moveTasks bool) Plan {
	before = before.Clone()
	var kept []string
	for _, g := range have.Groups {
		_, was := before.Group(g.Name)
		if schemata.Owned(g.Name) && !was && !moveTasks && g.Tasks > 0 {
			kept = append(kept, g.Name)
			before.Put(g)
		}
	}
	p := between(c, have, before)
	p.Notes = append(p.Notes, keptNotes(kept)...)
	return p
}

// StateAfter is the state after the first n operations.
func (p Plan) StateAfter(n int) schemata.State {
	s := p.Before.Clone()
	for _, o := range p.Operations[:min(n, len(p.Operations))] {
		apply(&s, o)
	}
	return s
}

// apply does one operation on a state as the kernel would. The masks of a created group are the kernel's choice: they are not stated.
func apply(s *schemata.State, o Operation) {
	g, _ := s.Group(o.Group)
	switch o.Action {
	case Create:
		s.Put(schemata.Group{Name: o.Group, Mode: "shareable"})
	case Write:
		g.Schemata = g.Schemata.Overlay(o.Values)
		s.Put(g)
	case Move:
		to, _ := s.Group(o.To)
		to.Tasks += g.Tasks
		g.Tasks = 0
		s.Put(to)
		s.Put(g)
	case Remove:
		s.Drop(o.Group)
	}
}

// Undo plans the way back to Before from the state after the first done operations, if nothing else has changed since; where something
// may have, read the state anew and use [Restore]. Threads that were moved stay where they are: nobody knows which of them belonged where.
func (p Plan) Undo(done int) Plan {
	u := Restore(p.Capacity, p.StateAfter(done), p.Before, true)
	for _, o := range p.Operations[:min(done, len(p.Operations))] {
		if g, ok := p.Before.Group(o.Group); ok && o.Action == Move {
			u.Notes = append(u.Notes, fmt.Sprintf("The %d threads of %s are not moved back to it.", g.Tasks, o.Group))
		}
	}
	return u
}

// between orders the operations from one state to another. Only groups of ours and the default group may differ.
func between(c schemata.Capacity, from, to schemata.State) Plan {
	p := Plan{Capacity: c, Before: from}
	var gone []string
	for _, g := range from.Groups {
		if _, stays := to.Group(g.Name); stays || !schemata.Owned(g.Name) {
			continue
		}
		if g.Tasks > 0 {
			p.Operations = append(p.Operations, Operation{Action: Move, Group: g.Name, To: schemata.DefaultGroup})
		}
		p.Operations = append(p.Operations, Operation{Action: Remove, Group: g.Name})
		gone = append(gone, g.Name)
	}
	t := newTransition(c, from, to, gone)
	t.run()
	p.Operations = append(p.Operations, t.operations...)
	p.Notes = append(p.Notes, t.notes...)
	p.After = p.StateAfter(len(p.Operations))
	return p
}
