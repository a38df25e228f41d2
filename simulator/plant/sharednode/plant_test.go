package sharednode

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/fluidqueue"
)

// busy is a drawn machine with all kinds of batch work at once.
func busy(t *testing.T, family Family, seed uint64) *Node {
	t.Helper()
	d := Draw(family, seed, AllKnobs)
	c := Conditions{}
	for i := range d.Services {
		d.Services[i].TargetSeconds = 0.1
		c.Load = append(c.Load, 0.7)
	}
	var jobs []Job
	for kind := range kindsOfBatch {
		jobs = append(jobs, Job{
			Name: kind.String(), Threads: DrawThreads(family, seed, kind, &d.Machine), Weight: 0.01, Phases: []Phase{DrawPhase(family, seed, kind, &d.Machine)},
		})
		c.Phase = append(c.Phase, 0)
	}
	return started(t, d.Machine, d.Services, jobs, c, family.Random(seed, 2))
}

// Whatever is set and drawn: no more cores run than there are, no more memory traffic than the peak, no more cache is held than there is,
// quotas and the cap per core hold, and nothing is negative or not a number.
func TestConservation(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		family := Family(seed % 2)
		n := busy(t, family, seed)
		random := family.Random(seed, 3)
		for step := range 600 {
			if step%20 == 0 {
				s := n.machine.Split(random.IntN(25), random.IntN(120), random.Float64()*n.machine.Cores)
				if step%40 == 0 {
					s.ServiceWays, s.BatchCPU = n.machine.Ways, math.Inf(1)
					s.JobCPU = []float64{1, 2, 0, 0.5, math.Inf(1)}
				}
				c := Conditions{Phase: n.conditions.Phase}
				for range n.services {
					c.Load = append(c.Load, random.Float64()*2.5)
				}
				if err := n.Change(c); err != nil {
					t.Fatal(err)
				}
				n.Apply(s)
			}
			n.Advance(Step)
			checkConservation(t, n, seed)
		}
	}
}

func checkConservation(t *testing.T, n *Node, seed uint64) {
	t.Helper()
	const little = 1e-6
	var cores, batch, traffic, held float64
	for i := range n.services {
		s := &n.service[i]
		cores += s.used
		traffic += trafficMBps(s.throughput*n.services[i].Instructions*s.work, s.misses)
		held += n.cache.Held(i)
		if mean, squared := n.Latency(i); !(mean > 0) || !(squared >= 0) || math.IsInf(mean, 1) || !(s.number >= 0) || s.used > s.cores+little {
			t.Fatalf("seed %d: service %d: mean %v, variation %v, %+v", seed, i, mean, squared, s)
		}
	}
	for j := range n.jobs {
		s := &n.job[j]
		batch += s.used
		own := trafficMBps(s.instructions, s.misses)
		traffic += own
		held += n.cache.Held(len(n.services) + j)
		if s.used < 0 || s.used > n.jobs[j].Threads+little || s.denied < -little || (j < len(n.setting.JobCPU) && s.used > n.setting.JobCPU[j]+little) {
			t.Fatalf("seed %d: job %d: %+v under %+v", seed, j, s, n.setting)
		}
		if limit := s.used * n.machine.coreCap(n.setting.BatchPercent); own > limit+little {
			t.Fatalf("seed %d: job %d draws %v MB/s with %v cores of %d %%: at most %v", seed, j, own, s.used, n.setting.BatchPercent, limit)
		}
	}
	if cores+batch > n.machine.Cores+little || batch > n.setting.BatchCPU+little {
		t.Fatalf("seed %d: services run on %v cores and batch on %v of %v, quota %v", seed, cores, batch, n.machine.Cores, n.setting.BatchCPU)
	}
	if traffic > n.machine.PeakMBps*1.001 {
		t.Fatalf("seed %d: traffic of %v MB/s, the peak is %v", seed, traffic, n.machine.PeakMBps)
	}
	if held > n.machine.CacheMB+little {
		t.Fatalf("seed %d: %v MB held of %v", seed, held, n.machine.CacheMB)
	}
}

// MBA by hand: 25 % becomes 30 % in steps of 10, and with an exponent of 1 each core of 10,000 MB/s draws 3,000 at most.
func TestPercentage(t *testing.T) {
	t.Parallel()
	m, _ := plain(4)
	if got := m.round(m.Split(3, 25, 2)); got.BatchPercent != 30 || got.ServiceWays != 7 || math.Abs(m.coreCap(got.BatchPercent)-3000) > 1e-9 {
		t.Errorf("the machine makes of it %+v, %v MB/s a core", got, m.coreCap(got.BatchPercent))
	}
	m.Throttles, m.Allocates = false, false
	if got := m.round(m.Split(3, 25, 2)); !reflect.DeepEqual(got, Setting{BatchWays: 10, ServiceWays: 10, BatchPercent: 100, BatchCPU: 2}) {
		t.Errorf("without resctrl the machine makes of it %+v", got)
	}
}

// Same seed, same course; another seed or family, another machine.
func TestSeeds(t *testing.T) {
	t.Parallel()
	course := func(family Family, seed uint64) (out []float64) {
		n := busy(t, family, seed)
		for range 100 {
			n.Advance(Step)
			out = append(out, n.LeastSlack(), float64(len(n.Read().Services[0].Latencies)))
		}
		return out
	}
	if !reflect.DeepEqual(course(Tuning, 3), course(Tuning, 3)) {
		t.Error("the same seed gives two courses")
	}
	if reflect.DeepEqual(course(Tuning, 3), course(Tuning, 4)) || reflect.DeepEqual(course(Tuning, 3), course(HeldOut, 3)) {
		t.Error("different seeds give one course")
	}
	if reflect.DeepEqual(Draw(Tuning, 3, AllKnobs), Draw(HeldOut, 3, AllKnobs)) {
		t.Error("both families draw the same machine")
	}
}

// What readings say agrees with what happened: CPU time, instructions, traffic and cycles of a second, within their error; readings go
// missing now and then.
func TestReadings(t *testing.T) {
	t.Parallel()
	n := busy(t, Tuning, 5)
	var seconds, missed, silent int
	for range 6000 {
		n.Advance(Step)
		r := n.Read()
		if r.Services[0].Latencies == nil {
			silent++
		}
		if r.ServiceMBps == nil {
			continue
		}
		seconds++
		c := r.Jobs[1].Counters
		if c == nil {
			missed++
			continue
		}
		if math.Abs(c.Seconds-1) > 1e-9 || c.CPUSeconds <= 0 || math.Abs(c.Cycles/(c.CPUSeconds*n.ghz*1e9)-1) > 0.15 {
			t.Fatalf("counters of a second: %+v", c)
		}
		if c.StallCycles >= c.Cycles*1.1 || c.Misses >= c.Instructions || c.OccupancyMB > n.machine.CacheMB*1.2 {
			t.Fatalf("counters of a second: %+v", c)
		}
	}
	if seconds != 600 || missed == 0 || missed > 30 || silent == 0 || silent > 600 {
		t.Errorf("%d seconds, %d readings of counters missing, %d steps without latencies", seconds, missed, silent)
	}
}

// Settling moves the state and not the clock: afterwards the cache is full, and no time or counter has gone by.
func TestSettle(t *testing.T) {
	t.Parallel()
	n := busy(t, Tuning, 4)
	n.Settle(30)
	var held float64
	for i := range len(n.services) + len(n.jobs) {
		held += n.cache.Held(i)
	}
	if held < 0.9*n.machine.CacheMB || n.Now() != 0 || n.meter.since != 0 || n.meter.containers[0] != (Counters{}) {
		t.Errorf("after settling %v MB of %v are held at %v s, counters %+v", held, n.machine.CacheMB, n.Now(), n.meter.containers[0])
	}
}

// The steady state found in long steps is the one that the plant comes to in its own, for drawn nodes and settings: percentiles and work within
// half a percent.
func TestSteady(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		n := busy(t, Tuning, seed)
		n.random = nil
		random := Tuning.Random(seed, 7)
		setting := n.machine.Split(1+random.IntN(10), 10+random.IntN(90), n.machine.Cores*random.Float64())
		if seed%2 == 0 {
			setting = n.machine.Free()
		}
		n.Apply(setting)
		for range 1200 {
			n.Advance(Step)
		}
		steady, err := NewSteady(n.machine, n.services, n.jobs, n.conditions)
		if err != nil {
			t.Fatal(err)
		}
		p99, work := steady.At(setting)
		if math.Abs(work/n.Work()-1) > 0.005 {
			t.Errorf("seed %d: work %v, after two minutes %v", seed, work, n.Work())
		}
		for i, got := range p99 {
			if want := fluidqueue.Percentile(n.Latency(i)); math.Abs(got/want-1) > 0.005 {
				t.Errorf("seed %d: percentile of service %d is %v, after two minutes %v", seed, i, got, want)
			}
		}
	}
}

// A service's own doing: with half again as many misses its counters show them, and nobody else's change by much.
func TestOwnMisses(t *testing.T) {
	t.Parallel()
	n := busy(t, Tuning, 6)
	n.random = nil
	n.Settle(30)
	before := n.Cost(0)
	c := n.conditions
	for range n.services {
		c.Misses = append(c.Misses, 1.5)
	}
	if err := n.Change(c); err != nil {
		t.Fatal(err)
	}
	n.Advance(Step)
	if after := n.Cost(0); math.Abs(after.Misses/before.Misses-1.5) > 0.05 {
		t.Errorf("misses went from %v to %v, want half again as many", before.Misses, after.Misses)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	m, s := plain(4)
	j := Job{Name: "j", Threads: 1, Weight: 1, Phases: []Phase{{Code: s.Code}}}
	for want, breaks := range map[string]func(m *Machine, s *Service, j *Job){
		"cores":    func(m *Machine, _ *Service, _ *Job) { m.Cores = 0 },
		"MinWays":  func(m *Machine, _ *Service, _ *Job) { m.MinWays = 9 },
		"MB/s":     func(m *Machine, _ *Service, _ *Job) { m.PeakMBps = math.NaN() },
		"MBStep":   func(m *Machine, _ *Service, _ *Job) { m.MBStep = 0 },
		"PowerDro": func(m *Machine, _ *Service, _ *Job) { m.PowerDrop = 1 },
		"workers":  func(_ *Machine, s *Service, _ *Job) { s.Workers = 0 },
		"Overlap":  func(_ *Machine, s *Service, _ *Job) { s.Code.Overlap = 0 },
		"threads":  func(_ *Machine, _ *Service, j *Job) { j.Threads = -1 },
		"phase":    func(_ *Machine, _ *Service, j *Job) { j.Phases = []Phase{{}} },
	} {
		m, s, j := m, s, j
		breaks(&m, &s, &j)
		if _, err := New(m, []Service{s}, []Job{j}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
	n := started(t, m, []Service{s}, []Job{j}, Conditions{Load: []float64{0.5}, Phase: []int{0}}, nil)
	for _, c := range []Conditions{
		{},
		{Load: []float64{math.NaN()}, Phase: []int{0}},
		{Load: []float64{1}, Phase: []int{1}},
		{Load: []float64{1}, Phase: []int{0}, Misses: []float64{1, 1}},
		{Load: []float64{1}, Phase: []int{0}, Misses: []float64{0}},
	} {
		if err := n.Change(c); err == nil {
			t.Errorf("conditions %+v were accepted", c)
		}
	}
}
