package queueing_test

import (
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// TestCallsByOperation: a front end with two operations, one of which calls a store that nobody serves. 10 requests a second of each
// for 100 s: those of "page" are answered after 1 ms, those of "list" fail at once, since the store has no pod.
func TestCallsByOperation(t *testing.T) {
	work := func(name string, calls ...servicegraph.Call) servicegraph.Call {
		stage := servicegraph.Stage{Work: servicegraph.Constant(0.001), Calls: calls}
		return servicegraph.Call{Service: "web", Operation: name, Stages: []servicegraph.Stage{stage}}
	}
	operation := func(c servicegraph.Call) servicegraph.Operation {
		return servicegraph.Operation{Name: c.Operation, Patterns: []servicegraph.Pattern{{Share: 1, Root: c}}}
	}
	rates := arrival.Rates{StepSeconds: 100, PerSecond: []float64{10}}
	sim, err := queueing.New(queueing.Config{
		Application: servicegraph.Application{
			Services: []servicegraph.Service{{Name: "web"}, {Name: "store"}},
			Operations: []servicegraph.Operation{
				operation(work("page")), operation(work("list", servicegraph.Call{Service: "store", Operation: "read"})),
			},
		},
		Machines: []park.MachineSpec{{Name: "node", Cores: 4}},
		Loads:    []queueing.Load{{Operation: "page", Rates: rates}, {Operation: "list", Rates: rates}},
		SpanRate: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.AddPod(queueing.PodSpec{Service: "web", Machine: "node", Started: true}); err != nil {
		t.Fatal(err)
	}
	if err := sim.Advance(101); err != nil {
		t.Fatal(err)
	}
	calls := sim.Calls()
	if len(calls) != 3 || calls[0].Operation != "page" || calls[1].Operation != "list" || calls[2].Service != "store" {
		t.Fatalf("kinds are %+v, expected web page, web list and store read", calls)
	}
	spans, _ := sim.TakeSpans()
	var ended [2]uint64 // spans that did not fail, and that did
	for _, s := range spans {
		if s.Failed {
			ended[1]++
		} else {
			ended[0]++
		}
	}
	page, list, store, service := calls[0], calls[1], calls[2], sim.Services()[0]
	if ended[0] == 0 || ended[1] == 0 || ended != [2]uint64{service.Served, service.Failed} {
		t.Errorf("%v spans did and did not succeed, the service served %d and failed %d", ended, service.Served, service.Failed)
	}
	got := []uint64{
		page.Served.Count(), page.Failed.Count(), list.Served.Count(), list.Failed.Count(), store.Served.Count(), store.Failed.Count(),
	}
	if want := []uint64{ended[0], 0, 0, ended[1], 0, 0}; !slices.Equal(got, want) {
		t.Errorf("page, list and store have served and failed %v, expected %v", got, want)
	}
	if p := page.Served.Quantile(0.5); p < 0.00099 || p > 0.00102 {
		t.Errorf("half of the pages take %v s, expected 1 ms within 1 %%", p)
	}
}
