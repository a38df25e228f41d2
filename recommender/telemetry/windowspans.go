package telemetry

import (
	"maps"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// graph is what the traces of a window say. Times are in nanoseconds, counts and times by sampling weight.
type graph struct {
	durations durations
	weight    float64 // of the entry's requests, failed ones too
	parts     map[Identity]*part
	touched   map[Identity]bool            // services in requests of the entry, also outside the window
	incoming  map[Identity]float64         // calls of every service in the window, for all entries
	pods      map[Identity]map[string]bool // seen in the window
	links     map[ends]*link
}

type part struct {
	calls, self, critical float64
	traces                float64 // not by weight
}

// readTraces divides the requests of the window among services, and fills in what the window says of all together.
func (r *reading) readTraces(w *Window) *graph {
	g := &graph{
		durations: durations{values: distribution.Mixture{}}, parts: map[Identity]*part{}, touched: map[Identity]bool{},
		incoming: map[Identity]float64{}, pods: map[Identity]map[string]bool{}, links: map[ends]*link{},
	}
	var duration, network float64
	var others [][]otlp.Span // with a request of the entry, outside the window
	for _, spans := range r.traces {
		ours, inWindow := r.look(spans, g)
		switch {
		case inWindow:
			d, n := r.divide(spans, g, w)
			duration += d
			network += n
		case ours:
			others = append(others, spans)
		}
	}
	r.lookBack(others, g)
	w.Links = g.inOrder()
	w.Duration, w.Network = duration/g.weight/1e9, network/g.weight/1e9 // 0/0 is NaN
	return g
}

// look notes who was called in the window, and tells whether a trace has a request of the entry, and one in the window.
func (r *reading) look(spans []otlp.Span, g *graph) (ours, inWindow bool) {
	for i := range spans {
		s := &spans[i]
		if !comesIn(s.Kind, s.Parent) {
			continue
		}
		covered := r.covers(s.End)
		if s.Operation == r.operation && r.identity(s.Resource).serves(r.entry) {
			ours = true
			inWindow = inWindow || covered
		}
		if !covered {
			continue
		}
		id := r.identity(s.Resource)
		g.incoming[id] += s.Weight
		if g.pods[id] == nil {
			g.pods[id] = map[string]bool{}
		}
		g.pods[id][s.Resource.Value().Pod] = true
	}
	return ours, inWindow
}

// lookBack notes which services requests outside the window touch. Most traces have no other than those before, and need no closer look.
func (r *reading) lookBack(traces [][]otlp.Span, g *graph) {
	settled := maps.Clone(g.touched)
	for _, spans := range traces {
		if !slices.ContainsFunc(spans, func(s otlp.Span) bool { return !settled[r.identity(s.Resource)] }) {
			continue
		}
		tree, _, ids := r.tree(spans)
		for _, i := range r.requests(tree, ids) {
			for _, p := range tree.Sweep(i).Services {
				g.touched[ids[p.Service]] = true
			}
		}
		for _, id := range ids {
			settled[id] = true
		}
	}
}

// requests are the spans of a trace with which requests of the entry begin.
func (r *reading) requests(tree *callgraph.Tree, ids []Identity) []int {
	return tree.Entries(func(c callgraph.Span) bool {
		return c.Operation == r.entry.Operation && ids[c.Service].serves(r.entry) && comesIn(c.Kind, c.Parent)
	})
}

// divide adds the entry's requests of one trace that ended in the window, and returns their duration and network time by weight.
func (r *reading) divide(spans []otlp.Span, g *graph, w *Window) (duration, network float64) {
	tree, repairs, ids := r.tree(spans)
	w.Repairs.Add(repairs)
	for _, i := range r.requests(tree, ids) {
		parts := tree.Sweep(i)
		for _, p := range parts.Services {
			g.touched[ids[p.Service]] = true
		}
		s := &spans[i]
		if !r.covers(s.End) {
			continue
		}
		w.Traces++
		g.add(s, parts, ids)
		g.addLinks(tree.Calls(i), s.Weight, ids)
		duration += s.Weight * float64(parts.Duration)
		network += s.Weight * float64(parts.Network)
	}
	return duration, network
}

// tree orders the spans of one trace, with the services numbered as in ids.
func (r *reading) tree(spans []otlp.Span) (*callgraph.Tree, callgraph.Repairs, []Identity) {
	numbers := map[Identity]int{}
	var ids []Identity
	list := make([]callgraph.Span, len(spans))
	for i := range spans {
		s := &spans[i]
		id := r.identity(s.Resource)
		number, ok := numbers[id]
		if !ok {
			number = len(ids)
			numbers[id] = number
			ids = append(ids, id)
		}
		list[i] = callgraph.Span{
			ID: s.ID, Parent: s.Parent, Service: number, Operation: s.Operation.Value(), Start: s.Start, End: s.End, Kind: s.Kind,
			Error: s.Failed,
		}
	}
	tree, repairs := callgraph.Build(list)
	return tree, repairs, ids
}

// add takes in one request by its entry's span.
func (g *graph) add(s *otlp.Span, parts callgraph.Parts, ids []Identity) {
	g.weight += s.Weight
	if s.Failed {
		g.durations.failed += s.Weight
	} else {
		g.durations.total += s.Weight
		g.durations.squares += s.Weight * s.Weight
		g.durations.values.AddValue(float64(parts.Duration)/1e9, s.Weight)
	}
	for _, p := range parts.Services {
		one := g.parts[ids[p.Service]]
		if one == nil {
			one = &part{}
			g.parts[ids[p.Service]] = one
		}
		one.calls += s.Weight * float64(p.Calls)
		one.self += s.Weight * float64(p.Self)
		one.critical += s.Weight * float64(p.Critical)
		if p.Calls > 0 {
			one.traces++
		}
	}
}
