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
	for _, c := range t.group(entry, critical) {
		if t.nodes[c.first].network {
			parts.Network += c.critical
			continue
		}
		service := t.spans[c.first].Service
		at, ok := position[service]
		if !ok {
			at = len(parts.Services)
			position[service] = at
			parts.Services = append(parts.Services, Part{Service: service})
		}
		part := &parts.Services[at]
		part.Critical += c.critical
		part.Self += t.self(c.first, c.critical)
		if t.comesIn(c.first, entry) {
			part.Calls++
		}
	}
	slices.SortFunc(parts.Services, func(a, b Part) int { return cmp.Compare(a.Service, b.Service) })
	return parts
}

// piece is spans of one service that belong together: those of a call, of what goes on behind it, or of the way to another service.
type piece struct {
	first    int   // the span above all others
	critical int64 // own time of all on the critical path
}

// group divides the spans below an entry into pieces.
func (t *Tree) group(entry int, critical map[int]int64) []piece {
	type visit struct{ span, piece int }
	var pieces []piece
	for stack := []visit{{entry, none}}; len(stack) > 0; {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v.piece < 0 || t.begins(v.span, entry) || t.nodes[v.span].network != t.nodes[pieces[v.piece].first].network {
			v.piece = len(pieces)
			pieces = append(pieces, piece{first: v.span})
		}
		pieces[v.piece].critical += critical[v.span]
		for _, c := range t.nodes[v.span].children {
			stack = append(stack, visit{c, v.piece})
		}
	}
	return pieces
}

// begins reports whether a span is the first of its service's work: by which a request comes in, or that runs behind its parent.
func (t *Tree) begins(i, entry int) bool {
	return !t.nodes[i].network && (t.comesIn(i, entry) || t.nodes[i].background)
}

// window is the part of a span that a sweep looks at.
type window struct {
	span   int
	lo, hi int64
}

// path adds up, by span, the own time on the critical path of the entry.
func (t *Tree) path(entry int, critical map[int]int64) {
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

// self is the exclusive time of the piece that begins with a span: a sweep that goes into no span of others. It is at least what
// the piece has of the critical path: for spans that reach out of their caller the two sweeps begin at different times and may go
// along different children.
func (t *Tree) self(first int, critical int64) int64 {
	var sum int64
	stack := []window{{first, t.nodes[first].start, t.nodes[first].end}}
	for len(stack) > 0 {
		w := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		sum += t.backward(w.span, w.lo, w.hi, func(child int, lo, hi int64) {
			if !t.nodes[child].network && !t.begins(child, first) {
				stack = append(stack, window{child, lo, hi})
			}
		})
	}
	return max(critical, sum)
}

// comesIn reports whether the request comes into the span's service with this span.
func (t *Tree) comesIn(i, entry int) bool {
	parent := t.nodes[i].parent
	return i == entry || t.spans[i].Kind == Consumer || t.nodes[parent].network || t.spans[parent].Service != t.spans[i].Service
}
