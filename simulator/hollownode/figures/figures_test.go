package figures

import (
	"math"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// simulate returns a node of 8 cores, where nobody disturbs anybody: 5 requests a second of 100 ms work use 0.5 cores, a batch thread 1.
func simulate(t *testing.T) (sim *queueing.Simulation, web, batch queueing.PodID) {
	t.Helper()
	root := servicegraph.Call{Service: "web", Operation: "get", Stages: []servicegraph.Stage{{Work: servicegraph.Constant(0.1)}}}
	sim, err := queueing.New(queueing.Config{
		Application: servicegraph.Application{
			Services:   []servicegraph.Service{{Name: "web"}},
			Operations: []servicegraph.Operation{{Name: "get", TargetSeconds: 1, Patterns: []servicegraph.Pattern{{Share: 1, Root: root}}}},
		},
		Machines: []park.MachineSpec{{Name: "node", Cores: 8}},
		Loads:    []queueing.Load{{Operation: "get", Rates: arrival.Rates{StepSeconds: 60, PerSecond: []float64{5}, Repeat: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	web, err = sim.AddPod(queueing.PodSpec{Service: "web", Machine: "node", RequestCores: 1, Started: true})
	if err != nil {
		t.Fatal(err)
	}
	batch, err = sim.AddBatch(queueing.BatchSpec{Machine: "node", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return sim, web, batch
}

// TestMinutes: 1 core is allocated for 45 s of the first minute and 3 for 15: 1.5 in the mean.
func TestMinutes(t *testing.T) {
	sim, web, batch := simulate(t)
	r := New(sim)
	r.Arrived(web, false)
	r.Arrived(batch, true)
	running := []Running{{ID: web, Namespace: "shop", Name: "web-0", Service: "web", Node: "node"}}
	pass := func(until float64) {
		if err := sim.Advance(until); err != nil {
			t.Fatal(err)
		}
		r.Pass(until)
	}
	r.Allocate(1, 0.5)
	pass(45)
	r.Allocate(3, 0.5)
	r.Resized()
	pass(60)
	r.Turn(running)
	r.Deferred()
	r.Left(true)
	r.Left(false)
	late, err := sim.AddPod(queueing.PodSpec{Service: "web", Machine: "node"})
	if err != nil {
		t.Fatal(err)
	}
	r.Arrived(late, false)
	pass(90)

	series := r.Series(running)
	if len(series.Minutes) != 1 || series.Minutes[0].End != 60 || series.Total.End != 90 || r.MinuteEnd() != 120 {
		t.Fatalf("%d minutes, total until %v, the next ends at %v", len(series.Minutes), series.Total.End, r.MinuteEnd())
	}
	first, total := series.Minutes[0], series.Total
	if first.RequestedCores != 1.5 || first.BatchRequestedCores != 0.5 || total.RequestedCores != 2 { // (45 + 3 × 45) / 90
		t.Errorf("requested are %v, %v, %v, expected 1.5, 0.5 and 2", first.RequestedCores, first.BatchRequestedCores, total.RequestedCores)
	}
	if math.Abs(first.BatchUsedCores-1) > 1e-9 || math.Abs(first.UsedCores-float64(first.Operations[0].Succeeded)*0.1/60) > 0.1*2/60 {
		t.Errorf("used are %v and %v (batch), expected %d × 0.1 / 60 and 1", first.UsedCores, first.BatchUsedCores, first.Operations[0].Succeeded)
	}
	if first.Pods[0].UsedCores != first.UsedCores || first.Pods[0].Speed != 1 || !first.Pods[0].Ready {
		t.Errorf("the pod is %+v, expected all of %v cores", first.Pods[0], first.UsedCores)
	}
	got := [][5]int{
		{first.Starts, first.Evictions, first.Removals, first.Resizes, first.Deferred},
		{total.Starts, total.Evictions, total.Removals, total.Resizes, total.Deferred},
	}
	if want := [][5]int{{0, 0, 0, 1, 0}, {1, 1, 2, 1, 1}}; !slices.Equal(got, want) {
		t.Errorf("starts, evictions, removals, resizes and deferred are %v, expected %v", got, want)
	}
	checkOperation(t, first.Operations[0], total.Operations[0])
}

// checkOperation: 300 requests are expected in the first minute, with a standard deviation of √300.
func checkOperation(t *testing.T, first, total Operation) {
	t.Helper()
	if math.Abs(float64(first.Requests)-300) > 5*math.Sqrt(300) || total.Requests <= first.Requests || first.Within != first.Succeeded {
		t.Errorf("%d requests, %d within, %d in all: expected about 300, all within", first.Requests, first.Within, total.Requests)
	}
	if first.Latency.Count() != first.Succeeded || math.Abs(first.Median-0.1) > 0.001 || first.Attainment() != 1 {
		t.Errorf("%d latencies, median %v, attainment %v: expected %d, 0.1 and 1", first.Latency.Count(), first.Median, first.Attainment(), first.Succeeded)
	}
	if half := (Operation{Succeeded: 3, Within: 2, Failed: 1}).Attainment(); half != 0.5 {
		t.Errorf("2 within of 3 + 1: %v, expected 0.5", half)
	}
	if none := (Operation{Requests: 7}).Attainment(); none != 1 {
		t.Errorf("no request has ended: %v, expected 1", none)
	}
}
