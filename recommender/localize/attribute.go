package localize

import (
	"cmp"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// Split is a quantity of a service by where it arises. The three add up to what the service has.
type Split struct {
	Own float64 // its own work
	To  float64 // on the way to it: the network, and waiting before it begins
	// From is what its calls to others have in common on the way: it is slow to send, or to take the answers.
	From float64
}

// Sum is all three.
func (s Split) Sum() float64 { return s.Own + s.To + s.From }

// leastCallees is the number of services that a caller must call before anything can be common to its calls.
const leastCallees = 2

// attribute hands a linear quantity of links over to services. The sum stays what it is.
//
// Time on the way is the callee's, but for what the calls of one caller have in common, which is the caller's: the median over the
// services called, by call (of an even number the lower one), times the calls. With one service called nothing tells the two ends
// apart, and it is the callee's. calls gives the number of calls of each link.
func attribute(quantity, calls map[link]flow, services int) []Split {
	parts := make([]Split, services)
	inOrder := make([]link, 0, len(quantity))
	for l := range quantity {
		inOrder = append(inOrder, l)
	}
	slices.SortFunc(inOrder, func(a, b link) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for first := 0; first < len(inOrder); {
		from, next := inOrder[first].from, first
		for next < len(inOrder) && inOrder[next].from == from {
			next++
		}
		group := inOrder[first:next]
		first = next
		common := 0.0
		if from != callgraph.Unknown {
			common = commonOf(group, quantity, calls)
		}
		for _, l := range group {
			if l.to < 0 || l.to >= services {
				continue
			}
			f, moved := quantity[l], 0.0
			parts[l.to].Own += f.own
			if l.from != l.to && from >= 0 && from < services {
				moved = common * calls[l].calls
				parts[from].From += moved
			}
			parts[l.to].To += f.network - moved
		}
	}
	return parts
}

// commonOf is what a call of each service called has of the network time at least, by the lower median.
func commonOf(group []link, quantity, calls map[link]flow) float64 {
	var each []float64
	for _, l := range group {
		if n := calls[l].calls; l.from != l.to && n > 0 {
			each = append(each, quantity[l].network/n)
		}
	}
	if len(each) < leastCallees {
		return 0
	}
	slices.Sort(each)
	return each[(len(each)-1)/2]
}
