// Package sizing holds recommender/sizing against the plant: a chain of three services on a machine that batch work keeps busy, requests
// and resizes in a closed loop.
package sizing

import (
	"math"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

const (
	percentile = 0.99
	target     = 0.2 // seconds
	cores      = 16. // of the machine
	window     = time.Hour
	requested  = 0.98 // share of the machine's cores that is requested, by batch work what the services leave
)

// names are the services of the chain: web calls geo once and db three times.
var names = []string{"web", "geo", "db"}

// plantLoop is one run.
type plantLoop struct {
	t       *testing.T
	sim     *queueing.Simulation
	pods    []queueing.PodID // one per service
	control *sizing.Controller
	batch   queueing.PodID // always wants all of the machine, and requests what the services leave

	before   queueing.OperationStats
	services []queueing.ServiceStats
	last     []queueing.PodStats
	minutes  []minute
	busy     float64 // the machine's core-seconds
	idle     bool    // there is no batch work
	fixed    bool    // requests are never changed
}

// minute is what a minute was like.
type minute struct {
	requests, within float64
	percentile       float64 // seconds
	cores            float64 // requested by the services
	resized          int
	decision         sizing.Decision
}

func application() servicegraph.Application {
	db := servicegraph.Call{
		Service: "db", Operation: "query", Network: servicegraph.Constant(0.0002), Stages: []servicegraph.Stage{{Work: servicegraph.Exp(0.003)}},
	}
	geo := servicegraph.Call{
		Service: "geo", Operation: "near", Network: servicegraph.Constant(0.0002), Stages: []servicegraph.Stage{{Work: servicegraph.Exp(0.006)}},
	}
	page := servicegraph.Call{Service: "web", Operation: "page", Stages: []servicegraph.Stage{
		{Work: servicegraph.Exp(0.002), Calls: []servicegraph.Call{geo}},
		{Calls: []servicegraph.Call{db}},
		{Calls: []servicegraph.Call{db}},
		{Calls: []servicegraph.Call{db}},
		{Work: servicegraph.Exp(0.001)},
	}}
	return servicegraph.Application{
		Services:   []servicegraph.Service{{Name: "web"}, {Name: "geo"}, {Name: "db"}},
		Operations: []servicegraph.Operation{{Name: "page", TargetSeconds: target, Patterns: []servicegraph.Pattern{{Share: 1, Root: page}}}},
	}
}

func newLoop(t *testing.T, seed uint64, rates arrival.Rates, requests []float64) *plantLoop {
	t.Helper()
	sim, err := queueing.New(queueing.Config{
		Application: application(), Machines: []park.MachineSpec{{Name: "node", Cores: cores}},
		Loads: []queueing.Load{{Operation: "page", Rates: rates}}, Seed: seed, SpanRate: 0.2,
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &plantLoop{t: t, sim: sim}
	for i, name := range names {
		id, err := sim.AddPod(queueing.PodSpec{Service: name, Machine: "node", RequestCores: requests[i], Started: true})
		if err != nil {
			t.Fatal(err)
		}
		l.pods = append(l.pods, id)
	}
	l.addBatch()
	l.control = sizing.New(sizing.Objective{Name: "page", Percentile: percentile, Target: target}, sizing.DefaultPeriods(), window)
	l.snapshot()
	return l
}

func (l *plantLoop) snapshot() {
	l.before, l.services, l.last = l.sim.Operations()[0], l.sim.Services(), l.last[:0]
	for _, id := range l.pods {
		l.last = append(l.last, l.pod(id))
	}
}

func (l *plantLoop) pod(id queueing.PodID) queueing.PodStats {
	p, err := l.sim.Pod(id)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// clock is the logical time of a second of the simulation.
func clock(seconds float64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// run advances a minute at a time: observe, decide, act as the VPA updater does.
func (l *plantLoop) run(minutes int) {
	l.t.Helper()
	for range minutes {
		if err := l.sim.Advance(l.sim.Now() + 60); err != nil {
			l.t.Fatal(err)
		}
		o := l.observe()
		l.snapshot()
		m := minute{requests: o.Requests, within: o.Within, percentile: o.Percentile}
		for _, s := range o.Services {
			m.cores += s.Pods[0].Request
		}
		if !l.fixed {
			if err := l.control.Observe(o); err != nil {
				l.t.Fatal(err)
			}
			m.decision = l.control.Decide(o.Time)
			m.resized = l.act(m.decision, o)
		}
		l.minutes = append(l.minutes, m)
	}
}

func (l *plantLoop) act(d sizing.Decision, o sizing.Observation) (resized int) {
	for _, a := range d.Allocations {
		for i, s := range o.Services {
			if has := s.Pods[0].Request; s.Workload == a.Workload && (has < a.Lower || has > a.Upper) {
				resized++
				if err := l.sim.Resize(l.pods[i], a.Target, 0); err != nil {
					l.t.Fatal(err)
				}
			}
		}
	}
	if l.idle {
		return resized
	}
	if err := l.sim.Resize(l.batch, l.left(), 0); err != nil {
		l.t.Fatal(err)
	}
	return resized
}

// left is what the services leave of what is requested.
func (l *plantLoop) left() float64 {
	left := requested * cores
	for _, id := range l.pods {
		left -= l.pod(id).RequestCores
	}
	return left
}

// addBatch starts batch work that wants all of the machine.
func (l *plantLoop) addBatch() {
	l.t.Helper()
	var err error
	l.idle = false
	l.batch, err = l.sim.AddBatch(queueing.BatchSpec{Machine: "node", Threads: 2 * cores, RequestCores: l.left()})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *plantLoop) observe() sizing.Observation {
	const seconds = 60.
	now := l.sim.Operations()[0]
	latency := now.Latency.Since(l.before.Latency)
	o := sizing.Observation{
		Time: clock(l.sim.Now()), Seconds: seconds, Requests: float64(latency.Count()), Within: float64(now.InTime - l.before.InTime),
		Percentile: math.NaN(),
	}
	if latency.Count() > 100 {
		o.Percentile = latency.Quantile(percentile)
	}
	selfs, roots := l.selfTimes()
	o.Duration = roots.sum / float64(roots.n)
	busy := l.sim.Machines()[0].BusySeconds
	idle := cores - (busy-l.busy)/seconds
	l.busy = busy
	for i, s := range l.sim.Services() {
		p := l.pod(l.pods[i])
		pod := sizing.Pod{Request: p.RequestCores, Usage: (p.CPUSeconds - l.last[i].CPUSeconds) / seconds, Headroom: 4, Node: "node"}
		pod.Available = max(p.RequestCores/requested, pod.Usage+idle)
		o.Services = append(o.Services, sizing.Service{
			Workload: s.Name, Calls: float64(s.Served-l.services[i].Served) / seconds, Visits: float64(selfs[i].n) / float64(roots.n),
			Critical: float64(selfs[i].n) / float64(roots.n), Self: selfs[i].sum / float64(selfs[i].n), Pods: []sizing.Pod{pod}, InPlace: true,
		})
	}
	return o
}

type mean struct {
	sum float64
	n   int
}

// selfTimes are the exclusive times of calls, from spans; calls are one after the other here.
func (l *plantLoop) selfTimes() (byService []mean, roots mean) {
	spans, _ := l.sim.TakeSpans()
	children := map[uint64]float64{}
	for _, s := range spans {
		children[s.Parent] += s.DurationSeconds
	}
	byService = make([]mean, len(names))
	for _, s := range spans {
		if s.Parent == 0 {
			roots.sum += s.DurationSeconds
			roots.n++
		}
		for i, name := range names {
			if s.Service == name {
				byService[i].sum += s.DurationSeconds - children[s.ID]
				byService[i].n++
			}
		}
	}
	return byService, roots
}

// result is a summary of the minutes from one on.
type result struct{ attainment, cores, worst, resizes float64 }

func (l *plantLoop) since(first int) result {
	var r result
	var requests, within float64
	for _, m := range l.minutes[first:] {
		requests, within = requests+m.requests, within+m.within
		r.cores += m.cores / float64(len(l.minutes)-first)
		r.worst = max(r.worst, m.percentile)
		r.resizes += float64(m.resized)
	}
	r.attainment = within / requests
	return r
}

// published is the share of minutes, from one on, whose percentile was in the interval published two minutes before, of what the
// controller would have done by then.
func (l *plantLoop) published(first int) float64 {
	var held, n float64
	for i := first; i < len(l.minutes); i++ {
		if p, v := l.minutes[i-hindsight.Lag].decision.Predicted, l.minutes[i].percentile; p.Low <= v && v <= p.High {
			held++
		}
		n++
	}
	return held / n
}

func constant(perSecond float64) arrival.Rates {
	return arrival.Rates{StepSeconds: 60, PerSecond: []float64{perSecond}, Repeat: true}
}
