package queueing

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/eventlist"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// Simulation is a running application. Make one with New; it is not safe for concurrent use.
type Simulation struct {
	cfg  Config
	plan plan
	now  float64
	err  error

	park     *park.Park
	calendar eventlist.Calendar[event]
	loads    []load
	nextLoad int // the load with the next arrival, -1 for none

	services   []service
	operations []operation
	calls      []calls // by kind
	pods       []pod
	visits     []visit
	unused     []int32     // visits
	timeouts   []deadlines // by node

	stream  stream
	rng     *rand.Rand // over stream
	spans   []Span
	dropped uint64 // spans
}

type load struct {
	process   *arrival.Poisson
	operation int32
	key       uint64
	number    uint64
}

// New checks the configuration and returns the simulation at time 0, without pods.
func New(cfg Config) (*Simulation, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuring a simulation: %w", err)
	}
	if cfg.MaxSpans == 0 {
		cfg.MaxSpans = DefaultMaxSpans
	}
	if cfg.MaxVisits == 0 {
		cfg.MaxVisits = DefaultMaxVisits
	}
	s := &Simulation{cfg: cfg, plan: newPlan(&cfg.Application)}
	var err error
	if s.park, err = park.New(cfg.Machines, cfg.Interference); err != nil {
		return nil, err
	}
	s.rng = rand.New(&s.stream) //nolint:gosec // a simulation
	s.timeouts = make([]deadlines, len(s.plan.nodes))
	s.operations = make([]operation, len(cfg.Application.Operations))
	s.calls = make([]calls, len(s.plan.kinds))
	for _, spec := range cfg.Application.Services {
		s.services = append(s.services, newService(spec))
	}
	for i, l := range cfg.Loads {
		key := derive(mix(cfg.Seed), uint64(i)) //nolint:gosec // not negative
		process, err := arrival.NewPoisson(l.Rates, rand.NewPCG(key, golden))
		if err != nil {
			return nil, err
		}
		s.loads = append(s.loads, load{process: process, operation: int32(cfg.operation(l.Operation)), key: key}) //nolint:gosec // a few
	}
	s.findArrival()
	return s, nil
}

func newService(spec servicegraph.Service) service {
	if spec.Queue == 0 {
		spec.Queue = servicegraph.DefaultQueue
	}
	if spec.Counters == (servicegraph.Counters{}) {
		spec.Counters = servicegraph.DefaultCounters()
	}
	return service{spec: spec}
}

// Now returns the time up to which the simulation has run.
func (s *Simulation) Now() float64 { return s.now }

// Advance runs until a time, which must not lie in the past. It fails if interference has no answer for a mix that came about by a
// pod's leaving; the simulation then stands still at that time.
func (s *Simulation) Advance(until float64) error {
	if !(until >= s.now) || math.IsInf(until, 1) {
		return fmt.Errorf("until is %v, expected a finite time of at least %v", until, s.now)
	}
	for s.err == nil {
		at := s.park.Next()
		next := min(at, s.calendar.Next())
		incoming := math.Inf(1)
		if s.nextLoad >= 0 {
			incoming = s.loads[s.nextLoad].process.Next()
		}
		if incoming < next {
			next = incoming
		}
		if next > until || math.IsInf(next, 1) {
			s.now = until
			return nil
		}
		s.now = next
		switch next {
		case at:
			s.fire()
		case incoming:
			s.request()
		default:
			s.happen(s.calendar.Pop())
		}
	}
	return s.err
}

// fire handles a machine's event: a call's computation or a pod's start-up is done.
func (s *Simulation) fire() {
	id, ended := s.park.Fire()
	switch {
	case !ended:
	case id < 0:
		s.ready(PodID(^id))
	default:
		s.computed(id)
	}
}

// event is something that happens to a call, a pod or a list of timeouts at a time that is known.
type event struct {
	id   int32  // of the call, pod or node
	gen  uint32 // of the call: an event for a call that is gone is void
	kind kind
}

type kind uint8

const (
	arrives  kind = iota // a call reaches its pod
	waited               // a stage's wait is over
	returns              // an answer reaches the caller
	timesOut             // the first timeout of a node's list
	starts               // a pod's start-up delay is over
	graceEnd             // a pod that is leaving must be gone
)

// happen handles an event of the calendar. Events for calls that are gone are void.
func (s *Simulation) happen(e event) {
	switch e.kind {
	case timesOut:
		s.timeOut(e.id)
	case starts:
		s.boot(PodID(e.id))
	case graceEnd:
		s.kill(PodID(e.id))
	case arrives, waited, returns:
		if s.visits[e.id].gen != e.gen {
			return
		}
		switch e.kind {
		case arrives:
			s.arrive(e.id)
		case waited:
			s.makeCalls(e.id)
		default:
			s.returned(e.id)
		}
	}
}

// request starts the next request of the loads.
func (s *Simulation) request() {
	l := &s.loads[s.nextLoad]
	key := derive(l.key, l.number)
	l.number++
	l.process.Pop()
	s.findArrival()
	u := uniform(key, placePattern)
	roots := s.plan.roots[l.operation]
	i := 0
	for roots[i].cumulative <= u {
		i++
	}
	o := &s.operations[l.operation]
	o.arrived++
	if len(s.visits)-len(s.unused) >= s.cfg.MaxVisits {
		o.dropped++
		return
	}
	s.issue(roots[i].node, caller{
		parent: noVisit, root: true, key: key, trace: key, began: s.now, sampled: uniform(key, placeSpan) < s.cfg.SpanRate,
	})
}

func (s *Simulation) findArrival() {
	s.nextLoad = -1
	first := math.Inf(1)
	for i := range s.loads {
		if t := s.loads[i].process.Next(); t < first {
			s.nextLoad, first = i, t
		}
	}
}
