package hotel

import (
	"fmt"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// The objective: Percentile of the requests of Entry are answered within TargetSeconds.
const (
	Percentile = 0.99
	// TargetSeconds is chosen: about four times the p99 on idle machines, and met from about 1.4 times the mean use on at MeanRate.
	TargetSeconds = 0.25
)

// RateMultiplier is what a trace of autothrottle's is to be multiplied by, MeanRate the mean of its noisy trace times that, in requests
// per second of all operations. Services' requests are guessed for MeanRate.
const (
	RateMultiplier = 2
	MeanRate       = 157.5 * RateMultiplier
)

// guess is how many times the mean use a developer requests. Teams request two to four times what they use (the reference
// has Autopilot's 46 % slack for jobs set by hand; Kubernetes clusters show more).
const guess = 2.5

// Service is one service as deployed.
type Service struct {
	Name string
	// Class is the workload class for interference.
	Class    string
	Replicas int
	// MeanCores is the CPU that one replica uses at MeanRate; RequestCores is what a developer guesses, to 50 millicores.
	MeanCores, RequestCores float64
}

// The workload classes of Interference.
const (
	ClassWeb   = "web"   // computes
	ClassStore = "store" // has data in the cache
	ClassBatch = "batch" // streams through memory: no service of the application
)

var deployed = []struct {
	name, class string
	replicas    int
}{
	{Frontend, ClassWeb, 3},
	{Search, ClassWeb, 2},
	{Geo, ClassStore, 2},
	{Rate, ClassStore, 3},
	{Profile, ClassStore, 3},
	{Reservation, ClassStore, 3},
	{Recommendation, ClassStore, 2},
	{User, ClassWeb, 2},
}

// Services returns the services as a developer would deploy them, in the order of Application.
func Services() []Service {
	work := WorkPerRequest()
	out := make([]Service, 0, len(deployed))
	for _, d := range deployed {
		mean := work[d.name] * MeanRate / float64(d.replicas)
		const grain = 0.05
		steps := int(guess*mean/grain + 0.5)
		out = append(out, Service{d.name, d.class, d.replicas, mean, float64(steps) * grain})
	}
	return out
}

// graphServices are the programs. A pod serves at most 256 requests at once and queues 512 more, so that an overload ends soon after its
// cause: the suite's servers are Go programs with connection pools of that order. They start within seconds and compute a little while
// they do.
func graphServices() []servicegraph.Service {
	out := make([]servicegraph.Service, 0, len(deployed))
	for _, d := range deployed {
		out = append(out, servicegraph.Service{
			Name: d.name, Class: d.class, Concurrency: 256, Queue: 512,
			Start: servicegraph.Start{DelaySeconds: 5, Work: servicegraph.Law{Kind: servicegraph.LogNormal, MeanSeconds: 3, CV: 0.3}},
		})
	}
	return out
}

// shares of the requests.
var shares = []struct {
	operation string
	share     float64
}{{Entry, 0.70}, {recommend, 0.15}, {reserve, 0.07}, {login, 0.08}}

// Loads splits a trace of requests per second of the whole application into a stream for each operation.
func Loads(rates arrival.Rates) []queueing.Load {
	if rates.Scale == 0 {
		rates.Scale = 1
	}
	out := make([]queueing.Load, 0, len(shares))
	for _, s := range shares {
		part := rates
		part.Scale *= s.share
		out = append(out, queueing.Load{Operation: s.operation, Rates: part})
	}
	return out
}

// share returns the share of an operation in all requests.
func share(operation string) float64 {
	for _, s := range shares {
		if s.operation == operation {
			return s.share
		}
	}
	return 0
}

// WorkPerRequest returns the mean CPU work of each service for one request of the mix, in core-seconds.
func WorkPerRequest() map[string]float64 {
	work := map[string]float64{}
	for _, o := range Application().Operations {
		var total float64
		for _, p := range o.Patterns {
			total += p.Share
		}
		for _, p := range o.Patterns {
			addWork(work, &p.Root, share(o.Name)*p.Share/total)
		}
	}
	return work
}

func addWork(work map[string]float64, c *servicegraph.Call, times float64) {
	for i := range c.Stages {
		work[c.Service] += times * c.Stages[i].Work.MeanSeconds
		for j := range c.Stages[i].Calls {
			addWork(work, &c.Stages[i].Calls[j], times)
		}
	}
}

// machineCores and machines: four nodes of eight cores, of which the guessed requests take a half.
const machineCores, machines = 8, 4

// Machines returns the nodes.
func Machines() []park.MachineSpec {
	out := make([]park.MachineSpec, 0, machines)
	for i := range machines {
		out = append(out, park.MachineSpec{Name: fmt.Sprintf("hotel-%d", i), Cores: machineCores})
	}
	return out
}

// Pod is one replica and where it runs.
type Pod struct{ Service, Machine string }

// Placement spreads the replicas over the machines: in the order of Services, each on the next one, so that no two replicas of
// a service share a machine and requests are about even.
func Placement() []Pod {
	var out []Pod
	specs := Machines()
	for _, s := range deployed {
		for range s.replicas {
			out = append(out, Pod{s.name, specs[len(out)%len(specs)].Name})
		}
	}
	return out
}
