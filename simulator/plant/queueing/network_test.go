package queueing

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

func call(service string, stages ...servicegraph.Stage) servicegraph.Call {
	return servicegraph.Call{Service: service, Operation: service, Stages: stages}
}

func work(law servicegraph.Law, calls ...servicegraph.Call) servicegraph.Stage {
	return servicegraph.Stage{Work: law, Calls: calls}
}

// apart runs an application with each service in one pod on a machine of its own of one core.
func apart(t testing.TB, root servicegraph.Call, rate float64, seed uint64, services ...servicegraph.Service) *Simulation {
	t.Helper()
	cfg := Config{
		Application: servicegraph.Application{
			Services:   services,
			Operations: []servicegraph.Operation{{Name: "o", Patterns: []servicegraph.Pattern{{Share: 1, Root: root}}}},
		},
		Seed: seed,
	}
	if rate > 0 {
		cfg.Loads = []Load{{"o", arrival.Rates{StepSeconds: 1, PerSecond: []float64{rate}, Repeat: true}}}
	}
	for _, s := range services {
		cfg.Machines = append(cfg.Machines, park.MachineSpec{Name: s.Name, Cores: 1})
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, svc := range services {
		mustAdd(t, s, PodSpec{Service: svc.Name, Machine: svc.Name, RequestCores: 1, Started: true})
	}
	return s
}

// meanResponse averages the mean response time over seeds, with its standard error.
func meanResponse(t *testing.T, seeds int, seconds float64, start func(seed uint64) *Simulation) (mean, standardError float64) {
	t.Helper()
	var sum, square float64
	for seed := range seeds {
		s := start(uint64(seed) + 1) //nolint:gosec // small
		mustAdvance(t, s, seconds/10)
		before := s.Operations()[0].Latency
		mustAdvance(t, s, seconds*1.1)
		after := s.Operations()[0].Latency
		since := after.Since(before)
		sum += since.Mean()
		square += since.Mean() * since.Mean()
	}
	n := float64(seeds)
	mean = sum / n
	return mean, math.Sqrt(max(0, square/n-mean*mean) / (n - 1))
}

func expect(t *testing.T, what string, got, se, want float64) {
	t.Helper()
	t.Logf("%s: theory %.4f, simulated %.4f, error %+.2f %%, standard error %.2f %%", what, want, got, 100*(got/want-1), 100*se/want)
	if math.Abs(got/want-1) > tolerance || se/want > 0.4*tolerance {
		t.Errorf("%s: mean response is %v, want %v within %v; standard error %v", what, got, want, tolerance, se)
	}
}

// One pod on 2 and on 4 cores is M/M/c: response 1 + C/(c(1−ρ)) with Erlang's C. By hand for c = 2: C = 2ρ²/(1+ρ), so at ρ = 0.7 the response is
// 1/(1−ρ²) = 1.9608; for c = 4 and ρ = 0.8, C = 0.5964 and the response is 1.7455.
func TestManyCores(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ cores, load, want float64 }{{2, 0.7, 1 / (1 - 0.49)}, {4, 0.8, 1.7455}} {
		got, se := repeated(t, 10, effort*2e5, single{rate: c.load * c.cores, cores: c.cores, law: servicegraph.Exp(1)})
		expect(t, "M/M/c", got, se, c.want)
	}
}

// A pod of weight 3 beside batch load of weight 1 that always wants the core gets 3/4 of it whenever it has work: M/M/1 with rate 0.75, response
// 1/(0.75−λ). After a resize to weight 1, in place, it gets half: 1/(0.5−λ).
func TestRequestIsAShareOnABusyMachine(t *testing.T) {
	t.Parallel()
	start := func(weight float64) func(uint64) *Simulation {
		return func(seed uint64) *Simulation {
			s := single{rate: 0.3, cores: 1, law: servicegraph.Exp(1), seed: seed}.start(t)
			if _, err := s.AddBatch(BatchSpec{Machine: "m", Threads: 1, RequestCores: 1}); err != nil {
				t.Fatal(err)
			}
			mustAdvance(t, s, 1)
			if err := s.Resize(0, weight, 0); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	got, se := meanResponse(t, 10, effort*4e5, start(3))
	expect(t, "3/4 of a core", got, se, 1/(0.75-0.3))
	got, se = meanResponse(t, 10, effort*6e5, start(1))
	expect(t, "1/2 of a core", got, se, 1/(0.5-0.3))
}

// Without neighbours the same request decides nothing: the response is that of a whole core.
func TestRequestIsNothingOnASlackMachine(t *testing.T) {
	t.Parallel()
	got, se := meanResponse(t, 10, effort*3e5, func(seed uint64) *Simulation {
		s := single{rate: 0.3, cores: 1, law: servicegraph.Exp(1), seed: seed}.start(t)
		if err := s.Resize(0, 0.01, 0); err != nil {
			t.Fatal(err)
		}
		return s
	})
	expect(t, "a whole core", got, se, 1/(1-0.3))
}

// Three exponential stations one behind the other are a Jackson network: the mean response is the sum of 1/(μ−λ). At λ = 0.6 and mean work 1,
// 0.5 and 1.2 that is 2.5 + 0.7143 + 4.2857 = 7.5. A caller that holds no place while it waits leaves its station.
func TestTandem(t *testing.T) {
	t.Parallel()
	root := call("a", work(servicegraph.Exp(1), call("b", work(servicegraph.Exp(0.5), call("c", work(servicegraph.Exp(1.2)))))))
	got, se := meanResponse(t, 10, effort*5e5, func(seed uint64) *Simulation {
		return apart(t, root, 0.6, seed, servicegraph.Service{Name: "a"}, servicegraph.Service{Name: "b"}, servicegraph.Service{Name: "c"})
	})
	expect(t, "tandem", got, se, 7.5)
}

// A request that asks two like stations at once, first come first served, and waits for both: the mean is known exactly, (12−ρ)/8 × 1/(μ−λ)
// (Flatto and Hahn 1984; Nelson and Tantawi 1988). It lies between the response of one station and that of two independent ones, 1.5 times it.
func TestForkJoin(t *testing.T) {
	t.Parallel()
	const load = 0.7
	one := work(servicegraph.Exp(1))
	root := call("front", servicegraph.Stage{Calls: []servicegraph.Call{call("a", one), call("b", one)}})
	got, se := meanResponse(t, 10, effort*3e5, func(seed uint64) *Simulation {
		return apart(t, root, load, seed, servicegraph.Service{Name: "front"},
			servicegraph.Service{Name: "a", Concurrency: 1, Queue: 1 << 20}, servicegraph.Service{Name: "b", Concurrency: 1, Queue: 1 << 20})
	})
	single := 1 / (1 - load)
	expect(t, "fork-join", got, se, (12-load)/8*single)
	if got < single || got > 1.5*single {
		t.Errorf("fork-join takes %v, outside [%v, %v]", got, single, 1.5*single)
	}
}

// Little: the mean number in flight, sampled at fixed times, is rate × mean response; for M/M/1 at 0.8 both are 4. Sampled counts and
// response times come from different books.
func TestLittle(t *testing.T) {
	t.Parallel()
	s := single{rate: 0.8, cores: 1, law: servicegraph.Exp(1), seed: 5}.start(t)
	mustAdvance(t, s, 1000)
	before, now := s.Operations()[0], s.Now()
	var sum float64
	const samples = 200_000
	for i := range samples {
		mustAdvance(t, s, now+float64(i+1))
		sum += float64(s.operations[0].arrived - s.operations[0].succeeded)
	}
	after := s.Operations()[0]
	since := after.Latency.Since(before.Latency)
	if rate := float64(after.Arrived-before.Arrived) / samples; math.Abs(sum/samples/(rate*since.Mean())-1) > 0.005 {
		t.Errorf("%v in flight in the mean, rate %v × response %v = %v", sum/samples, rate, since.Mean(), rate*since.Mean())
	}
}

// A limit of half a core on a machine with room: the pod runs at full speed for 50 ms of each 100 ms. With work of 1 ms mean and load 0.4 of the
// quota it is rarely throttled and the response near that of a whole core, 1/(1−0.2) ms, far below half a core's 1/(1−0.4)·2 ms.
func TestLimitIsNotASlowerCore(t *testing.T) {
	t.Parallel()
	s := single{rate: 200, cores: 4, law: servicegraph.Exp(0.001), seed: 1, service: servicegraph.Service{Threads: 1}}.start(t)
	if err := s.Resize(0, 0.5, 0.5); err != nil {
		t.Fatal(err)
	}
	mustAdvance(t, s, 200)
	latency := s.Operations()[0].Latency
	p, err := s.Pod(0)
	if err != nil {
		t.Fatal(err)
	}
	if mean := latency.Mean(); mean < 0.00122 || mean > 0.0014 {
		t.Errorf("mean response is %v s, want a little above 0.00125", mean)
	}
	if share := float64(p.ThrottledPeriods) / float64(p.Periods); share > 0.01 || p.Periods < 1990 {
		t.Errorf("%v of %d periods are throttled, want few of 2000", share, p.Periods)
	}
}
