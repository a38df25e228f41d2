package resctrl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// PlanError is a plan that could not be carried out.
type PlanError struct {
	// Step is the operation that failed, from 1; one more than there are if all went well but the tree then showed other values.
	Step int
	// Err is why.
	Err error
	// Rollback is why the tree could not be brought back to what it was before the plan; nil: it is as before.
	Rollback error
}

func (e *PlanError) Error() string {
	back := "the groups are as before"
	if e.Rollback != nil {
		back = fmt.Sprintf("and the way back failed too, look at the groups: %v", e.Rollback)
	}
	return fmt.Sprintf("step %d: %v; %s", e.Step, e.Err, back)
}

// Unwrap gives the cause.
func (e *PlanError) Unwrap() error { return e.Err }

// Apply carries a plan out, step by step, and compares the tree with the planned state at the end. It refuses to start with [ErrStale]
// where the groups that the plan starts from, or what the machine divides, have changed. If a step fails, the steps before it are undone from
// the state as it then is; the error is a [*PlanError].
func Apply(t Tree, p partition.Plan) error {
	now, err := Read(t)
	if err != nil {
		return err
	}
	if !sameDivision(p.Capacity, now.Capacity) { // a cache came or went, or info could not be read when the plan was made
		return fmt.Errorf("%w: the machine divides other resources or domains", ErrStale)
	}
	if changes := schemata.Difference(ownedOf(p), now.State); len(changes) > 0 {
		return fmt.Errorf("%w: %s", ErrStale, strings.Join(changes, "; "))
	}
	step, err := carryOut(t, p)
	if err == nil {
		return nil
	}
	return &PlanError{Step: step, Err: err, Rollback: rollBack(t, p)}
}

// sameDivision says whether two readings of a machine show the same resources in the same domains.
func sameDivision(a, b schemata.Capacity) bool {
	return slices.EqualFunc(a.Resources, b.Resources, func(a, b schemata.Resource) bool {
		return a.Name == b.Name && slices.Equal(a.Domains, b.Domains)
	})
}

// ownedOf is the state before the plan as far as it is Ballast's: its own groups, and the default group if the plan changes it.
func ownedOf(p partition.Plan) schemata.State {
	var s schemata.State
	for _, g := range p.Before.Groups {
		if schemata.Owned(g.Name) {
			s.Groups = append(s.Groups, g)
			continue
		}
		for _, o := range p.Operations {
			if o.Action == partition.Write && o.Group == g.Name {
				s.Put(g)
			}
		}
	}
	return s
}

// carryOut does the operations and returns the number of the one that failed.
func carryOut(t Tree, p partition.Plan) (int, error) {
	moved := map[string]bool{}
	for i, o := range p.Operations {
		moved[o.Group] = moved[o.Group] || o.Action == partition.Move
		if o.Action == partition.Remove && !moved[o.Group] {
			if err := empty(t, o.Group); err != nil {
				return i + 1, err
			}
		}
		if err := do(t, p.Capacity, o); err != nil {
			return i + 1, err
		}
	}
	now, err := Read(t)
	if err != nil {
		return len(p.Operations) + 1, err
	}
	want := p
	want.Before = p.After
	if different := schemata.Difference(ownedOf(want), now.State); len(different) > 0 {
		return len(p.Operations) + 1, fmt.Errorf("%w: %s", ErrReadBack, strings.Join(different, "; "))
	}
	return 0, nil
}

// empty refuses with [ErrStale] a group that threads were placed in since the plan was made: with the group they would fall to the default
// group unasked. The kernel removes a group with its threads, so that a moment between this look and the removal stays open.
func empty(t Tree, group string) error {
	ids, err := Tasks(t, group)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		return fmt.Errorf("%w: %s was empty and has %d threads", ErrStale, group, len(ids))
	}
	return nil
}

func do(t Tree, c schemata.Capacity, o partition.Operation) error {
	switch o.Action {
	case partition.Create:
		return CreateGroup(t, o.Group)
	case partition.Write:
		return WriteSchemata(t, c, o.Group, o.Values)
	case partition.Move:
		return MoveTasks(t, o.Group, o.To)
	case partition.Remove:
		return RemoveGroup(t, o.Group)
	}
	return fmt.Errorf("unknown action %d", o.Action)
}

// rollBack brings the groups back to the state before the plan. It moves no threads: a group that has got some meanwhile stays. A group that the
// plan removed and that cannot be made again, as its monitoring id is still draining, is given up, and the others are brought back all the same.
func rollBack(t Tree, p partition.Plan) error {
	before := p.Before.Clone()
	if _, changed := ownedOf(p).Group(schemata.DefaultGroup); !changed {
		before.Drop(schemata.DefaultGroup)
	}
	var lost []error
	for {
		now, err := Read(t)
		if err != nil {
			return errors.Join(append(lost, err)...)
		}
		back := partition.Restore(now.Capacity, now.State, before, false)
		step, err := carryOut(t, back)
		if err == nil || step > len(back.Operations) || back.Operations[step-1].Action != partition.Create {
			return errors.Join(append(lost, err)...)
		}
		lost = append(lost, err)
		before.Drop(back.Operations[step-1].Group)
	}
}
