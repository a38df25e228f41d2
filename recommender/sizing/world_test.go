package sizing_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
)

const (
	p99    = 0.99
	target = 0.2 // seconds
)

// part is a service of a world.
type part struct {
	name         string
	work, visits float64 // core-seconds a call, calls per request
	pods         []sizing.Pod
	min, max     float64
	recreate     bool // not resized in place
	untraced     bool
}

// world answers with closed forms: processor sharing at the cores of the request on busy nodes, and the p99 of a sum of exponential times
// by simulation of 4,000 requests. It stands for what is around the controller; the closed loop with the plant is under test/.
type world struct {
	t       *testing.T
	control *sizing.Controller
	parts   []part
	rate    float64
	minute  int
	rng     *rand.Rand
	seen    func(o *sizing.Observation) // what else is in a window, or missing; may be nil
	last    sizing.Observation
}

func newWorld(t *testing.T) *world {
	t.Helper()
	pods := func(n int, request float64) []sizing.Pod {
		out := make([]sizing.Pod, n)
		for i := range out {
			out[i] = sizing.Pod{Request: request, Headroom: 8}
		}
		return out
	}
	return &world{
		t: t, rate: 50, rng: rand.New(rand.NewPCG(1, 2)),
		control: sizing.New(sizing.Objective{Name: "page", Percentile: p99, Target: target}, sizing.DefaultPeriods(), time.Hour),
		parts: []part{
			{name: "shop/db", work: 0.004, visits: 3, pods: pods(2, 0.6)},
			{name: "shop/geo", work: 0.008, visits: 1, pods: pods(2, 0.4)},
			{name: "shop/web", work: 0.003, visits: 1, pods: pods(1, 0.4)},
		},
	}
}

func (w *world) now() time.Time { return start.Add(time.Duration(w.minute) * time.Minute) }

// observe is the next minute.
func (w *world) observe() sizing.Observation {
	w.minute++
	o := sizing.Observation{Time: w.now(), Seconds: 60, Requests: w.rate * 60}
	var selfs, visits []float64
	for _, p := range w.parts {
		s := sizing.Service{
			Workload: p.name, Calls: w.rate * p.visits, Visits: p.visits, Critical: p.visits, Min: p.min, Max: p.max, InPlace: !p.recreate,
		}
		load := s.Calls / float64(len(p.pods))
		for _, pod := range p.pods {
			pod.Available, pod.Usage = pod.Request, min(load*p.work, pod.Request)
			s.Pods = append(s.Pods, pod)
			self := p.work / max(pod.Request-load*p.work, 0.01*pod.Request)
			s.Self += self * (1 + 0.02*w.rng.NormFloat64()) / float64(len(p.pods))
		}
		selfs, visits = append(selfs, s.Self), append(visits, p.visits)
		if p.untraced {
			s.Self = math.NaN()
		}
		o.Services = append(o.Services, s)
	}
	o.Percentile, o.Within = w.draw(selfs, visits, o.Requests)
	return o
}

// draw returns the p99 of requests and the number within the target.
func (w *world) draw(selfs, visits []float64, requests float64) (percentile, within float64) {
	const n = 4000
	late, over := 0., make([]float64, 0, n)
	for range n {
		var sum float64
		for i := range selfs {
			for range int(visits[i]) {
				sum += selfs[i] * w.rng.ExpFloat64()
			}
		}
		if sum > target {
			late++
		}
		over = append(over, sum)
	}
	return quantile(over, p99), requests * (1 - late/n)
}

// step is a minute: observe, decide, and act as the updater does.
func (w *world) step() sizing.Decision {
	w.t.Helper()
	w.last = w.observe()
	if w.seen != nil {
		w.seen(&w.last)
	}
	w.must(w.last)
	d := w.control.Decide(w.now())
	for _, a := range d.Allocations {
		w.check(a)
		for i := range w.parts {
			for j := range w.parts[i].pods {
				pod := &w.parts[i].pods[j]
				if w.parts[i].name == a.Workload && (pod.Request < a.Lower || pod.Request > a.Upper) {
					pod.Request = a.Target
				}
			}
		}
	}
	return d
}

// check is what holds of every allocation.
func (w *world) check(a sizing.Allocation) {
	w.t.Helper()
	if !(a.Lower > 0 && a.Lower <= a.Target && a.Target <= a.Upper) || math.IsInf(a.Upper, 1) || a.Reason == "" {
		w.t.Fatalf("minute %d: %+v, expected 0 < Lower <= Target <= Upper and a reason", w.minute, a)
	}
	if !(a.Share >= 0 && a.Share <= 1) || math.IsNaN(a.Budget) || math.IsNaN(a.Sensitivity) {
		w.t.Fatalf("minute %d: %+v, expected numbers", w.minute, a)
	}
}

func (w *world) steps(n int) (d sizing.Decision) {
	w.t.Helper()
	for range n {
		d = w.step()
	}
	return d
}

func (w *world) allocation(d sizing.Decision, workload string) sizing.Allocation {
	w.t.Helper()
	for _, a := range d.Allocations {
		if a.Workload == workload {
			return a
		}
	}
	w.t.Fatalf("no allocation for %s in %+v", workload, d)
	return sizing.Allocation{}
}

// requested is the sum over all pods, in cores.
func (w *world) requested() float64 {
	var sum float64
	for _, p := range w.parts {
		for _, pod := range p.pods {
			sum += pod.Request
		}
	}
	return sum
}

func quantile(values []float64, p float64) float64 {
	slices.Sort(values)
	return values[int(math.Ceil(p*float64(len(values))))-1]
}
