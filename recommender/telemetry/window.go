package telemetry

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
	"unique"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// Entry names the operation at which requests come in.
type Entry struct {
	// Namespace is compared with k8s.namespace.name if the data name it, else with service.namespace; data that name neither match, and
	// so do all if it is empty.
	Namespace string
	Service   string // service.name
	Operation string // the span's name; of http.server.request.duration "<method> <route>"
}

// Identity is whose spans and series they are, as far as the resource says; what it leaves out is empty.
type Identity struct {
	Namespace  string // k8s.namespace.name, else service.namespace
	Service    string // service.name
	Deployment string // k8s.deployment.name
	Container  string // k8s.container.name
}

func identityOf(r otlp.Resource) Identity {
	return Identity{
		Namespace: cmp.Or(r.K8sNamespace, r.ServiceNamespace), Service: r.Service, Deployment: r.Deployment, Container: r.Container,
	}
}

// serves reports whether the entry's operations are those of this service.
func (a Identity) serves(e Entry) bool {
	return a.Service == e.Service && (a.Namespace == "" || e.Namespace == "" || a.Namespace == e.Namespace)
}

// Window is what is known about an entry operation in [From, To).
type Window struct {
	From, To time.Time
	// Newest is the time of the newest datum about the entry that ever arrived: the end of a span, or the time of a point even if it
	// counts no request; when it arrived, if that is earlier. It is not after now. Zero: never, as far as is remembered: see Limits.Series.
	Newest           time.Time
	Requests, Within float64 // of the entry operation; Within = number that succeeded within the target
	// Percentile is that of the successful requests' durations, in seconds, with its 90 % interval by order statistics. All three are
	// NaN for fewer than MinRequests of them.
	Percentile, PercentileLow, PercentileHigh float64
	FromSpans                                 bool // no histogram of the entry counts a request in the window, but spans do: they stood in, by weight
	// Duration is the mean duration of the entry's spans, Network the part of it between services, in seconds, by sampling weight:
	// Duration = Network + sum over Services of Critical·Self. NaN without traces.
	Duration, Network float64
	Services          []Service         // those that requests of the entry touch, in the window or in older traces still held
	Links             []Link            // calls between services in requests of the entry, in the window
	Traces            int               // requests of the entry found in traces
	Repairs           callgraph.Repairs // of the traces behind Services
}

// Service is one service's part in the requests of an entry. Visits and Critical are NaN without any trace of the entry in the window,
// Self is NaN if none of them touched the service.
type Service struct {
	ID     Identity
	Pods   []string // k8s.pod.uid seen in the window, sorted
	Calls  float64  // per second, for all entries and operations: from histograms, without these from weighted spans
	Visits float64  // calls per request of the entry
	// Critical is the number of calls per request that lie on the critical path, by time: time on the critical path over Self. It is 0
	// for a service whose calls took no time, and at most Visits.
	Critical float64
	Self     float64 // mean exclusive time of a call, seconds
	Traces   float64 // requests of the entry, in traces, that touched it
}

// MinRequests is the least number of successful requests that a percentile is given for: with fewer its interval would have no upper
// end. It is ln 0.05 / ln percentile rounded up: 299 for 0.99, 59 for 0.95. NaN unless 0 < percentile < 1.
func MinRequests(percentile float64) float64 { return distribution.Least(percentile) }

// Window reads out what arrived about an entry with times in [from, to): of spans the end of the entry's span, of points their time.
// from is before to, percentile in (0,1), target in seconds. Exporters send seconds after the fact: a window that ends a little before
// now misses less. What arrives after its window was read is in no window.
func (s *Store) Window(e Entry, percentile, target float64, from, to time.Time) Window {
	r := s.snapshot(e)
	r.from, r.to = from.UnixNano(), to.UnixNano()
	r.seconds = to.Sub(from).Seconds()
	w := Window{From: from, To: to, Newest: r.newest}
	graph := r.readTraces(&w)
	calls := r.readIncrements()
	d := calls.entry
	if d == nil || d.total+d.failed == 0 && graph.weight > 0 {
		d, w.FromSpans = &graph.durations, graph.weight > 0
	}
	w.Requests, w.Within = d.total+d.failed, d.values.Within(target)
	w.Percentile, w.PercentileLow, w.PercentileHigh = d.percentile(percentile)
	w.Services = r.services(graph, calls)
	return w
}

// reading is a snapshot of the store with what is asked of it. It is read without the lock.
type reading struct {
	entry      Entry
	operation  unique.Handle[string]
	from, to   int64
	seconds    float64
	newest     time.Time
	traces     [][]otlp.Span
	increments []increment
	identities map[unique.Handle[otlp.Resource]]Identity
}

func (s *Store) snapshot(e Entry) *reading {
	r := &reading{entry: e, operation: unique.Make(e.Operation), identities: map[unique.Handle[otlp.Resource]]Identity{}}
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	r.traces = make([][]otlp.Span, 0, len(s.traces))
	for _, t := range s.arrivals.snapshot() {
		r.traces = append(r.traces, slices.Clip(t.spans))
	}
	r.increments = s.increments.snapshot()
	r.newest = s.names.newest(e, now)
	return r
}

func (r *reading) covers(at int64) bool { return at >= r.from && at < r.to }

// identity is the resource's, worked out once.
func (r *reading) identity(of unique.Handle[otlp.Resource]) Identity {
	id, ok := r.identities[of]
	if !ok {
		id = identityOf(of.Value())
		r.identities[of] = id
	}
	return id
}

// durations are those of the entry's requests.
type durations struct {
	values        distribution.Mixture // of the successful ones
	total, failed float64              // requests that succeeded and that did not, by weight
	squares       float64              // sum of the successful ones' squared weights; 0: they all count as one
}

// percentile is the value and its interval. By weight, a request counts as (sum of weights)²/(sum of squares) over all (Kish).
func (d *durations) percentile(p float64) (value, low, high float64) {
	n := d.total
	if d.squares > 0 {
		n = d.total * d.total / d.squares * (1 + 1e-9) // equal weights give a whole number, but for rounding
	}
	if !(n >= distribution.Least(p)) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	first, last := distribution.Ranks(n, p)
	q := d.values.Quantiles(p, float64(first)/n, float64(last)/n)
	return q[0], q[1], q[2]
}

// services puts together what traces and increments say of each service.
func (r *reading) services(g *graph, c *calls) []Service {
	ids := slices.SortedFunc(maps.Keys(g.touched), compareIdentities)
	list := make([]Service, 0, len(ids))
	for _, id := range ids {
		one := Service{ID: id, Visits: math.NaN(), Critical: math.NaN(), Self: math.NaN()}
		if g.weight > 0 {
			one.Visits, one.Critical = 0, 0
		}
		if p := g.parts[id]; p != nil && p.calls > 0 {
			one.Visits, one.Self, one.Traces = p.calls/g.weight, p.self/p.calls/1e9, p.traces
			if p.self > 0 {
				one.Critical = p.critical / g.weight / (p.self / p.calls)
			}
		}
		pods := maps.Clone(g.pods[id])
		if pods == nil {
			pods = map[string]bool{}
		}
		one.Calls = r.rate(id, g, c, pods)
		delete(pods, "")
		one.Pods = slices.Sorted(maps.Keys(pods))
		list = append(list, one)
	}
	return list
}

func compareIdentities(a, b Identity) int {
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Service, b.Service),
		cmp.Compare(a.Deployment, b.Deployment), cmp.Compare(a.Container, b.Container),
	)
}
