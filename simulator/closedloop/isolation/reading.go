package isolation

import (
	"fmt"
	"slices"
	"strings"
)

// Reading says in a sentence who shares what with whom.
func (n *Node) Reading() string {
	var parts []string
	last := ""
	held := map[int]bool{}
	for i := range n.Groups {
		g := &n.Groups[i]
		if g.Owner == Kernel {
			last = fmt.Sprintf("the %s may use %s", g.Name, spelled(g.Ways))
			continue
		}
		for _, w := range g.Ways {
			held[w] = true
		}
		part := fmt.Sprintf("%s has ways %s (%s)", g.Name, spelled(g.Ways), n.Size(len(g.Ways)))
		if with := n.sharers(i); with != "" {
			part += ", " + with
		} else {
			part += ", as no other partition"
		}
		if g.Bandwidth < unlimited {
			part += fmt.Sprintf(", and at most %d %% of the memory bandwidth", g.Bandwidth)
		}
		parts = append(parts, part)
	}
	var rest Ways
	for w := range n.Ways {
		if !held[w] {
			rest = append(rest, w)
		}
	}
	if len(rest) > 0 {
		parts = append(parts, fmt.Sprintf("ways %s are in no partition", spelled(rest)))
	}
	if last != "" {
		parts = append(parts, last)
	}
	if len(parts) == 0 {
		return "Nothing is known of this node's cache."
	}
	text := strings.Join(parts, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// sharers says which other groups, the default group left out, may use ways of a group; empty for none.
func (n *Node) sharers(i int) string {
	var parts []string
	for k := range n.Groups {
		if k == i || n.Groups[k].Owner == Kernel {
			continue
		}
		var common Ways
		for _, w := range n.Groups[i].Ways {
			if slices.Contains(n.Groups[k].Ways, w) {
				common = append(common, w)
			}
		}
		if len(common) > 0 {
			parts = append(parts, fmt.Sprintf("of which %s may use %s too", n.Groups[k].Name, spelled(common)))
		}
	}
	return strings.Join(parts, ", ")
}

// spelled are ways in a sentence, where a line may end at a hyphen: 0 to 3,8.
func spelled(w Ways) string { return strings.ReplaceAll(w.String(), "-", " to ") }

// Size is how much cache some ways are.
func (n *Node) Size(ways int) string {
	return fmt.Sprintf("%.1f MiB", float64(int64(ways)*n.WayBytes)/(1<<20))
}
