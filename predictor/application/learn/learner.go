package learn

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/application/learn/arrivals"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
)

// Usage is the CPU of a service over some time.
type Usage struct {
	Service string
	// Time is the unix seconds, on the clock of the spans, at which it counts: the middle of the interval that it is of.
	Time float64
	// Pods is their number, Used the cores that all of them used together, Cores what one can obtain: its limit, or its share of a busy node.
	Pods, Used, Cores float64
}

// Learner gathers traces and usage. It is not safe for concurrent use; see New.
type Learner struct {
	names   []string // of services, by the numbers in the spans
	numbers map[string]int
	seconds float64 // of a window
	sampled float64

	first, last int64 // nanoseconds, of all calls
	windows     map[int64]*window
	entries     map[graphpattern.Label]*entry
	order       []graphpattern.Label         // of entries, as they came
	usage       map[string]map[int64][]Usage // by service and window
	times       map[operation][]float64      // of calls, seconds
	// Traces and Requests are what was added, Repairs what was wrong.
	Traces, Requests int
	Repairs          callgraph.Repairs
}

// operation is an operation of a service; of callgraph.Unknown one that sends no spans.
type operation struct {
	service int
	name    string
}

// owner is the service that an operation is of. One that sends no spans is its own.
func (op operation) owner() operation {
	if op.service != callgraph.Unknown {
		op.name = ""
	}
	return op
}

// window is what is known of a piece of time.
type window struct {
	times    map[operation]map[operation]*moments // of calls, by owner and operation
	arrivals map[operation]*arrivals.Counts       // by owner
	requests map[graphpattern.Label]*requests
}

// requests are those of one entry in a window.
type requests struct {
	durations []float64 // seconds
	patterns  map[int]int
}

// entry is what is known of all requests of an entry.
type entry struct {
	book  *graphpattern.Book
	calls []map[operation]count // by pattern; None is the first, so that pattern i stands at i+1
}

// count is the number of calls of all requests of a pattern: all that are waited for, and what of them lies on the critical path.
type count struct{ waited, critical float64 }

// moments are sums over values.
type moments struct{ n, sum, squares float64 }

func (m *moments) add(x float64) {
	m.n++
	m.sum += x
	m.squares += x * x
}

func (m *moments) mean() float64 { return m.sum / m.n }

func (m *moments) variance() float64 {
	return max(0, m.squares/m.n-m.mean()*m.mean())
}

func (m *moments) join(o *moments) {
	m.n, m.sum, m.squares = m.n+o.n, m.sum+o.sum, m.squares+o.squares
}

// New returns an empty learner for spans of the named services, windows of so many seconds, above 0, and spans that are of the given
// share of all requests, in (0, 1].
func New(services []string, seconds, sampled float64) *Learner {
	numbers := make(map[string]int, len(services))
	for i, name := range services {
		numbers[name] = i
	}
	return &Learner{
		names: services, numbers: numbers, seconds: seconds, sampled: sampled, first: math.MaxInt64, last: math.MinInt64, windows: map[int64]*window{},
		entries: map[graphpattern.Label]*entry{}, usage: map[string]map[int64][]Usage{}, times: map[operation][]float64{},
	}
}

// Observe takes in the CPU of a service. Rows out of range are the caller's to refuse.
func (l *Learner) Observe(u Usage) {
	if l.usage[u.Service] == nil {
		l.usage[u.Service] = map[int64][]Usage{}
	}
	at := int64(math.Floor(u.Time / l.seconds))
	l.usage[u.Service][at] = append(l.usage[u.Service][at], u)
}

// Add takes in the requests of one trace.
func (l *Learner) Add(spans []callgraph.Span) {
	tree, repairs := callgraph.Build(spans)
	l.Traces++
	l.Repairs.Add(repairs)
	for _, first := range tree.Requests() {
		if calls := tree.Calls(first); len(calls) > 0 {
			l.request(calls)
		}
	}
}

func (l *Learner) request(calls []callgraph.Call) {
	l.Requests++
	label := graphpattern.Label{Service: calls[0].Service, Operation: calls[0].Operation}
	e := l.entries[label]
	if e == nil {
		e = &entry{book: graphpattern.New()}
		l.entries[label] = e
		l.order = append(l.order, label)
	}
	pattern := e.book.Add(calls)
	for len(e.calls) < pattern+2 {
		e.calls = append(e.calls, map[operation]count{})
	}
	w := l.window(calls[0].Start)
	times := own(calls)
	waited, owners := make([]bool, len(calls)), map[operation]float64{}
	for i := range calls {
		c := &calls[i]
		op := operation{c.Service, c.Operation}
		l.first, l.last = min(l.first, c.Start), max(l.last, c.End)
		l.times[op] = append(l.times[op], times[i])
		w.add(op, times[i])
		owners[op.owner()]++
		waited[i] = !c.Background && (c.Caller < 0 || waited[c.Caller])
		n := e.calls[pattern+1][op]
		n.critical += onPath(c)
		if waited[i] {
			n.waited++
		}
		e.calls[pattern+1][op] = n
	}
	l.arrive(calls[0].Start, owners)
	r := w.requests[label]
	if r == nil {
		r = &requests{patterns: map[int]int{}}
		w.requests[label] = r
	}
	r.durations = append(r.durations, float64(calls[0].End-calls[0].Start)/1e9)
	r.patterns[pattern]++
}

// onPath is the part of a call on the critical path.
func onPath(c *callgraph.Call) float64 {
	switch {
	case c.Self > 0:
		return float64(c.Critical) / float64(c.Self)
	case c.Network > 0:
		return 1
	}
	return 0
}

// add takes in the time of a call.
func (w *window) add(op operation, seconds float64) {
	all := w.times[op.owner()]
	if all == nil {
		all = map[operation]*moments{}
		w.times[op.owner()] = all
	}
	if all[op] == nil {
		all[op] = &moments{}
	}
	all[op].add(seconds)
}

func (l *Learner) window(start int64) *window {
	at := int64(math.Floor(float64(start) / 1e9 / l.seconds))
	w := l.windows[at]
	if w == nil {
		w = &window{times: map[operation]map[operation]*moments{}, arrivals: map[operation]*arrivals.Counts{}, requests: map[graphpattern.Label]*requests{}}
		l.windows[at] = w
	}
	return w
}

// own are the times of calls without those of the calls that they wait for, seconds: what the caller saw, less what lies on the way that a
// sweep back from the call's end takes through them. As in package callgraph a call that overlaps a later one is hidden behind it, so that a
// call's own time and the longest of parallel branches make up the whole.
func own(calls []callgraph.Call) []float64 {
	left, reached := make([]int64, len(calls)), make([]int64, len(calls))
	for i := range calls {
		left[i], reached[i] = calls[i].End-calls[i].Start, calls[i].End
	}
	for _, i := range byEnd(calls) {
		c := &calls[i]
		if c.Caller < 0 || c.Background {
			continue
		}
		caller := &calls[c.Caller]
		if until := reached[c.Caller]; c.End <= until+callgraph.Slack(caller.End-caller.Start) {
			from := max(c.Start, caller.Start)
			left[c.Caller] -= max(0, min(c.End, until)-from)
			reached[c.Caller] = min(until, from)
		}
	}
	out := make([]float64, len(calls))
	for i := range calls {
		out[i] = float64(left[i]) / 1e9
	}
	return out
}

// byEnd are the indices of calls, the last to end first, of those that end together the last to start.
func byEnd(calls []callgraph.Call) []int {
	order := make([]int, len(calls))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(calls[b].End, calls[a].End), cmp.Compare(calls[b].Start, calls[a].Start), cmp.Compare(a, b))
	})
	return order
}
