package learn

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// name is what a service is called in a document: one that sends no spans by its operation, marked so that it is no other's name.
func (l *Learner) name(op operation) string {
	if op.service == callgraph.Unknown {
		return op.name + " (no spans)"
	}
	return l.names[op.service]
}

// opName is the operation of a part.
func opName(op operation) string {
	if op.service == callgraph.Unknown {
		return ""
	}
	return op.name
}

// sorted are the operations in the order of their names.
func sorted[V any](of map[operation]V, l *Learner) []operation {
	return slices.SortedFunc(maps.Keys(of), func(a, b operation) int {
		return cmp.Or(cmp.Compare(l.name(a), l.name(b)), cmp.Compare(a.name, b.name))
	})
}
