package seriesparallel

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
)

// Names are the service and the operation that a part has for a label of the book. Each label has its own.
type Names func(graphpattern.Label) (service, operation string)

// mostCopies is how many equal branches side by side, or equal groups of them one after the other, are kept apart; more stand for as
// many, with more calls in each.
const mostCopies = 16

// shape turns the tree of a pattern into parts.
type shape struct {
	book    *graphpattern.Book
	name    Names
	left    int                            // parts
	mean    map[graphpattern.Label]float64 // calls of a request
	places  map[graphpattern.Label]int     // in the tree
	implied map[graphpattern.Label]float64 // calls of a request, by the parts
}

// Of is the tree of one pattern of a book with the calls that a request made in the mean, by operation. ok is false where it has too many
// parts or levels.
func Of(book *graphpattern.Book, pattern int, calls map[graphpattern.Label]float64, name Names) (part application.Part, ok bool) {
	s := shape{book: book, name: name, left: mostNodes, mean: calls, places: map[graphpattern.Label]int{}, implied: map[graphpattern.Label]float64{}}
	root := book.Patterns[pattern].Root
	left := mostNodes
	if !s.place(root, &left) {
		return application.Part{}, false
	}
	series, ok := s.node(root, 1, 1, 0)
	if !ok {
		return application.Part{}, false
	}
	part = application.Part{Series: series}
	factors := map[[2]string]float64{}
	for op, implied := range s.implied {
		service, operation := name(op)
		factors[[2]string{service, operation}] = s.mean[op] / implied
	}
	scale(&part, factors)
	return part, true
}

// mostNodes is how many nodes and parts a pattern may have that is kept apart: nobody reads more, and the solver takes time for each.
const mostNodes = 2000

// place counts where operations stand in the tree, and says whether there is room for it.
func (s *shape) place(node int, left *int) bool {
	n := &s.book.Nodes[node]
	if *left--; *left < 0 {
		return false
	}
	if n.Form == graphpattern.Call {
		s.places[s.operation(n)]++
	}
	for _, p := range n.Parts {
		if !s.place(p.Node, left) {
			return false
		}
	}
	return true
}

func (s *shape) operation(n *graphpattern.Node) graphpattern.Label { return s.book.Labels[n.Label] }

// times is how often a part is there for each of what it is in, of which a request has outer: by the calls that requests made in the mean
// where these are its only ones, else the middle of its bucket.
func (s *shape) times(p graphpattern.Part, outer float64) float64 {
	least, most := p.Bucket.Range()
	first := &s.book.Nodes[p.Node]
	for first.Form != graphpattern.Call {
		first = &s.book.Nodes[first.Parts[0].Node]
	}
	if op := s.operation(first); s.places[op] == 1 {
		return min(max(s.mean[op]/outer, float64(least)), float64(most))
	}
	return float64(least+most) / 2
}

// node is a node `calls` times one after the other, of which the whole is there `copies` times.
func (s *shape) node(node int, calls, copies float64, depth int) ([]application.Part, bool) {
	n := &s.book.Nodes[node]
	if s.left--; s.left < 0 || depth > application.MaxDepth-2 {
		return nil, false
	}
	var out []application.Part
	switch n.Form {
	case graphpattern.Parallel:
		return s.parallel(n, calls, copies, depth)
	case graphpattern.Call:
		op := s.operation(n)
		s.implied[op] += calls * copies
		service, operation := s.name(op)
		out = append(out, application.Part{Service: service, Operation: operation, Calls: calls})
	}
	for _, p := range n.Parts {
		below, ok := s.node(p.Node, calls*s.times(p, calls*copies), copies, depth)
		if !ok {
			return nil, false
		}
		for _, b := range below {
			out = join(out, b)
		}
	}
	return out, true
}

// parallel is a group of branches. Groups that follow each other are kept apart: the longest of two sums is less than the sum of longest.
func (s *shape) parallel(n *graphpattern.Node, calls, copies float64, depth int) ([]application.Part, bool) {
	groups := min(max(1, math.Round(calls)), mostCopies)
	var block []application.Part
	for _, p := range n.Parts {
		times := s.times(p, calls*copies)
		branches := min(max(1, math.Round(times)), mostCopies)
		below, ok := s.node(p.Node, calls/groups*times/branches, copies*groups*branches, depth+2)
		if !ok {
			return nil, false
		}
		if s.left -= int(groups*branches) * size(below); s.left < 0 {
			return nil, false
		}
		for range int(branches) {
			block = append(block, one(below))
		}
	}
	out := make([]application.Part, int(groups))
	for i := range out {
		out[i] = application.Part{Parallel: clone(block)}
	}
	return out, true
}

// size is the number of parts in a list.
func size(list []application.Part) int {
	n := len(list)
	for i := range list {
		n += size(list[i].Series) + size(list[i].Parallel)
	}
	return n
}

// one is a list as one part.
func one(list []application.Part) application.Part {
	if len(list) == 1 {
		return clone(list)[0]
	}
	return application.Part{Series: clone(list)}
}

func clone(list []application.Part) []application.Part {
	out := slices.Clone(list)
	for i := range out {
		out[i].Series, out[i].Parallel = clone(out[i].Series), clone(out[i].Parallel)
	}
	return out
}

// join appends a part to a series, calls to those of the same operation.
func join(out []application.Part, p application.Part) []application.Part {
	for i := range out {
		if p.Service != "" && out[i].Service == p.Service && out[i].Operation == p.Operation {
			out[i].Calls += p.Calls
			return out
		}
	}
	return append(out, p)
}

// scale multiplies calls by their operations' factors.
func scale(p *application.Part, factors map[[2]string]float64) {
	if p.Service != "" {
		p.Calls *= factors[[2]string{p.Service, p.Operation}]
	}
	for i := range p.Series {
		scale(&p.Series[i], factors)
	}
	for i := range p.Parallel {
		scale(&p.Parallel[i], factors)
	}
}
