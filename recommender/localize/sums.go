package localize

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// blocks is the number of consecutive blocks of requests of which each is left out once to estimate errors (jackknife): requests close
// in time are not independent, blocks nearly are. 20 give a standard error to within a sixth (1/√(2·19)).
const blocks = 20

// link is a caller and a service called, both numbers of services; from is callgraph.Unknown for the entry.
type link struct{ from, to int }

// flow is what runs over a link, summed over requests: times in nanoseconds times the weight of the request.
type flow struct{ calls, own, network float64 }

// sums are what all figures are made of: linear in requests, so that a block is left out by subtraction.
type sums struct {
	requests, duration, square float64 // the number, the sum of durations and of their squares
	late, lateDuration         float64 // the same of requests above the percentile
	mean, product, tail        map[link]flow
	pattern                    map[int]*patternSums
}

// patternSums are the sums over the requests of a pattern.
type patternSums struct {
	requests, duration float64
	mean               map[link]flow
}

func newSums() *sums {
	return &sums{mean: map[link]flow{}, product: map[link]flow{}, tail: map[link]flow{}, pattern: map[int]*patternSums{}}
}

// add takes in a request. Above the threshold (nanoseconds) it is late.
func (s *sums) add(r *Request, threshold float64) {
	d := r.Duration()
	s.requests++
	s.duration += d
	s.square += d * d
	late := d > threshold
	if late {
		s.late++
		s.lateDuration += d
	}
	p := s.of(r.Pattern)
	p.requests++
	p.duration += d
	for _, e := range r.Edges {
		l, f := linkOf(e)
		put(s.mean, l, f, 1)
		put(s.product, l, f, d)
		put(p.mean, l, f, 1)
		if late {
			put(s.tail, l, f, 1)
		}
	}
}

// linkOf takes a call to something without spans as work of its caller: nobody else can be blamed for it.
func linkOf(e callgraph.Edge) (link, flow) {
	if e.To == callgraph.Unknown {
		return link{e.From, e.From}, flow{own: float64(e.Critical + e.Network)}
	}
	return link{e.From, e.To}, flow{float64(e.Calls), float64(e.Critical), float64(e.Network)}
}

func put(to map[link]flow, l link, f flow, weight float64) {
	sum := to[l]
	to[l] = flow{sum.calls + weight*f.calls, sum.own + weight*f.own, sum.network + weight*f.network}
}

// plus adds the sums of other requests.
func (s *sums) plus(o *sums) {
	s.requests += o.requests
	s.duration += o.duration
	s.square += o.square
	s.late += o.late
	s.lateDuration += o.lateDuration
	add(s.mean, o.mean, 1)
	add(s.product, o.product, 1)
	add(s.tail, o.tail, 1)
	for number, p := range o.pattern {
		mine := s.of(number)
		mine.requests += p.requests
		mine.duration += p.duration
		add(mine.mean, p.mean, 1)
	}
}

// of returns the sums of a pattern.
func (s *sums) of(pattern int) *patternSums {
	p := s.pattern[pattern]
	if p == nil {
		p = &patternSums{mean: map[link]flow{}}
		s.pattern[pattern] = p
	}
	return p
}

// add adds flows with a weight.
func add(to, from map[link]flow, weight float64) {
	for l, f := range from {
		put(to, l, f, weight)
	}
}

// divide adds the requests up in blocks. The percentile is between 0 and 1.
func divide(requests []Request, percentile float64) []*sums {
	threshold := quantile(durations(requests), percentile)
	n := min(blocks, len(requests))
	list := make([]*sums, n)
	for i := range list {
		list[i] = newSums()
		for k := i * len(requests) / n; k < (i+1)*len(requests)/n; k++ {
			list[i].add(&requests[k], threshold)
		}
	}
	return list
}

const none = -1

// total adds all blocks but one, or all of them without none.
func total(list []*sums, without int) *sums {
	all := newSums()
	for i, s := range list {
		if i != without {
			all.plus(s)
		}
	}
	return all
}

// durations are those of requests, nanoseconds.
func durations(requests []Request) []float64 {
	list := make([]float64, len(requests))
	for i := range requests {
		list[i] = requests[i].Duration()
	}
	return list
}

// quantile is the smallest value that a share q of all does not exceed; NaN of none. It sorts the values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return values[min(len(values)-1, max(0, int(math.Ceil(q*float64(len(values))-1e-9))-1))]
}
