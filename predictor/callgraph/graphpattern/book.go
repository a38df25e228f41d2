package graphpattern

import (
	"cmp"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// MaxNodes bounds the distinct signatures of calls that a Book keeps: some 100 MB.
const MaxNodes = 1 << 20

// None is the pattern of a request that is not kept apart.
const None = -1

// Pattern is a set of requests of the same signature.
type Pattern struct {
	Root     int // index in Book.Nodes, of the entry
	Requests int
	Calls    int // of all its requests together
}

// Book learns patterns from requests. The zero value is not usable; see New. It is not safe for concurrent use.
type Book struct {
	Nodes    []Node
	Labels   []Label
	Patterns []Pattern
	Requests int // all that were added, also those of no pattern

	byKey   map[string]int // of Nodes
	byLabel map[Label]int
	byRoot  map[int]int // of Patterns
	most    int
}

// New returns an empty book.
func New() *Book {
	return &Book{byKey: map[string]int{}, byLabel: map[Label]int{}, byRoot: map[int]int{}, most: MaxNodes}
}

// Add takes in the calls of one request, as callgraph.Tree.Calls lists them, and returns the index of its pattern: None where there
// are no calls or the book is full.
func (b *Book) Add(calls []callgraph.Call) int {
	if len(calls) == 0 {
		return None
	}
	b.Requests++
	root := b.root(calls)
	if root < 0 {
		return None
	}
	at, ok := b.byRoot[root]
	if !ok {
		at = len(b.Patterns)
		b.byRoot[root] = at
		b.Patterns = append(b.Patterns, Pattern{Root: root})
	}
	b.Patterns[at].Requests++
	b.Patterns[at].Calls += len(calls)
	return at
}

// root returns the node of the entry, negative if the book is full. Callers stand before callees, so that going backwards every
// call finds what it calls done.
func (b *Book) root(calls []callgraph.Call) int {
	below := make([][]int, len(calls)) // calls, by caller
	for i := range calls {
		if caller := calls[i].Caller; caller >= 0 && caller < i {
			below[caller] = append(below[caller], i)
		}
	}
	nodes := make([]int, len(calls))
	for i := range slices.Backward(calls) {
		c := &calls[i]
		n := Node{Form: Call, Label: b.label(Label{c.Service, c.Operation})}
		var background []int
		waited := slices.DeleteFunc(below[i], func(k int) bool {
			if calls[k].Background {
				background = append(background, nodes[k])
			}
			return calls[k].Background
		})
		n.Parts, n.Background = gather(b.series(calls, nodes, waited, callgraph.Slack(c.End-c.Start))), gather(background)
		nodes[i] = b.node(n)
		if nodes[i] < 0 {
			return -1
		}
	}
	return nodes[0]
}

// series divides calls that one caller waits for into groups one after the other, and returns their nodes.
func (b *Book) series(calls []callgraph.Call, nodes, waited []int, slack int64) []int {
	slices.SortFunc(waited, func(x, y int) int {
		return cmp.Or(cmp.Compare(calls[x].Start, calls[y].Start), cmp.Compare(calls[x].End, calls[y].End), cmp.Compare(nodes[x], nodes[y]))
	})
	var groups []int
	for first := 0; first < len(waited); {
		end, next := calls[waited[first]].End, first+1
		for ; next < len(waited) && calls[waited[next]].Start+slack < end; next++ {
			end = max(end, calls[waited[next]].End)
		}
		groups = append(groups, b.group(calls, nodes, waited[first:next], slack))
		first = next
	}
	return groups
}

// group returns the node of calls that overlap each other, some perhaps only through others. Every call goes to the first branch
// that is free when it starts.
func (b *Book) group(calls []callgraph.Call, nodes, members []int, slack int64) int {
	if len(members) == 1 {
		return nodes[members[0]]
	}
	type branch struct {
		nodes []int
		end   int64
	}
	var branches []branch
	for _, k := range members {
		at := slices.IndexFunc(branches, func(br branch) bool { return calls[k].Start+slack >= br.end })
		if at < 0 {
			at = len(branches)
			branches = append(branches, branch{})
		}
		branches[at].nodes = append(branches[at].nodes, nodes[k])
		branches[at].end = max(branches[at].end, calls[k].End)
	}
	whole := make([]int, len(branches))
	for i, br := range branches {
		whole[i] = br.nodes[0]
		if len(br.nodes) > 1 {
			whole[i] = b.node(Node{Form: Series, Parts: gather(br.nodes)})
		}
	}
	if len(whole) == 1 {
		return whole[0]
	}
	return b.node(Node{Form: Parallel, Parts: gather(whole)})
}

func (b *Book) label(l Label) int {
	at, ok := b.byLabel[l]
	if !ok {
		at = len(b.Labels)
		b.byLabel[l] = at
		b.Labels = append(b.Labels, l)
	}
	return at
}

// node returns the index of a node, a new one if it is not there yet, negative if there is no room or a part has none.
func (b *Book) node(n Node) int {
	if slices.ContainsFunc(n.Parts, func(p Part) bool { return p.Node < 0 }) {
		return -1
	}
	key := n.key()
	at, ok := b.byKey[key]
	switch {
	case ok:
	case len(b.Nodes) >= b.most:
		return -1
	default:
		at = len(b.Nodes)
		b.byKey[key] = at
		b.Nodes = append(b.Nodes, n)
	}
	return at
}
