package queueing

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/simulator/plant"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// A pod waits 3 s, then computes 2 s of work; beside equal batch load on one core that takes 4 s: ready at 7 s. Until then calls find no pod.
func TestStartUp(t *testing.T) {
	t.Parallel()
	a := servicegraph.Service{Name: "a", Start: servicegraph.Start{DelaySeconds: 3, Work: seconds(2)}}
	s := apart(t, call("a", work(seconds(1))), 0, 1, a)
	if err := s.Remove(0, 0); err != nil {
		t.Fatal(err)
	}
	id := mustAdd(t, s, PodSpec{Service: "a", Machine: "a", RequestCores: 1})
	if _, err := s.AddBatch(BatchSpec{Machine: "a", Threads: 1, RequestCores: 1}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at, cpu float64
		phase   Phase
	}{{2.9, 0, Starting}, {5, 1, Starting}, {6.99, 1.995, Starting}, {7.01, 2, Ready}} {
		mustAdvance(t, s, c.at)
		p, _ := s.Pod(id)
		if p.Phase != c.phase || math.Abs(p.CPUSeconds-c.cpu) > 1e-9 {
			t.Errorf("at %v s the pod is %v with %v s of CPU, want %v with %v", c.at, p.Phase, p.CPUSeconds, c.phase, c.cpu)
		}
		send(s)
	}
	if svc := s.Services()[0]; svc.NoPod != 3 || s.Operations()[0].Failed != 3 {
		t.Errorf("service is %+v, want three calls without a pod", svc)
	}
}

// Removing with grace: the pod answers what it has, then is gone. Without, its calls fail at once; the retry finds the other pod.
func TestRemove(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		grace, gone float64
		retried     uint64
	}{{30, 2, 0}, {1, 1.5, 2}, {0, 0.5, 2}} {
		root := call("s", work(seconds(1)))
		root.Retries = 1
		s := apart(t, root, 0, 1, servicegraph.Service{Name: "s", Concurrency: 1})
		send(s)
		send(s) // queued: served until 2 s
		mustAdvance(t, s, 0.5)
		other := mustAdd(t, s, PodSpec{Service: "s", Machine: "s", RequestCores: 1, Started: true})
		_ = other
		if err := s.Remove(0, c.grace); err != nil {
			t.Fatal(err)
		}
		mustAdvance(t, s, max(s.Now(), c.gone-1e-6))
		if p, _ := s.Pod(0); c.grace > 0 && p.Phase != Leaving {
			t.Errorf("grace %v: the pod is %v before %v s", c.grace, p.Phase, c.gone)
		}
		mustAdvance(t, s, c.gone+1e-6)
		if p, _ := s.Pod(0); p.Phase != Gone {
			t.Errorf("grace %v: the pod is %v after %v s", c.grace, p.Phase, c.gone)
		}
		mustAdvance(t, s, 20)
		want := c.retried
		if c.grace == 1 {
			want = 1 // the first ended at 1 s
		}
		if o := s.Operations()[0]; o.Succeeded != 2 || s.Services()[0].Retried != want {
			t.Errorf("grace %v: %+v, %d retried, want %d", c.grace, o, s.Services()[0].Retried, want)
		}
		if s.Machines()[0].Pods != 1 || len(s.unused) != len(s.visits) || s.Remove(0, 0) == nil {
			t.Errorf("grace %v: something is left", c.grace)
		}
	}
}

// pair is a truth of two classes: alone 1, together a runs at 0.5 and b at 0.8; two of a class run at 0.9.
func pair(t *testing.T) *plant.Table {
	t.Helper()
	table := plant.NewTable([]string{"a", "b"}, 2)
	for _, row := range []struct {
		counts      []int
		performance []float64
	}{
		{[]int{1, 0}, []float64{1, 0}},
		{[]int{0, 1}, []float64{0, 1}},
		{[]int{1, 1}, []float64{0.5, 0.8}},
		{[]int{2, 0}, []float64{0.9, 0}},
	} {
		if err := table.Add(row.counts, row.performance); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

// withPair runs one service of class a on two machines of 8 cores.
func withPair(t *testing.T) *Simulation {
	t.Helper()
	s, err := New(Config{
		Application: servicegraph.Application{
			Services:   []servicegraph.Service{{Name: "s", Class: "a"}},
			Operations: []servicegraph.Operation{{Name: "o", Patterns: []servicegraph.Pattern{{Share: 1, Root: call("s", work(seconds(1)))}}}},
		},
		Machines:     []park.MachineSpec{{Name: "m", Cores: 8}, {Name: "n", Cores: 8}},
		Interference: pair(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// 1 core-second of work: alone for 0.25 s (0.25 done), then beside batch load of class b at half speed for 0.5 s (0.25), then alone
// again (0.5): 1.25 s. CPU time is 1.25 s: a slow core is busy all the same. Of 1.25 s × 2.5 GHz cycles one second's worth did the work; the
// rest, 0.625·10⁹ cycles, are misses of 200 cycles beside the two a thousand instructions.
func TestInterference(t *testing.T) {
	t.Parallel()
	s := withPair(t)
	id := mustAdd(t, s, PodSpec{Service: "s", Machine: "m", RequestCores: 1, Started: true})
	send(s)
	mustAdvance(t, s, 0.25)
	batch, err := s.AddBatch(BatchSpec{Machine: "m", Class: "b", Threads: 1, RequestCores: 1})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := s.Pod(batch); b.Speed != 0.8 || b.Service != "" {
		t.Errorf("batch is %+v, want a speed of 0.8", b)
	}
	mustAdvance(t, s, 0.75)
	if p, _ := s.Pod(id); p.Speed != 0.5 {
		t.Errorf("speed is %v beside b, want 0.5", p.Speed)
	}
	if err := s.Remove(batch, 0); err != nil {
		t.Fatal(err)
	}
	mustAdvance(t, s, 2)
	latency := s.Operations()[0].Latency
	near(t, "response", latency.Mean(), 1.25)
	p, _ := s.Pod(id)
	near(t, "CPU", p.CPUSeconds, 1.25)
	near(t, "work", p.WorkSeconds, 1)
	near(t, "instructions/10⁹", p.Instructions/1e9, 2.5)
	near(t, "cycles/10⁹", p.Cycles/1e9, 3.125)
	near(t, "misses/10⁶", p.CacheMisses/1e6, 2.5e3*2/1e3+625./200)
}

// A mix that the truth does not know is refused, and nothing is changed. A pod's own factor multiplies what neighbours leave.
func TestMixesAndFactors(t *testing.T) {
	t.Parallel()
	s := withPair(t)
	first := mustAdd(t, s, PodSpec{Service: "s", Machine: "m", Started: true})
	second := mustAdd(t, s, PodSpec{Service: "s", Machine: "m", Started: true})
	if _, err := s.AddPod(PodSpec{Service: "s", Machine: "m"}); err == nil || !strings.Contains(err.Error(), "mix [3 0] is not in the table") {
		t.Errorf("a third pod: error is %v", err)
	}
	for _, factor := range []float64{0.25, 0.5} { // the second replaces the first
		if err := s.SetSpeed(first, factor); err != nil {
			t.Fatal(err)
		}
	}
	speed := func(id PodID) float64 { p, _ := s.Pod(id); return p.Speed }
	near(t, "speed beside another of a, halved", speed(first), 0.45)
	moved, err := s.Move(second, "n")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "speed alone, halved", speed(first), 0.5)
	near(t, "speed of the one that moved", speed(moved), 1)
	if len(s.Pods()) != 2 || s.Machines()[1].Pods != 1 {
		t.Errorf("pods are %v", s.Pods())
	}
}

func TestCommandErrors(t *testing.T) {
	t.Parallel()
	s := withPair(t)
	id := mustAdd(t, s, PodSpec{Service: "s", Machine: "m", Started: true})
	before := s.Machines()
	for want, err := range map[string]error{
		`Service is "x"`:   second(s.AddPod(PodSpec{Service: "x", Machine: "m"})),
		`Machine is "x"`:   second(s.AddPod(PodSpec{Service: "s", Machine: "x"})),
		"RequestCores":     second(s.AddPod(PodSpec{Service: "s", Machine: "m", RequestCores: -1})),
		`class is "x"`:     second(s.AddBatch(BatchSpec{Machine: "m", Class: "x"})),
		"LimitCores":       s.Resize(id, 1, -1),
		"pod 99":           s.Resize(99, 1, 1),
		"removing: pod -1": s.Remove(-1, 0),
		"graceSeconds":     s.Remove(id, math.NaN()),
		"moving pod 0":     second(s.Move(id, "x")),
		"moving: pod 7":    second(s.Move(7, "m")),
		"factor is -1":     s.SetSpeed(id, -1),
		"setting a speed":  s.SetSpeed(7, 1),
		"threads of pod 0": s.SetThreads(id, 1),
		"load is 0":        s.SetScale(0, 1),
		"until is -1":      s.Advance(-1),
		"until is +Inf":    s.Advance(math.Inf(1)),
		"has never been":   func() error { _, err := s.Pod(7); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %s", err, want)
		}
	}
	if diff := cmp.Diff(before, s.Machines()); diff != "" {
		t.Errorf("refused commands changed something: %s", diff)
	}
}

func second(_ PodID, err error) error { return err }

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"Services is empty":  func(c *Config) { c.Application.Services = nil },
		"Machines is empty":  func(c *Config) { c.Machines = nil },
		"unique names":       func(c *Config) { c.Machines = append(c.Machines, c.Machines[0]) },
		"cores is 0":         func(c *Config) { c.Machines[0].Cores = 0 },
		"Loads[0].Operation": func(c *Config) { c.Loads = []Load{{Operation: "x"}} },
		"Loads[0].Rates":     func(c *Config) { c.Loads = []Load{{Operation: "o"}} },
		"SpanRate":           func(c *Config) { c.SpanRate = math.NaN() },
		"MaxVisits":          func(c *Config) { c.MaxVisits = -1 },
		`class is "c"`:       func(c *Config) { c.Application.Services[0].Class = "c" },
	} {
		cfg := Config{
			Application: servicegraph.Application{
				Services:   []servicegraph.Service{{Name: "s", Class: "a"}},
				Operations: []servicegraph.Operation{{Name: "o", Patterns: []servicegraph.Pattern{{Share: 1, Root: call("s")}}}},
			},
			Machines: []park.MachineSpec{{Name: "m", Cores: 1}}, Interference: pair(t),
		}
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %s", err, want)
		}
	}
}

// summary is all that a simulation tells.
type summary struct {
	Operations []OperationStats
	Services   []ServiceStats
	Pods       []PodStats
	Machines   []park.MachineStats
	Spans      []Span
}

func summarise(t *testing.T, s *Simulation) summary {
	t.Helper()
	out := summary{Operations: s.Operations(), Services: s.Services(), Machines: s.Machines()}
	out.Spans, _ = s.TakeSpans()
	for id := range s.pods {
		p, err := s.Pod(PodID(id)) //nolint:gosec // small
		if err != nil {
			t.Fatal(err)
		}
		out.Pods = append(out.Pods, p)
	}
	return out
}

// The same seed gives the same run, bit for bit, however often one looks; another seed another one.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, looks int) summary {
		s, err := busyPark(300, 0.1, true)
		if err != nil {
			t.Fatal(err)
		}
		if seed != 1 {
			c := s.cfg
			c.Seed = seed
			if s, err = New(c); err != nil {
				t.Fatal(err)
			}
		}
		for i := range looks {
			mustAdvance(t, s, 3*float64(i+1)/float64(looks))
			_, _, _ = s.Operations(), s.Services(), s.Machines()
		}
		if err := s.Resize(3, 0.2, 0.3); err != nil && seed == 1 {
			t.Fatal(err)
		}
		mustAdvance(t, s, 5)
		return summarise(t, s)
	}
	exact := cmp.AllowUnexported(histogram.Histogram{})
	first := run(1, 1)
	if diff := cmp.Diff(first, run(1, 700), exact); diff != "" {
		t.Errorf("looking more often changed the run: %s", diff)
	}
	if cmp.Equal(first, run(2, 1), exact) {
		t.Error("another seed gives the same run")
	}
	if len(first.Spans) < 1000 {
		t.Errorf("%d spans, want about 3,000", len(first.Spans))
	}
}

// Two runs with one seed and other pods see the same requests: as many arrive, and after the last has ended the same work has been done for
// each service, although one run is contended and the other not.
func TestSameRequestsWhateverIsDecided(t *testing.T) {
	t.Parallel()
	run := func(batch bool) (arrived uint64, work []float64) {
		s, err := busyPark(200, 0, batch)
		if err != nil {
			t.Fatal(err)
		}
		mustAdvance(t, s, 20)
		if err := s.SetScale(0, 0); err != nil {
			t.Fatal(err)
		}
		mustAdvance(t, s, 40)
		work = make([]float64, len(s.services))
		for id := range s.pods {
			p, _ := s.Pod(PodID(id)) //nolint:gosec // small
			if p.Service != "" {
				work[s.pods[id].service] += p.WorkSeconds
			}
		}
		return s.Operations()[0].Arrived, work
	}
	n1, w1 := run(false)
	n2, w2 := run(true)
	if n1 != n2 || n1 < 3000 {
		t.Errorf("%d and %d requests, want as many", n1, n2)
	}
	for i := range w1 {
		if math.Abs(w1[i]-w2[i]) > 1e-6 {
			t.Errorf("service %d worked %v s and %v s", i, w1[i], w2[i])
		}
	}
}

// Memory does not grow with time: neither in an hour at a load it can carry, nor under twice the load it can carry.
func TestBoundedMemory(t *testing.T) {
	t.Parallel()
	cfg := single{rate: 20, cores: 1, law: servicegraph.Exp(0.04), seed: 1}.start(t).cfg
	cfg.Loads[0].Rates.PerSecond = []float64{20}
	cfg.MaxVisits, cfg.MaxSpans, cfg.SpanRate = 1000, 500, 1
	for _, overload := range []bool{false, true} {
		cfg.Loads[0].Rates.Scale = map[bool]float64{false: 1, true: 2.5}[overload]
		cfg.Application.Operations[0].Patterns[0].Root.TimeoutSeconds = 5
		cfg.Application.Operations[0].Patterns[0].Root.Retries = 2
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		mustAdd(t, s, PodSpec{Service: "s", Machine: "m", RequestCores: 1, Started: true})
		mustAdvance(t, s, 3600)
		o := s.Operations()[0]
		if got := len(s.visits); got > 1000 || !overload && got > 200 {
			t.Errorf("overload %v: %d records", overload, got)
		}
		if list := s.timeouts[0].list.Cap(); list > 2048 || s.calendar.Cap() > 64 {
			t.Errorf("overload %v: %d timeouts and %d events", overload, list, s.calendar.Cap())
		}
		if overload != (o.Dropped > 0) || o.InFlight() > 1000 {
			t.Errorf("overload %v: %+v", overload, o)
		}
		if spans, dropped := s.TakeSpans(); len(spans) != 500 || dropped == 0 {
			t.Errorf("%d spans, %d dropped", len(spans), dropped)
		}
	}
}

// Whatever commands come, no request is lost or counted twice, no CPU comes from nowhere, and when the load has stopped nothing is left over.
func TestRandomCommands(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := churned(t, seed)
		for range 150 {
			mustAdvance(t, s, s.Now()+rng.ExpFloat64()*0.3)
			randomCommand(s, rng)
			checkBooks(t, s)
		}
		_ = s.SetScale(0, 0)
		for _, id := range s.Pods() { // all that is left is killed: whatever was in flight fails
			if err := s.Remove(id, 0); err != nil {
				t.Fatal(err)
			}
		}
		mustAdvance(t, s, s.Now()+100)
		checkBooks(t, s)
		o := s.Operations()[0]
		if o.InFlight() != 0 || len(s.unused) != len(s.visits) || s.calendar.Len() != 0 || o.Succeeded == 0 {
			t.Errorf("seed %d: %d in flight of %d, %d of %d records unused, %d events", seed, o.InFlight(), o.Arrived, len(s.unused), len(s.visits),
				s.calendar.Len())
		}
		for i := range s.pods {
			if s.pods[i].outstanding != 0 {
				t.Errorf("seed %d: pod %d has %d calls outstanding", seed, i, s.pods[i].outstanding)
			}
		}
	}
}

// randomCommand gives a command to a random pod, and sees to it that there is one.
func randomCommand(s *Simulation, rng *rand.Rand) {
	pods := s.Pods()
	id := pods[rng.IntN(len(pods))]
	machine := []string{"m", "n"}[rng.IntN(2)]
	switch rng.IntN(7) {
	case 0:
		_ = s.Remove(id, float64(rng.IntN(3)))
	case 1, 2:
		_, _ = s.AddPod(PodSpec{Service: []string{"front", "back"}[rng.IntN(2)], Machine: machine, RequestCores: rng.Float64()})
	case 3:
		_, _ = s.Move(id, machine)
	case 4:
		_ = s.Resize(id, rng.Float64(), float64(rng.IntN(2))*(0.1+rng.Float64()))
	case 5:
		_ = s.SetSpeed(id, 0.5+rng.Float64())
	default:
		_ = s.SetThreads(id, rng.IntN(4))
	}
	if len(s.Pods()) == 0 {
		_, _ = s.AddPod(PodSpec{Service: "front", Machine: machine})
	}
}

// checkBooks: counts that exclude each other, and CPU that is there.
func checkBooks(t *testing.T, s *Simulation) {
	t.Helper()
	for i := range s.pods {
		if p := &s.pods[i]; p.serving < 0 || p.outstanding < p.serving && p.phase != Gone {
			t.Fatalf("at %v s pod %d serves %d, %d outstanding", s.Now(), i, p.serving, p.outstanding)
		}
	}
	for _, m := range s.Machines() {
		if m.BusySeconds > m.Cores*s.Now()*(1+1e-9) {
			t.Fatalf("machine %+v obtained more than it has by %v s", m, s.Now())
		}
	}
}

// churned is a small application with everything that calls can do.
func churned(t *testing.T, seed uint64) *Simulation {
	t.Helper()
	back := servicegraph.Call{
		Service: "back", Network: servicegraph.Exp(0.002), TimeoutSeconds: 0.2, Retries: 2,
		Stages: []servicegraph.Stage{{Work: servicegraph.Exp(0.02), Wait: servicegraph.Exp(0.01)}},
	}
	maybe, later := back, back
	maybe.Optional, later.Async = true, true
	root := servicegraph.Call{
		Service: "front", Network: servicegraph.Exp(0.001), TimeoutSeconds: 1, Retries: 1,
		Stages: []servicegraph.Stage{work(servicegraph.Exp(0.01), back, maybe, later), work(servicegraph.Exp(0.005), back), work(servicegraph.Exp(0.005))},
	}
	s, err := New(Config{
		Application: servicegraph.Application{
			Services: []servicegraph.Service{
				{Name: "front", Concurrency: 10, Queue: 5, Start: servicegraph.Start{DelaySeconds: 0.1, Work: servicegraph.Exp(0.2)}},
				{Name: "back", Balance: servicegraph.LeastOutstanding, Threads: 2, Start: servicegraph.Start{Work: servicegraph.Exp(0.1)}},
			},
			Operations: []servicegraph.Operation{{Name: "o", Patterns: []servicegraph.Pattern{
				{Share: 2, Root: root}, {Share: 1, Root: call("front", work(servicegraph.Exp(0.01)))},
			}}},
		},
		Machines: []park.MachineSpec{{Name: "m", Cores: 2}, {Name: "n", Cores: 3}}, Seed: seed, SpanRate: 0.5, MaxSpans: 10,
		Loads: []Load{{"o", arrival.Rates{StepSeconds: 1, PerSecond: []float64{30, 60}, Repeat: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"front", "back"} {
		mustAdd(t, s, PodSpec{Service: service, Machine: "m", RequestCores: 1, LimitCores: 1, Started: true})
	}
	if _, err := s.AddBatch(BatchSpec{Machine: "m", Threads: 2}); err != nil {
		t.Fatal(err)
	}
	return s
}
