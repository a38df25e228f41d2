package queueing_test

import (
	"fmt"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// A front end that calls a database, on a node of two cores that batch load keeps busy. After ten minutes the requests of both are
// raised, in place.
func Example() {
	query := servicegraph.Call{
		Service: "db", Operation: "query", Network: servicegraph.Constant(0.0002),
		Stages: []servicegraph.Stage{{Work: servicegraph.Exp(0.004)}},
	}
	page := servicegraph.Call{Service: "web", Operation: "page", Stages: []servicegraph.Stage{
		{Work: servicegraph.Exp(0.002), Calls: []servicegraph.Call{query, query}},
		{Work: servicegraph.Exp(0.001)},
	}}
	sim, err := queueing.New(queueing.Config{
		Application: servicegraph.Application{
			Services:   []servicegraph.Service{{Name: "web"}, {Name: "db"}},
			Operations: []servicegraph.Operation{{Name: "page", TargetSeconds: 0.1, Patterns: []servicegraph.Pattern{{Share: 1, Root: page}}}},
		},
		Machines: []park.MachineSpec{{Name: "node", Cores: 2}},
		Loads:    []queueing.Load{{Operation: "page", Rates: arrival.Rates{StepSeconds: 60, PerSecond: []float64{40, 60}, Repeat: true}}},
		Seed:     1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	web, _ := sim.AddPod(queueing.PodSpec{Service: "web", Machine: "node", RequestCores: 0.2, Started: true})
	db, _ := sim.AddPod(queueing.PodSpec{Service: "db", Machine: "node", RequestCores: 0.5, Started: true})
	_, _ = sim.AddBatch(queueing.BatchSpec{Machine: "node", Threads: 8, RequestCores: 0.5})

	before := sim.Operations()[0]
	for _, until := range []float64{600, 1200} {
		if err := sim.Advance(until); err != nil {
			fmt.Println(err)
			return
		}
		now := sim.Operations()[0]
		latency := now.Latency.Since(before.Latency)
		inTime := float64(now.InTime-before.InTime) / float64(latency.Count())
		fmt.Printf("until %4.0f s: p99 %3.0f ms, %.1f %% within 100 ms\n", until, 1000*latency.Quantile(0.99), 100*inTime)
		before = now
		_ = sim.Resize(web, 0.4, 0)
		_ = sim.Resize(db, 1, 0)
	}
	// Output:
	// until  600 s: p99 119 ms, 98.1 % within 100 ms
	// until 1200 s: p99  61 ms, 99.9 % within 100 ms
}
