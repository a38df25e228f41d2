package queueing

import (
	"fmt"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// busyPark is an application of 20 services whose requests make 20 visits: a front end that calls three groups, one after the other,
// each of a service that calls some others in parallel, of which one calls on. Demand is 20 ms of CPU a request, 20 cores at 1,000 requests
// a second, on 4 machines of 8 cores. Batch load on every machine keeps it contended, as DESIGN 5 wants.
func busyPark(rate float64, spanRate float64, batch bool) (*Simulation, error) {
	const services = 20
	law := servicegraph.Exp(0.001)
	next := 0
	call := func(calls ...servicegraph.Call) servicegraph.Call {
		next++
		stages := []servicegraph.Stage{{Work: law}}
		if len(calls) > 0 {
			half := servicegraph.Exp(0.0005)
			stages = []servicegraph.Stage{{Work: half, Calls: calls}, {Work: half}}
		}
		return servicegraph.Call{
			Service: fmt.Sprintf("s%02d", next-1), Operation: "op", Network: servicegraph.Constant(0.0002), TimeoutSeconds: 2, Stages: stages,
		}
	}
	group := func() servicegraph.Call { return call(call(call(), call()), call(), call()) } // 6 visits
	groups := []servicegraph.Call{group(), group(), group(), call()}
	root := call()
	root.Stages = []servicegraph.Stage{{Work: servicegraph.Exp(0.0005), Calls: groups[:1]}, {Calls: groups[1:3]}, {Work: servicegraph.Exp(0.0005), Calls: groups[3:]}}
	app := servicegraph.Application{Operations: []servicegraph.Operation{{
		Name: "get", TargetSeconds: 0.1, Patterns: []servicegraph.Pattern{{Name: "all", Share: 1, Root: root}},
	}}}
	for i := range services {
		app.Services = append(app.Services, servicegraph.Service{Name: fmt.Sprintf("s%02d", i)})
	}
	cfg := Config{Application: app, Seed: 1, SpanRate: spanRate, Loads: []Load{{"get", arrival.Rates{
		StepSeconds: 60, PerSecond: []float64{rate * 0.9, rate * 1.1}, Repeat: true,
	}}}}
	const machines = 4
	for i := range machines {
		cfg.Machines = append(cfg.Machines, park.MachineSpec{Name: fmt.Sprintf("m%d", i), Cores: 8})
	}
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	for i := range 2 * services { // two pods each, 10 a machine, 0.75 cores: 7.5 of 8 cores requested
		if _, err := s.AddPod(PodSpec{
			Service: fmt.Sprintf("s%02d", i%services), Machine: fmt.Sprintf("m%d", (i+i/services)%machines), RequestCores: 0.75, Started: true,
		}); err != nil {
			return nil, err
		}
	}
	for i := range machines {
		if batch {
			if _, err := s.AddBatch(BatchSpec{Machine: fmt.Sprintf("m%d", i), Threads: 8, RequestCores: 0.5}); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// BenchmarkVisit reports the time of a visit at 1,000 requests a second, on machines that batch load keeps full and on others. An hour is
// 72 million visits: a minute allows 830 ns.
func BenchmarkVisit(b *testing.B) {
	for _, batch := range []bool{false, true} {
		b.Run(fmt.Sprintf("batch=%v", batch), func(b *testing.B) {
			s, err := busyPark(1000, 0.01, batch)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Advance(10); err != nil {
				b.Fatal(err)
			}
			before := s.visitCount()
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Advance(s.Now() + 1); err != nil {
					b.Fatal(err)
				}
				s.TakeSpans()
			}
			visits := float64(s.visitCount() - before)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/visits, "ns/visit")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*3600, "s/hour")
		})
	}
}

func (s *Simulation) visitCount() uint64 {
	var n uint64
	for i := range s.services {
		n += s.services[i].stats.Served
	}
	return n
}
