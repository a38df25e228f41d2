package constraints

import (
	"fmt"
	"slices"
)

// Set is constraints compiled for the classes of containers at hand. It is immutable and safe for concurrent use.
type Set struct {
	constraints []Constraint
	groups      []string // in the order of first use, Node first
	by          [][]rule // by group
	classes     int
}

// rule is a constraint over classes.
type rule struct {
	constraint int
	subjects   []int  // classes that carry all subject tags
	targets    []int  // classes that carry all target tags
	self       []bool // by subject: whether it is among the targets, and so one of those counted is the container itself
}

// Compile compiles constraints for classes of containers, given by their tags. A constraint whose subject no class carries costs
// nothing; Idle tells of it. A target that no class carries is just never there.
func Compile(all []Constraint, tags [][]string) (*Set, error) {
	if len(all) > maxConstraints {
		return nil, fmt.Errorf("%d constraints, expected at most %d", len(all), maxConstraints)
	}
	s := &Set{constraints: slices.Clone(all), groups: []string{Node}, by: make([][]rule, 1), classes: len(tags)}
	for i, c := range all {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("constraint %d: %w", i+1, err)
		}
		g := slices.Index(s.groups, c.Group)
		if g < 0 {
			g = len(s.groups)
			s.groups, s.by = append(s.groups, c.Group), append(s.by, nil)
		}
		r := rule{constraint: i, subjects: carrying(tags, c.Subject), targets: carrying(tags, c.Target)}
		for _, class := range r.subjects {
			r.self = append(r.self, slices.Contains(r.targets, class))
		}
		if len(r.subjects) > 0 {
			s.by[g] = append(s.by[g], r)
		}
	}
	return s, nil
}

// carrying are the classes that carry all the tags.
func carrying(classes [][]string, tags []string) []int {
	var found []int
	for class, carried := range classes {
		if !slices.ContainsFunc(tags, func(tag string) bool { return !slices.Contains(carried, tag) }) {
			found = append(found, class)
		}
	}
	return found
}

// At is the constraint of an index.
func (s *Set) At(i int) Constraint { return s.constraints[i] }

// Classes is how many classes of containers the set was compiled for.
func (s *Set) Classes() int { return s.classes }

// Groups are the node groups that constraints speak of, Node first.
func (s *Set) Groups() []string { return s.groups }

// Idle are the constraints, as indices, whose subject no class carries.
func (s *Set) Idle() []int {
	used := make([]bool, len(s.constraints))
	for _, rules := range s.by {
		for _, r := range rules {
			used[r.constraint] = true
		}
	}
	var idle []int
	for i := range used {
		if !used[i] {
			idle = append(idle, i)
		}
	}
	return idle
}

// Cost is what the containers of one node group cost: counts by class on the node for group Node, on all its nodes together for
// others. 0 for a group that no constraint speaks of. It allocates nothing.
func (s *Set) Cost(group string, counts []int) float64 {
	g := slices.Index(s.groups, group)
	if g < 0 {
		return 0
	}
	sum := 0.0
	for i := range s.by[g] {
		r := &s.by[g][i]
		c := &s.constraints[r.constraint]
		there := r.there(counts)
		for j, class := range r.subjects {
			if n := counts[class]; n > 0 {
				sum += c.Weight * float64(n*c.off(there, r.self[j]))
			}
		}
	}
	return sum
}

// there is the number of containers that the targets have.
func (r *rule) there(counts []int) int {
	n := 0
	for _, class := range r.targets {
		n += counts[class]
	}
	return n
}

// off is how many containers are missing or too many for one container of the subject, which is among them itself or not.
func (c *Constraint) off(there int, self bool) int {
	if self {
		there--
	}
	return max(c.Least-there, there-c.Most, 0)
}

// Broken is a constraint that a node group does not keep.
type Broken struct {
	// Constraint is the index of the constraint in what was compiled.
	Constraint int
	// Class is the class of the subject, Containers how many of it there are, and Others how many of the target each of them has.
	Class, Containers, Others int
	// Cost is what that costs.
	Cost float64
}

// Broken lists what the containers of one node group break, for explanations, the costliest first.
func (s *Set) Broken(group string, counts []int) []Broken {
	g := slices.Index(s.groups, group)
	if g < 0 {
		return nil
	}
	var broken []Broken
	for _, r := range s.by[g] {
		c := &s.constraints[r.constraint]
		there := r.there(counts)
		for j, class := range r.subjects {
			off := c.off(there, r.self[j])
			if counts[class] == 0 || off == 0 {
				continue
			}
			b := Broken{Constraint: r.constraint, Class: class, Containers: counts[class], Others: there}
			b.Cost = c.Weight * float64(b.Containers*off)
			if r.self[j] {
				b.Others--
			}
			broken = append(broken, b)
		}
	}
	slices.SortStableFunc(broken, func(a, b Broken) int {
		switch {
		case a.Cost > b.Cost:
			return -1
		case a.Cost < b.Cost:
			return 1
		default:
			return 0
		}
	})
	return broken
}
