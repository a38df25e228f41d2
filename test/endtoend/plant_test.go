package endtoend

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// The machine of the plant is kept busy by batch work, so that a pod obtains its request's share of it.
const (
	machineCores = 500.0
	requested    = 0.98
	perSecond    = 30.0
	asked        = 0.95
)

// plant is an application that nobody tells the law of: work is lognormal, services wait for disks, and requests come in bursts that hit
// all services at once.
type plant struct {
	application servicegraph.Application
	work        []float64 // core-seconds of a request, by service
	rates       arrival.Rates
}

func newPlant(seed uint64) *plant {
	r := rand.New(rand.NewPCG(seed, 1))
	services := 4 + r.IntN(3)
	p := &plant{work: make([]float64, services)}
	stages := make([]servicegraph.Stage, services) // what a call of each service is
	for i := range services {
		p.application.Services = append(p.application.Services, servicegraph.Service{Name: fmt.Sprint("s", i)})
		stages[i].Work = servicegraph.Law{Kind: servicegraph.LogNormal, MeanSeconds: 0.003 + 0.009*r.Float64(), CV: 0.6 + 0.8*r.Float64()}
		if r.IntN(2) == 0 {
			stages[i].Wait = servicegraph.Exp(0.002 + 0.004*r.Float64())
		}
	}
	var call func(service int, share float64, below []int) servicegraph.Call
	call = func(service int, share float64, below []int) servicegraph.Call {
		p.work[service] += share * stages[service].Work.MeanSeconds
		c := servicegraph.Call{
			Service: fmt.Sprint("s", service), Operation: "do", Network: servicegraph.Constant(0.0003), Stages: []servicegraph.Stage{stages[service]},
		}
		for len(below) > 0 { // the next stage calls the next one, or the next two at the same time
			next := servicegraph.Stage{Calls: []servicegraph.Call{call(below[0], share, nil)}}
			if below = below[1:]; len(below) > 0 && r.IntN(2) == 0 {
				next.Calls = append(next.Calls, call(below[0], share, nil))
				below = below[1:]
			}
			c.Stages = append(c.Stages, next)
		}
		return c
	}
	operation := servicegraph.Operation{Name: "do"}
	for _, share := range []float64{0.7, 0.3} {
		var below []int
		for _, service := range r.Perm(services - 1) {
			for range 1 + r.IntN(2) {
				below = append(below, service+1)
			}
		}
		root := call(0, share, below[:2+r.IntN(len(below)-1)])
		root.Network = servicegraph.Law{}
		operation.Patterns = append(operation.Patterns, servicegraph.Pattern{Share: share, Root: root})
	}
	p.application.Operations = []servicegraph.Operation{operation}
	p.rates = arrival.Rates{StepSeconds: 5, Repeat: true}
	for range 60 {
		p.rates.PerSecond = append(p.rates.PerSecond, perSecond*(0.75+0.5*r.Float64()))
	}
	return p
}

// run is a simulation of a plant.
type run struct {
	t     *testing.T
	sim   *queueing.Simulation
	pods  []queueing.PodID
	batch queueing.PodID
}

func (p *plant) start(t *testing.T, seed uint64, cores []float64) *run {
	t.Helper()
	sim, err := queueing.New(queueing.Config{
		Application: p.application, Machines: []park.MachineSpec{{Name: "node", Cores: machineCores}},
		Loads: []queueing.Load{{Operation: "do", Rates: p.rates}}, Seed: seed, SpanRate: 0.3,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, sim: sim}
	left := requested * machineCores
	for i, s := range p.application.Services {
		id, err := sim.AddPod(queueing.PodSpec{Service: s.Name, Machine: "node", RequestCores: cores[i] * requested, Started: true})
		if err != nil {
			t.Fatal(err)
		}
		r.pods = append(r.pods, id)
		left -= cores[i] * requested
	}
	if r.batch, err = sim.AddBatch(queueing.BatchSpec{Machine: "node", Threads: 2 * machineCores, RequestCores: left}); err != nil {
		t.Fatal(err)
	}
	return r
}

// resize gives pods what they can obtain.
func (r *run) resize(cores []float64) {
	r.t.Helper()
	left := requested * machineCores
	for i, id := range r.pods {
		left -= cores[i] * requested
		if err := r.sim.Resize(id, cores[i]*requested, 0); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.sim.Resize(r.batch, left, 0); err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) advance(seconds float64) {
	r.t.Helper()
	if err := r.sim.Advance(r.sim.Now() + seconds); err != nil {
		r.t.Fatal(err)
	}
}

// learned plays half an hour with CPU that changes every minute, and fits the application.
func (p *plant) learned(t *testing.T, seed uint64) *application.Model {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	var names []string
	numbers := map[string]int{}
	cores := make([]float64, len(p.work))
	for i, s := range p.application.Services {
		names, numbers[s.Name], cores[i] = append(names, s.Name), i, 2*perSecond*p.work[i]
	}
	r := p.start(t, seed, cores)
	l := learn.New(names, 60, 0.3)
	var spans []queueing.Span
	used := make([]float64, len(names))
	for range 30 {
		for i := range cores {
			cores[i] = perSecond * p.work[i] * (1.5 + 2*random.Float64())
		}
		r.resize(cores)
		r.advance(60)
		more, dropped := r.sim.TakeSpans()
		if dropped > 0 {
			t.Fatalf("%d spans dropped", dropped)
		}
		spans = append(spans, more...)
		for i, id := range r.pods {
			stats, err := r.sim.Pod(id)
			if err != nil {
				t.Fatal(err)
			}
			l.Observe(learn.Usage{Service: names[i], Time: r.sim.Now() - 30, Pods: 1, Used: (stats.CPUSeconds - used[i]) / 60, Cores: cores[i]})
			used[i] = stats.CPUSeconds
		}
	}
	for _, list := range traces(spans, numbers) {
		l.Add(list)
	}
	d, _, err := l.Document(func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	m, err := application.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// traces are the spans of requests that have ended.
func traces(spans []queueing.Span, numbers map[string]int) [][]callgraph.Span {
	byTrace, ended := map[uint64][]callgraph.Span{}, map[uint64]bool{}
	var order []uint64
	for _, s := range spans {
		one := callgraph.Span{
			Service: numbers[s.Service], Operation: s.Operation, Kind: callgraph.Server, Start: int64(s.StartSeconds * 1e9),
			End: int64((s.StartSeconds + s.DurationSeconds) * 1e9),
		}
		binary.BigEndian.PutUint64(one.ID[:], s.ID)
		binary.BigEndian.PutUint64(one.Parent[:], s.Parent)
		if byTrace[s.Trace] == nil {
			order = append(order, s.Trace)
		}
		byTrace[s.Trace] = append(byTrace[s.Trace], one)
		ended[s.Trace] = ended[s.Trace] || s.Parent == 0
	}
	var list [][]callgraph.Span
	for _, id := range order {
		if ended[id] {
			list = append(list, byTrace[id])
		}
	}
	return list
}

// allocated solves for the target that is predicted at 1.9 times the CPU that is used.
func allocated(t *testing.T, m *application.Model) (target float64, r patterns.Result) {
	t.Helper()
	d := m.Document()
	states := m.Observed()
	for i := range states {
		states[i].Cores = 1.9 * states[i].Load * d.Services[i].Law.Work
	}
	e := d.Entries[0]
	target = m.Quantile(0, states, asked)
	o := patterns.Objective{Name: "do", Percentile: asked, Target: target, Tail: e.Tail}
	for i, part := range m.Parts(0) {
		o.Patterns = append(o.Patterns, patterns.Pattern{Share: e.Patterns[i].Share, Part: part})
	}
	problem := patterns.Problem{Objectives: []patterns.Objective{o}}
	for i := range d.Services {
		s := &d.Services[i]
		bounds := allocate.Service{Name: s.Name, Pods: 1, Load: s.Rate, Law: latency.Law(s.Law), Visits: 1}
		one := patterns.Service{Name: s.Name, Pods: 1, Shift: s.Shift, Shape: s.Shape, Curve: s.Curve(application.State{Load: s.Rate})}
		one.Min, one.Max = bounds.Bounds()
		problem.Services = append(problem.Services, one)
	}
	r, err := patterns.Solve(problem)
	if err != nil {
		t.Fatal(err)
	}
	return target, r
}

// TestAllocationHolds fits ten applications of the plant, allocates CPU for a percentile, and plays them with it for an hour. What is
// claimed is known to be on the high side there, by up to the points that this asserts: the allocation makes all services busier together
// than they were seen, and with it calls vary more and depend on each other more than Tail, which is a mean over what was seen, says. The
// interval, which holds for a window as they were seen and for laws that err independently, is to hold in most.
func TestAllocationHolds(t *testing.T) {
	t.Parallel()
	const applications = 10
	held, sum, worst := 0, 0.0, 0.0
	for seed := range uint64(applications) {
		p := newPlant(seed + 1)
		m := p.learned(t, seed+100)
		target, result := allocated(t, m)
		cores, states := make([]float64, len(p.work)), m.Observed()
		for i, s := range p.application.Services {
			cores[i] = 2 * perSecond * p.work[i]
			if k, ok := m.Service(s.Name); ok { // else no request calls it
				cores[i] = result.Cores[k]
				states[k].Cores = cores[i]
			}
		}
		p.application.Operations[0].TargetSeconds = target
		r := p.start(t, seed+200, cores)
		r.advance(120)
		before := r.sim.Operations()[0]
		r.advance(3600)
		after := r.sim.Operations()[0]
		attained := float64(after.InTime-before.InTime) / float64(after.Succeeded-before.Succeeded)
		claimed := result.Outcomes[0].Within
		latencies, look := after.Latency.Since(before.Latency), m.Outlook(0, states, asked)
		observed := latencies.Quantile(asked)
		t.Logf("application %d: %d services, 95 %% within %.0f ms: claimed %.2f %%, attained %.2f %%; p95 predicted %.0f ms (%.0f to %.0f), observed %.0f", seed+1,
			len(cores), 1000*target, 100*claimed, 100*attained, 1000*look.Seconds, 1000*look.Low, 1000*look.High, 1000*observed)
		if observed >= look.Low && observed <= look.High {
			held++
		}
		sum += math.Abs(attained - claimed)
		worst = max(worst, math.Abs(attained-claimed))
	}
	t.Logf("attained is off by %.1f points in the mean, %.1f at most; %d of %d intervals held", 100*sum/applications, 100*worst, held, applications)
	if sum/applications > 0.04 || worst > 0.08 || held < 7 {
		t.Errorf("want at most 4 points in the mean and 8 at most, and 7 intervals")
	}
}
