package callgraph

import (
	"cmp"
	"slices"
)

// Unknown stands for the service of a call of which there is no span but the caller's Client span.
const Unknown = -1

// Call is one call of a service within a request. Times are nanoseconds.
type Call struct {
	Caller    int    // index of the call that made it; negative for the entry
	Service   int    // Unknown: the service called sends no spans
	Operation string // of the span with which the request came into the service; of the Client span where Service is Unknown
	// Start and End are as the caller saw the call: of its Client span where it has one, which is on the caller's clock, else of the
	// call's own span. After repairs.
	Start, End int64
	Self       int64 // exclusive time, 0 or more
	Critical   int64 // of Self, what lies on the request's critical path
	Network    int64 // on the critical path, on the way between caller and service
	Background bool  // does not return to the caller
	Failed     bool
}

// Edge is what the calls of one service by another have of a request, or of many. Times are nanoseconds, as in Call.
type Edge struct {
	From, To                int // services; From is Unknown for the entry
	Calls                   int
	Self, Critical, Network int64
}

// Calls lists the calls of the request that begins with a span, an index from Entries, Requests or Root: callers stand before those
// they call, the entry first. The Critical and Network of all add up to the duration of the request exactly, and by service they
// are the Parts of Sweep. Client spans below which nobody else has a span are calls of Unknown. An entry that is a Client span
// itself (a load generator's) is a call of its own service that has Network only.
func (t *Tree) Calls(entry int) []Call {
	if entry < 0 || entry >= len(t.nodes) || t.nodes[entry].dropped {
		return nil
	}
	w := callWalk{tree: t, entry: entry, critical: make(map[int]int64)}
	t.path(entry, w.critical)
	stack := []visit{{entry, place{call: none, chain: none}}}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		at := w.step(v.span, v.at)
		first := len(stack)
		for _, c := range t.nodes[v.span].children {
			stack = append(stack, visit{c, at})
		}
		slices.SortFunc(stack[first:], func(a, b visit) int { return t.byStart(b.span, a.span) }) // the earliest is popped first
	}
	for _, p := range w.pieces {
		w.calls[p.call].Critical += p.critical
		w.calls[p.call].Self += t.self(p.first, p.critical)
	}
	w.external()
	return w.calls
}

// callWalk gathers calls from the entry downwards.
type callWalk struct {
	tree     *Tree
	entry    int
	critical map[int]int64
	calls    []Call
	chains   []clientChain
	pieces   []workOf
}

// workOf is a piece and the call that it is part of.
type workOf struct {
	piece
	call int
}

// clientChain is a Client span and the spans of its service below it, up to the service called.
type clientChain struct {
	top        int // span
	caller     int // call
	network    int64
	call       int // the first call found below, none before
	background bool
}

// place is where in calls, chains and pieces a span hangs.
type place struct {
	call, chain, piece int
	background         bool // does not return to the call
}

type visit struct {
	span int
	at   place
}

// step takes in one span and returns the place of those below it.
func (w *callWalk) step(span int, at place) place {
	n := &w.tree.nodes[span]
	at.background = span != w.entry && (at.background || n.background)
	if span == w.entry || !n.network && w.tree.comesIn(span, w.entry) {
		at = place{call: w.open(span, at), chain: none}
	}
	if !n.network {
		if w.tree.begins(span, w.entry) {
			at.piece = len(w.pieces)
			w.pieces = append(w.pieces, workOf{piece{first: span}, at.call})
		}
		w.pieces[at.piece].critical += w.critical[span]
		at.chain = none
		return at
	}
	if at.chain < 0 {
		at.chain = len(w.chains)
		w.chains = append(w.chains, clientChain{top: span, caller: at.call, call: none, background: at.background})
	}
	w.chains[at.chain].network += w.critical[span]
	return at
}

// open begins a call with the span by which the request comes into a service.
func (w *callWalk) open(span int, at place) int {
	s, n := &w.tree.spans[span], &w.tree.nodes[span]
	c := Call{
		Caller: at.call, Service: s.Service, Operation: s.Operation, Start: n.start, End: n.end, Background: at.background, Failed: s.Error,
	}
	if at.chain >= 0 && w.chains[at.chain].call == none {
		ch := &w.chains[at.chain]
		top := &w.tree.nodes[ch.top]
		c.Start, c.End, c.Failed = top.start, top.end, c.Failed || w.tree.spans[ch.top].Error
		ch.call = len(w.calls)
	}
	w.calls = append(w.calls, c)
	return len(w.calls) - 1
}

// external hands the network time on to the calls, and makes calls of Unknown where there is none.
func (w *callWalk) external() {
	for _, ch := range w.chains {
		s, n := &w.tree.spans[ch.top], &w.tree.nodes[ch.top]
		switch {
		case ch.call >= 0:
			w.calls[ch.call].Network += ch.network
		case ch.top == w.entry:
			w.calls[0].Network += ch.network
		default:
			w.calls = append(w.calls, Call{
				Caller: ch.caller, Service: Unknown, Operation: s.Operation, Start: n.start, End: n.end, Network: ch.network,
				Background: ch.background, Failed: s.Error,
			})
		}
	}
}

// Edges adds the calls of one request up by caller and service, in ascending order of these.
func Edges(calls []Call) []Edge {
	type ends struct{ from, to int }
	position := make(map[ends]int)
	var edges []Edge
	for i := range calls {
		c := &calls[i]
		e := ends{Unknown, c.Service}
		if c.Caller >= 0 {
			e.from = calls[c.Caller].Service
		}
		at, ok := position[e]
		if !ok {
			at = len(edges)
			position[e] = at
			edges = append(edges, Edge{From: e.from, To: e.to})
		}
		edges[at].Calls++
		edges[at].Self += c.Self
		edges[at].Critical += c.Critical
		edges[at].Network += c.Network
	}
	slices.SortFunc(edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return edges
}

// Requests returns the spans with which the requests of a trace begin, by start: those without a parent; where the trace has none,
// the earliest and those of the same missing parent. Spans that only stand for themselves because their parent is lost are none.
func (t *Tree) Requests() []int {
	var requests []int
	for _, i := range t.roots {
		if (t.spans[i].Parent == SpanID{}) {
			requests = append(requests, i)
		}
	}
	if len(requests) > 0 || len(t.roots) == 0 {
		return requests
	}
	for _, i := range t.roots {
		if t.spans[i].Parent == t.spans[t.roots[0]].Parent {
			requests = append(requests, i)
		}
	}
	return requests
}
