package queueing

import "github.com/ballast-k8s/ballast/simulator/plant/servicegraph"

// plan is the application as flat arrays, so that a step of a call is an index and no allocation.
type plan struct {
	nodes  []node
	stages []stage
	// roots[i] are the patterns of operation i.
	roots [][]root
	// kinds are the pairs of service and operation that calls have.
	kinds []callKind
}

// root is a pattern: its first call, and the sum of the shares up to and including it, over the sum of all.
type root struct {
	node       int32
	cumulative float64
}

// node is a call in a pattern.
type node struct {
	service, operation int32 // operation is that of the whole request
	kind               int32 // of call, in plan.kinds
	firstStage, stages int32
	network            servicegraph.Law
	timeout            float64
	retries            uint8
	async, optional    bool
	span               string
}

// stage is a step of a node. Its calls are consecutive nodes.
type stage struct {
	work, wait       servicegraph.Law
	firstCall, calls int32
	awaited          int32 // calls that are not asynchronous
}

// newPlan flattens a valid application.
func newPlan(a *servicegraph.Application) plan {
	index := map[string]int32{}
	for i, s := range a.Services {
		index[s.Name] = int32(i) //nolint:gosec // a few services
	}
	var p plan
	for i, o := range a.Operations {
		var total float64
		for _, pattern := range o.Patterns {
			total += pattern.Share
		}
		var sum float64
		roots := make([]root, 0, len(o.Patterns))
		for _, pattern := range o.Patterns {
			sum += pattern.Share
			first := p.reserve(1)
			p.fill(first, pattern.Root, int32(i), index) //nolint:gosec // a few operations
			roots = append(roots, root{first, sum / total})
		}
		roots[len(roots)-1].cumulative = 1
		p.roots = append(p.roots, roots)
	}
	return p
}

func (p *plan) reserve(n int) int32 {
	first := len(p.nodes)
	p.nodes = append(p.nodes, make([]node, n)...)
	return int32(first) //nolint:gosec // servicegraph bounds the number of calls
}

func (p *plan) fill(at int32, c servicegraph.Call, operation int32, index map[string]int32) {
	n := node{
		service: index[c.Service], operation: operation, kind: p.kind(c.Service, c.Operation), span: c.Operation,
		firstStage: int32(len(p.stages)), stages: int32(len(c.Stages)), //nolint:gosec // bounded as the calls are
		network: c.Network, timeout: c.TimeoutSeconds, retries: uint8(c.Retries), //nolint:gosec // at most MaxRetries
		async: c.Async, optional: c.Optional,
	}
	if c.Async {
		n.timeout, n.retries = 0, 0
	}
	p.nodes[at] = n
	p.stages = append(p.stages, make([]stage, len(c.Stages))...)
	for i, s := range c.Stages {
		st := stage{work: s.Work, wait: s.Wait, firstCall: p.reserve(len(s.Calls)), calls: int32(len(s.Calls))} //nolint:gosec // bounded
		for j, child := range s.Calls {
			p.fill(st.firstCall+int32(j), child, operation, index) //nolint:gosec // bounded
			if !child.Async {
				st.awaited++
			}
		}
		p.stages[n.firstStage+int32(i)] = st //nolint:gosec // bounded
	}
}
