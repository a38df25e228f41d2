package callgraph

import (
	"cmp"
	"slices"
)

// Sweep divides the time of one span, an index from Entries or Root, among all that happened below it. Out of range it is empty.
func (t *Tree) Sweep(entry int) Parts {
	if entry < 0 || entry >= len(t.nodes) || t.nodes[entry].dropped {
		return Parts{}
	}
	critical := make(map[int]int64)
	t.path(entry, critical)
	parts := Parts{Duration: t.nodes[entry].end - t.nodes[entry].start}
	position := make(map[int]int)
	stack := []int{entry}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], t.nodes[i].children...)
		if t.nodes[i].network {
			parts.Network += critical[i]
			continue
		}
		service := t.spans[i].Service
		at, ok := position[service]
		if !ok {
			at = len(parts.Services)
			position[service] = at
			parts.Services = append(parts.Services, Part{Service: service})
		}
		part := &parts.Services[at]
		part.Critical += critical[i]
		part.Self += t.self(i, critical[i])
		if t.comesIn(i, entry) {
			part.Calls++
		}
	}
	slices.SortFunc(parts.Services, func(a, b Part) int { return cmp.Compare(a.Service, b.Service) })
	return parts
}

// path adds up, by span, the own time on the critical path of the entry.
func (t *Tree) path(entry int, critical map[int]int64) {
	type window struct {
		span   int
		lo, hi int64
	}
	stack := []window{{entry, t.nodes[entry].start, t.nodes[entry].end}}
	for len(stack) > 0 {
		w := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		critical[w.span] = t.backward(w.span, w.lo, w.hi, func(child int, lo, hi int64) {
			stack = append(stack, window{child, lo, hi})
		})
	}
}

// backward goes from hi back to lo over the children of a span that it waited for, and returns what is left to itself.
func (t *Tree) backward(span int, lo, hi int64, into func(child int, lo, hi int64)) (own int64) {
	at, slack := hi, tol(&t.nodes[span])
	for _, c := range t.nodes[span].children {
		n := &t.nodes[c]
		end := min(n.end, hi)
		if n.background || end > at+slack { // the latter is hidden behind a sibling that ended later
			continue
		}
		end = min(end, at)
		start := max(n.start, lo)
		if start >= end {
			continue
		}
		own += at - end
		into(c, start, end)
		at = start
	}
	return own + at - lo
}

// self is the exclusive time of a span. It is at least what it has of the critical path: for a span that reaches out of its
// caller the two sweeps begin at different times and may go along different children.
func (t *Tree) self(i int, critical int64) int64 {
	n := &t.nodes[i]
	return max(critical, t.backward(i, n.start, n.end, func(int, int64, int64) {}))
}

// comesIn reports whether the request comes into the span's service with this span.
func (t *Tree) comesIn(i, entry int) bool {
	parent := t.nodes[i].parent
	return i == entry || t.spans[i].Kind == Consumer || t.nodes[parent].network || t.spans[parent].Service != t.spans[i].Service
}
