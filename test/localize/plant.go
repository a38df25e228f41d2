package localize

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
	product "github.com/ballast-k8s/ballast/recommender/localize"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// trouble is what is done to all pods of a service of the plant: their work takes 1/speed as long, or their CPU is limited to so many
// times what they use on average.
type trouble struct {
	kind         string
	speed, limit float64
}

// troubles are milder than Nezha's faults, which make a service 10 to 100 times as slow.
func troubles() []trouble {
	return []trouble{{"speed 0.3", 0.3, 0}, {"speed 0.5", 0.5, 0}, {"speed 0.7", 0.7, 0}, {"limit 1.1", 1, 1.1}}
}

const (
	warmup, learning, watching = 10.0, 60.0, 30.0 // seconds
	traced                     = 0.1              // share of the requests that have spans
	generous                   = 4                // times the mean use: a limit that does not bind
)

// scene is a run of the hotel application: a baseline, a window in which nothing changes but the load, and one with a trouble.
type scene struct {
	sim      *queueing.Simulation
	pods     map[queueing.PodID]int // service
	services []string
	index    map[string]int
	book     *graphpattern.Book
	now      float64
}

func newScene(t testing.TB, seed uint64) *scene {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 5))
	rates := arrival.Rates{StepSeconds: 15}
	for range 40 { // the load is no constant: 60 to 120 % of the mean
		rates.PerSecond = append(rates.PerSecond, hotel.MeanRate*(0.6+0.6*random.Float64()))
	}
	sim, err := queueing.New(queueing.Config{
		Application: hotel.Application(), Machines: hotel.Machines(), Loads: hotel.Loads(rates), Seed: seed, SpanRate: traced, MaxSpans: 1 << 21,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{sim: sim, pods: map[queueing.PodID]int{}, index: map[string]int{}, book: graphpattern.New()}
	requests := map[string]hotel.Service{}
	for i, service := range hotel.Services() {
		s.services, s.index[service.Name], requests[service.Name] = append(s.services, service.Name), i, service
	}
	for _, p := range hotel.Placement() {
		one := requests[p.Service]
		id, err := sim.AddPod(queueing.PodSpec{
			Service: p.Service, Machine: p.Machine, RequestCores: one.RequestCores, LimitCores: generous * one.MeanCores, Started: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.pods[id] = s.index[p.Service]
	}
	return s
}

// apply brings trouble to a service.
func (s *scene) apply(t testing.TB, service int, what trouble) {
	t.Helper()
	for id, of := range s.pods {
		if of != service {
			continue
		}
		one := hotel.Services()[service]
		if err := s.sim.SetSpeed(id, what.speed); err != nil {
			t.Fatal(err)
		}
		if what.limit > 0 {
			if err := s.sim.Resize(id, one.RequestCores, what.limit*one.MeanCores); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// watch runs until a time and returns what was seen.
func (s *scene) watch(t testing.TB, until float64) product.Window {
	t.Helper()
	before, start := s.stats(t), s.now
	s.now = until
	if err := s.sim.Advance(until); err != nil {
		t.Fatal(err)
	}
	spans, dropped := s.sim.TakeSpans()
	if dropped > 0 {
		t.Fatalf("%d spans dropped", dropped)
	}
	w := product.Window{Requests: s.requests(spans), Usage: make([]product.Usage, len(s.services))}
	var used, limit, throttled, periods [16]float64
	for id, after := range s.stats(t) {
		of := s.pods[id]
		used[of] += after.CPUSeconds - before[id].CPUSeconds
		limit[of] += after.LimitCores * (until - start)
		throttled[of] += float64(after.ThrottledPeriods - before[id].ThrottledPeriods)
		periods[of] += float64(after.Periods - before[id].Periods)
	}
	for i := range w.Usage {
		w.Usage[i] = product.Usage{Utilisation: used[i] / limit[i], Throttled: throttled[i] / periods[i]}
	}
	return w
}

func (s *scene) stats(t testing.TB) map[queueing.PodID]queueing.PodStats {
	t.Helper()
	all := map[queueing.PodID]queueing.PodStats{}
	for id := range s.pods {
		one, err := s.sim.Pod(id)
		if err != nil {
			t.Fatal(err)
		}
		all[id] = one
	}
	return all
}

// requests puts the spans of whole traces in order, by the ends of their roots. Calls are seen by servers alone, so that time on the way is the caller's own.
func (s *scene) requests(spans []queueing.Span) []product.Request {
	traces := map[uint64][]callgraph.Span{}
	var order []uint64
	identify := func(id uint64) (out callgraph.SpanID) {
		binary.BigEndian.PutUint64(out[:], id)
		return out
	}
	for _, x := range spans {
		start := int64(x.StartSeconds * 1e9)
		traces[x.Trace] = append(traces[x.Trace], callgraph.Span{
			ID: identify(x.ID), Parent: identify(x.Parent), Service: s.index[x.Service], Operation: x.Operation, Start: start,
			End: start + int64(x.DurationSeconds*1e9), Kind: callgraph.Server, Error: x.Failed,
		})
		if x.Parent == 0 {
			order = append(order, x.Trace)
		}
	}
	var list []product.Request
	for _, trace := range order {
		tree, _ := callgraph.Build(traces[trace])
		calls := tree.Calls(tree.Root())
		list = append(list, product.Request{Pattern: s.book.Add(calls), Edges: callgraph.Edges(calls)})
	}
	return list
}

// plantSamples are two of each trouble and service: before it, and with it.
func plantSamples(t testing.TB, number int) []*sample {
	t.Helper()
	var list []*sample
	seed := uint64(100)
	for service := range hotel.Services() {
		for _, what := range troubles() {
			seed++
			s := newScene(t, seed)
			s.watch(t, warmup)
			base := s.watch(t, warmup+learning)
			calm := s.watch(t, warmup+learning+watching)
			s.apply(t, service, what)
			bad := s.watch(t, warmup+learning+2*watching)
			for _, one := range []*sample{{kind: "quiet", truth: -1}, {kind: what.kind, truth: service}} {
				now := calm
				if one.truth >= 0 {
					now = bad
				}
				one.application, one.stretch = number, &stretch{requests: now.Requests}
				one.describe(now, base, len(s.services))
				list = append(list, one)
			}
		}
	}
	return list
}
