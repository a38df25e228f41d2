package callgraph

import "slices"

// findRoots lists the roots and gives spans without their parent another one, or makes them roots.
func (t *Tree) findRoots(r *Repairs) {
	var orphans []int
	for i := range t.nodes {
		switch n := &t.nodes[i]; {
		case n.dropped:
		case n.parent == none:
			t.roots = append(t.roots, i)
		case n.parent == missing:
			orphans = append(orphans, i)
		}
	}
	if len(t.roots) == 0 && len(orphans) > 0 {
		caller := t.spans[slices.MinFunc(orphans, t.byStart)].Parent
		orphans = slices.DeleteFunc(orphans, func(i int) bool {
			if t.spans[i].Parent != caller {
				return false
			}
			t.nodes[i].parent = none
			t.roots = append(t.roots, i)
			return true
		})
	}
	r.Roots += max(0, len(t.roots)-1)
	t.attach(orphans, r)
	slices.SortFunc(t.roots, t.byStart)
}

// attach gives each orphan a parent by time.
func (t *Tree) attach(orphans []int, r *Repairs) {
	if len(orphans) == 0 {
		return
	}
	roots, holes := slices.Clone(t.roots), t.holes()
	for _, i := range orphans {
		at := t.around(i, holes)
		if at < 0 {
			at = t.around(i, roots)
		}
		t.nodes[i].parent = at
		if at >= 0 {
			r.Orphans++
		} else {
			r.Lost++
			t.roots = append(t.roots, i)
		}
	}
}

// holes are the Client spans without children that hang on a root: the callee's span is missing, or was never made.
func (t *Tree) holes() []int {
	const (
		unknown = iota
		anchored
		adrift
	)
	state, called := make([]uint8, len(t.nodes)), make([]bool, len(t.nodes))
	var walk []int
	for i := range t.nodes {
		if t.nodes[i].dropped {
			continue
		}
		walk = walk[:0]
		at := i
		for ; at >= 0 && state[at] == unknown; at = t.nodes[at].parent {
			walk = append(walk, at)
		}
		verdict := uint8(anchored)
		if at == missing || at >= 0 && state[at] == adrift {
			verdict = adrift
		}
		for _, j := range walk {
			state[j] = verdict
		}
		if parent := t.nodes[i].parent; parent >= 0 {
			called[parent] = true
		}
	}
	var holes []int
	for i := range t.nodes {
		if state[i] == anchored && !called[i] && t.spans[i].Kind == Client {
			holes = append(holes, i)
		}
	}
	return holes
}

// around returns the shortest of the spans within which span i lies, negative if none.
func (t *Tree) around(i int, within []int) int {
	n, best := &t.nodes[i], none
	for _, j := range within {
		c := &t.nodes[j]
		if c.start > n.start || c.end < n.end {
			continue
		}
		if best < 0 || c.end-c.start < t.nodes[best].end-t.nodes[best].start {
			best = j
		}
	}
	return best
}

// align settles, from a root downwards, how every span lies to its parent.
func (t *Tree) align(root int, r *Repairs) {
	t.nodes[root].network = t.spans[root].Kind == Client
	stack := []int{root}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, c := range t.nodes[i].children {
			t.alignChild(i, c, r)
		}
		stack = append(stack, t.nodes[i].children...)
	}
}

func (t *Tree) alignChild(parent, child int, r *Repairs) {
	p, c := &t.nodes[parent], &t.nodes[child]
	same := t.spans[parent].Service == t.spans[child].Service
	kind := t.spans[child].Kind
	c.network = kind == Client || kind == Internal && same && p.network
	moved := p.start - t.spans[parent].Start // by how much the parent's clock was found to be wrong
	switch {
	case kind == Consumer || t.spans[parent].Kind == Producer:
		c.background = true
	case same && (kind != Server || !p.network): // in one process, which has one clock
		duration := c.end - c.start
		c.start = min(max(c.start+moved, 0), maxTime-duration)
		c.end = c.start + duration
		c.background = c.end > p.end+tol(p)
	default:
		if c.moveInto(p, moved) {
			r.Shifted++
		}
	}
	if !c.background && (c.start < p.start || c.end > p.end) {
		r.Clamped++
	}
}

// moveInto moves a call that lies outside of its caller, and reports whether it did.
func (c *node) moveInto(p *node, moved int64) bool {
	duration, room := c.end-c.start, p.end-p.start
	start := c.start
	switch {
	case c.start >= p.start && c.end <= p.end:
	case moved != 0 && c.start+moved >= p.start && c.end+moved <= p.end: // caller and callee on one machine
		start = c.start + moved
	case duration <= room:
		start = p.start + (room-duration)/2
	case c.start < p.start:
		start = p.start
	}
	changed := start != c.start
	c.start, c.end = start, start+duration
	return changed
}

// tol is by how much times of spans below n may contradict each other.
func tol(n *node) int64 { return Slack(n.end - n.start) }

// Slack is by how much two calls may overlap within a caller of such a duration (nanoseconds) and still count as one after the other.
func Slack(duration int64) int64 { return min(tolerance, duration/100) }
