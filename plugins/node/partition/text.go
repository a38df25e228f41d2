package partition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Nothing is the first line of a plan without operations.
const Nothing = "Nothing to do.\n"

// String is the plan as an operator reads it before it is carried out.
func (p Plan) String() string {
	var b strings.Builder
	if len(p.Operations) == 0 {
		b.WriteString(Nothing)
	}
	for i, o := range p.Operations {
		fmt.Fprintf(&b, "%2d. %s\n", i+1, p.sentence(i, o))
		if o.Action == Write {
			for _, line := range p.Capacity.Describe(o.Values, before(p, i, o.Group)) {
				fmt.Fprintf(&b, "      %s\n", line)
			}
		}
	}
	b.WriteString(p.classes())
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "Note: %s\n", n)
	}
	return b.String()
}

// String is the action in a word: create, write, move or remove.
func (a Action) String() string {
	switch a {
	case Create:
		return "create"
	case Write:
		return "write"
	case Move:
		return "move"
	case Remove:
		return "remove"
	}
	return "unknown"
}

func (p Plan) sentence(i int, o Operation) string {
	name := displayed(o.Group)
	switch o.Action {
	case Create:
		return fmt.Sprintf("create %s", name)
	case Write:
		return fmt.Sprintf("write  %s: %s", name, strings.Join(o.Values.Lines(p.Capacity), " "))
	case Move:
		g, _ := p.StateAfter(i).Group(o.Group)
		return fmt.Sprintf("move   %d threads of %s to %s", g.Tasks, name, displayed(o.To))
	case Remove:
		g, _ := p.StateAfter(i).Group(o.Group)
		if len(g.Monitors) > 0 {
			return fmt.Sprintf("remove %s with its monitor groups %s", name, strings.Join(g.Monitors, ", "))
		}
		return fmt.Sprintf("remove %s", name)
	}
	return fmt.Sprintf("unknown action on %s", name)
}

// before are the values of a group before the operation i.
func before(p Plan, i int, group string) schemata.Values {
	g, _ := p.StateAfter(i).Group(group)
	return g.Schemata
}

func displayed(group string) string {
	if group == schemata.DefaultGroup {
		return "the default group"
	}
	return group
}

// classes says how many classes are in use after the plan, and whose.
func (p Plan) classes() string {
	if len(p.Capacity.Resources) == 0 {
		return "This machine divides neither caches nor memory bandwidth.\n"
	}
	foreign := p.After.Foreign()
	ours := len(p.After.Groups) - len(foreign) - 1
	text := fmt.Sprintf("Then %d of %d classes are in use: 1 by the default group, %d by partitions", len(p.After.Groups),
		p.Capacity.Classes(), ours)
	if len(foreign) > 0 {
		text += fmt.Sprintf(", %d by groups of others, which stay untouched (%s)", len(foreign), strings.Join(foreign, ", "))
	}
	return text + ".\n"
}

// sharing notes which groups that the planner does not lay out, those of others and the kept ones, may use the ways of partitions, and
// which partitions use ways that devices use too.
func sharing(c schemata.Capacity, s schemata.State, kept []string) []string {
	var notes []string
	for _, p := range s.Groups {
		if !schemata.Owned(p.Name) || slices.Contains(kept, p.Name) {
			continue
		}
		for _, o := range s.Groups {
			if where := sharedWays(c, p, o); where != "" && (!schemata.Owned(o.Name) || slices.Contains(kept, o.Name)) {
				notes = append(notes, fmt.Sprintf("%s may use ways of %s: %s.", displayed(o.Name), p.Name, where))
			}
		}
		for _, r := range c.Resources {
			if where := deviceWays(r, p); where != "" {
				notes = append(notes, fmt.Sprintf("devices may use ways of %s: %s.", p.Name, where))
			}
		}
	}
	return notes
}

func sharedWays(c schemata.Capacity, a, b schemata.Group) string {
	var parts []string
	for _, r := range c.Resources {
		if r.Cache == nil {
			continue
		}
		part := r.WaysByDomain(func(d int) uint32 {
			mine, _ := a.Schemata.Value(r.Name, d)
			return mine & b.Schemata.Ways(r.CacheName(), d)
		})
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

func deviceWays(r schemata.Resource, g schemata.Group) string {
	if r.Cache == nil {
		return ""
	}
	return r.WaysByDomain(func(d int) uint32 {
		v, _ := g.Schemata.Value(r.Name, d)
		return v & r.Cache.Shareable
	})
}
