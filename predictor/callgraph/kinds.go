package callgraph

// label is what spans of one kind have in common.
type label struct {
	service   int
	operation string
}

// InferKinds gives spans their kinds where their source has none: all that are Internal. Services are numbered alike in all traces.
// A span under one of another service, or under none, is a Server span. A span under one of its own service is a Client span if all
// of its children, of which there is one, are of one operation of one other service: several are attempts. So are childless spans of
// such a service and operation, unless some span of the kind has other children: a callee may lack its span. The rest stays
// Internal: work of its service. A handler that makes a single call without a Client span is taken for this call's Client span; its
// own time is then network.
func InferKinds(traces [][]Span) {
	clients, workers := make(map[label]bool), make(map[label]bool)
	for _, spans := range traces {
		inferKinds(spans, clients, workers)
	}
	for _, spans := range traces {
		for i := range spans {
			s := &spans[i]
			if at := (label{s.Service, s.Operation}); s.Kind == Internal && clients[at] && !workers[at] {
				s.Kind = Client
			}
		}
	}
}

// inferKinds settles the spans of one trace that say themselves what they are, and notes what else is known of their labels.
func inferKinds(spans []Span, clients, workers map[label]bool) {
	byID := make(map[SpanID]int, len(spans))
	for i := range spans {
		if _, again := byID[spans[i].ID]; !again {
			byID[spans[i].ID] = i
		}
	}
	works, callee := make([]bool, len(spans)), make([]int, len(spans)) // callee is 1 + the index of a child of another service
	for i := range spans {
		p, ok := byID[spans[i].Parent]
		switch {
		case !ok:
		case spans[p].Service == spans[i].Service, callee[p] > 0 && !sameLabel(&spans[callee[p]-1], &spans[i]):
			works[p] = true
		default:
			callee[p] = i + 1
		}
	}
	for i := range spans {
		s := &spans[i]
		at := label{s.Service, s.Operation}
		p, ok := byID[s.Parent]
		switch {
		case s.Kind != Internal:
		case !ok || spans[p].Service != s.Service:
			s.Kind = Server
		case works[i]:
			workers[at] = true
		case callee[i] > 0:
			s.Kind = Client
			clients[at] = true
		}
	}
}

func sameLabel(a, b *Span) bool { return a.Service == b.Service && a.Operation == b.Operation }
