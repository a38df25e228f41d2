package callgraph

import (
	"cmp"
	"slices"
)

const (
	maxTime     = 1<<62 - 1 // nanoseconds: sums of two stay in an int64
	maxDuration = 1 << 48   // nanoseconds: sums over 2^14 spans of a trace stay in an int64
	tolerance   = 1_000_000 // nanoseconds
)

// Tree is one trace put in order. It keeps the spans it was built from and does not change them.
type Tree struct {
	spans []Span
	nodes []node
	roots []int // by start
}

// node is what a tree knows about the span of the same index.
type node struct {
	parent     int // none or missing where negative
	children   []int
	start, end int64 // after repairs
	network    bool  // own time is between services
	background bool  // does not return to the parent
	dropped    bool
}

const (
	none    = -1 // a root
	missing = -2 // the parent's span is not in the trace
)

// Build puts the spans of one trace in order, by the rules of the package, and tells what it had to repair.
func Build(spans []Span) (*Tree, Repairs) {
	t := &Tree{spans: spans, nodes: make([]node, len(spans))}
	var r Repairs
	t.link(t.index(&r))
	t.dropCycles(&r)
	t.findRoots(&r)
	t.listChildren()
	for _, root := range t.roots {
		t.align(root, &r)
	}
	for i := range t.nodes {
		slices.SortFunc(t.nodes[i].children, func(a, b int) int {
			x, y := &t.nodes[a], &t.nodes[b]
			return cmp.Or(cmp.Compare(y.end, x.end), cmp.Compare(y.start, x.start), cmp.Compare(a, b))
		})
	}
	return t, r
}

// index takes the times over and drops spans that are of no use.
func (t *Tree) index(r *Repairs) map[SpanID]int {
	byID := make(map[SpanID]int, len(t.spans))
	for i := range t.spans {
		s, n := &t.spans[i], &t.nodes[i]
		n.start, n.end = s.Start, s.End
		if n.end < n.start {
			n.end = n.start
		}
		_, again := byID[s.ID]
		switch {
		case s.ID == SpanID{} || s.Start < 0 || n.end > maxTime || n.end-n.start > maxDuration:
			r.Invalid++
			n.dropped = true
		case again:
			r.Duplicates++
			n.dropped = true
		default:
			byID[s.ID] = i
			if s.End < s.Start {
				r.Backward++
			}
		}
	}
	return byID
}

func (t *Tree) link(byID map[SpanID]int) {
	for i := range t.spans {
		parent, ok := byID[t.spans[i].Parent]
		switch {
		case t.spans[i].Parent == SpanID{}:
			parent = none
		case !ok:
			parent = missing
		}
		t.nodes[i].parent = parent
	}
}

// dropCycles drops every span from which no root and no missing parent is reached.
func (t *Tree) dropCycles(r *Repairs) {
	const (
		unknown = iota
		inWalk
		good
		bad
	)
	state := make([]uint8, len(t.nodes))
	var walk []int
	for i := range t.nodes {
		walk = walk[:0]
		at := i
		for at >= 0 && state[at] == unknown {
			state[at] = inWalk
			walk = append(walk, at)
			at = t.nodes[at].parent
		}
		verdict := uint8(good)
		if at >= 0 && state[at] != good { // met itself, or a walk that did
			verdict = bad
		}
		for _, j := range walk {
			state[j] = verdict
			if verdict == bad && !t.nodes[j].dropped {
				t.nodes[j].dropped = true
				r.Cycles++
			}
		}
	}
}

// listChildren fills in children, all in one array.
func (t *Tree) listChildren() {
	number := make([]int, len(t.nodes))
	for i := range t.nodes {
		if n := &t.nodes[i]; !n.dropped && n.parent >= 0 {
			number[n.parent]++
		}
	}
	room := make([]int, len(t.nodes))
	for i, n := range number {
		t.nodes[i].children, room = room[:0:n], room[n:]
	}
	for i := range t.nodes {
		if n := &t.nodes[i]; !n.dropped && n.parent >= 0 {
			t.nodes[n.parent].children = append(t.nodes[n.parent].children, i)
		}
	}
}

// Entries returns the topmost spans that match, by start: indices into the spans given to Build. A span below a match is no entry.
func (t *Tree) Entries(match func(Span) bool) []int {
	var entries []int
	stack := slices.Clone(t.roots)
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if match(t.spans[i]) {
			entries = append(entries, i)
		} else {
			stack = append(stack, t.nodes[i].children...)
		}
	}
	slices.SortFunc(entries, t.byStart)
	return entries
}

// Root returns the index of the trace's root, the earliest of several, and -1 if there is no span left.
func (t *Tree) Root() int {
	if len(t.roots) == 0 {
		return none
	}
	return t.roots[0]
}

// byStart orders spans: the earlier first, of these the longer, of these the first given.
func (t *Tree) byStart(a, b int) int {
	x, y := &t.nodes[a], &t.nodes[b]
	return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(y.end, x.end), cmp.Compare(a, b))
}
