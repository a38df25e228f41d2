package erms

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// merged is the latency of several calls as if it were that of one: slope·load + intercept.
type merged struct{ slope, intercept, load float64 }

func (m merged) root() float64 { return math.Sqrt(m.slope * m.load) }

// node is a call with its part of the target.
type node struct {
	name  string
	model Model
	load  float64
	steps []step
	// before says which line holds, pinned that it stays the first.
	before, pinned bool
	whole          merged // the call and what it calls
	target         float64
}

type step struct {
	calls []*node
	whole merged
}

type tree struct {
	service *Service
	nodes   []*node // all of them, the root first
}

func newTree(s *Service, models map[string]Model) (*tree, error) {
	if s.Root == nil || !(s.Target > 0 && s.Load > 0) {
		return nil, fmt.Errorf("target %v and load %v, expected both above 0 and a tree of calls", s.Target, s.Load)
	}
	t := &tree{service: s}
	_, err := t.add(s.Root, models)
	return t, err
}

func (t *tree) add(c *Call, models map[string]Model) (*node, error) {
	m, ok := models[c.Microservice]
	if !ok {
		return nil, fmt.Errorf("no model of microservice %q", c.Microservice)
	}
	n := &node{name: c.Microservice, model: m, load: t.service.Load}
	t.nodes = append(t.nodes, n)
	for _, calls := range c.Steps {
		var s step
		for _, call := range calls {
			child, err := t.add(call, models)
			if err != nil {
				return nil, err
			}
			s.calls = append(s.calls, child)
		}
		n.steps = append(n.steps, s)
	}
	return n, nil
}

// line is the line that holds. One that falls counts as 1 µs for a request per second.
func (n *node) line() Line {
	l := n.model.After
	if n.before {
		l = n.model.Before
	}
	if l.Slope < 0 {
		l.Slope = 1
	}
	return l
}

// merge sets the latencies of all calls below from the lines that hold.
func (n *node) merge() merged {
	n.whole = merged{n.line().Slope, n.line().Intercept, n.load}
	for i := range n.steps {
		s := &n.steps[i]
		s.whole = merged{intercept: math.Inf(-1), load: math.Inf(1)}
		work := 0.0
		for _, c := range s.calls {
			m := c.merge()
			work += m.slope * m.load
			s.whole.intercept, s.whole.load = max(s.whole.intercept, m.intercept), min(s.whole.load, m.load)
		}
		s.whole.slope = work / s.whole.load
		load, root := min(n.whole.load, s.whole.load), n.whole.root()+s.whole.root()
		n.whole = merged{root * root / load, n.whole.intercept + s.whole.intercept, load}
	}
	return n.whole
}

// split gives every call its part of the target, which takes the fewest containers in all, and chooses the line that holds there.
func (n *node) split(target float64) {
	spare := (target - n.whole.intercept) / n.whole.root()
	own := n.line()
	n.target = own.Intercept + merged{own.Slope, 0, n.load}.root()*spare
	for i := range n.steps {
		s := &n.steps[i]
		for _, c := range s.calls {
			c.split(s.whole.intercept + s.whole.root()*spare)
		}
	}
	n.before = n.pinned || (n.target-own.Intercept)/own.Slope <= n.model.inflection()
}

// solve sets the targets: twice with the lines that the last time gave, then until all are within what their microservice can do.
func (t *tree) solve() error {
	const µs = 1000
	target := t.service.Target * µs
	t.nodes[0].merge()
	t.nodes[0].split(target)
	for range 2*len(t.nodes) + 2 { // every second round pins a microservice more, or it is the last
		t.nodes[0].merge()
		t.nodes[0].split(target)
		bad := map[string]bool{}
		for _, n := range t.nodes {
			if n.target < 0 || n.target < n.model.Before.Intercept {
				bad[n.name] = true
			}
		}
		if len(bad) == 0 {
			return nil
		}
		for _, n := range t.nodes {
			n.pinned = n.pinned || bad[n.name]
		}
	}
	return errors.New("no target is within what each microservice can do: the objective is out of reach")
}

// containers is what the target takes; where the line gives none above 0, the other one.
func (n *node) containers() float64 {
	count := math.Ceil(n.line().Slope * n.load / (n.target - n.line().Intercept))
	if count <= 0 {
		n.before = !n.before
		count = math.Ceil(n.line().Slope * n.load / (n.target - n.line().Intercept))
	}
	return count
}

// first is the first call of each microservice.
func (t *tree) first() map[string]*node {
	found := map[string]*node{}
	for _, n := range t.nodes {
		if found[n.name] == nil {
			found[n.name] = n
		}
	}
	return found
}

func (t *tree) targets() map[string]float64 {
	out := map[string]float64{}
	for name, n := range t.first() {
		out[name] = n.target
	}
	return out
}

// users are the trees that call a microservice, by its name, those with the smaller target first.
func users(trees []*tree) map[string][]*tree {
	found := map[string][]*tree{}
	for _, t := range trees {
		for name := range t.first() {
			found[name] = append(found[name], t)
		}
	}
	for name, list := range maps.All(found) {
		slices.SortStableFunc(list, func(a, b *tree) int { return cmp.Compare(a.first()[name].target, b.first()[name].target) })
	}
	return found
}

// prioritise adds the loads of those with a smaller target.
func prioritise(trees []*tree) {
	for name, list := range users(trees) {
		load := 0.0
		for _, t := range list {
			load += t.service.Load
			for _, n := range t.nodes {
				if n.name == name {
					n.load = load
				}
			}
		}
	}
}

// pool gives a shared microservice the load of all and the smallest target.
func pool(trees []*tree) {
	for name, list := range users(trees) {
		if len(list) == 1 {
			continue
		}
		load, target := 0.0, list[0].first()[name].target
		for _, t := range list {
			load += t.service.Load
		}
		for _, t := range list {
			for _, n := range t.nodes {
				if n.name == name {
					n.load, n.target = load, target
				}
			}
		}
	}
}
