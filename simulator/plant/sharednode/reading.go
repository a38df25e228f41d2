package sharednode

import (
	"math"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/fluidqueue"
)

// Counters are what a container used in the last Seconds. Events and Monitored say whether the hardware's part
// was read.
type Counters struct {
	Seconds float64
	// CPUSeconds used; RunQueueSeconds of threads that were ready without a core; PressureSeconds in which some thread was
	// (PSI some); ThrottledSeconds of threads that a quota kept from running.
	CPUSeconds, RunQueueSeconds, PressureSeconds, ThrottledSeconds float64
	// Cycles, Instructions, Misses of the last-level cache, and StallCycles in which memory was waited for.
	Events                                    bool
	Cycles, Instructions, Misses, StallCycles float64
	// OccupancyMB of the cache at the end, and MBps of memory traffic in the mean.
	Monitored         bool
	OccupancyMB, MBps float64
}

// ServiceReading is one service.
type ServiceReading struct {
	Name          string
	TargetSeconds float64
	// Latencies in seconds of requests that ended in this step, up to 200 of them: a sample. nil is no reading.
	Latencies []float64
	// Load is arrivals per PeakRate, nil where unknown.
	Load *float64
	// Counters once a second, else nil.
	Counters *Counters
}

// JobReading is one batch job.
type JobReading struct {
	Name string
	// Present is whether its container runs, if off for the moment.
	Present  bool
	Threads  float64
	Counters *Counters // once a second, else nil
}

// Reading is what an agent sees after a step.
type Reading struct {
	Now      float64
	Services []ServiceReading
	Jobs     []JobReading
	// ServiceMBps and BatchMBps are the traffic of the two groups over the last second; nil between seconds and where not monitored.
	ServiceMBps, BatchMBps *float64
	// PeakMBps is what the agent was told of the memory's peak: Machine.ToldMBps.
	PeakMBps float64
	// Setting in force in this step.
	Setting Setting
}

// Policy controls a node: it is called after each step with what can be seen and says what holds from then on. It keeps its own time and
// state. Readings are not to be kept or changed.
type Policy interface {
	Observe(r *Reading) Setting
}

// requests is the largest sample of latencies in a step.
const requests = 200

// Noise of counters: their relative error, chance per second that a container's are missing, and chance per step that latencies
// go missing, then for up to lostSteps.
const (
	counterError = 0.02
	monitorError = 0.04
	missing      = 0.01
	lost         = 0.001
	lostSteps    = 30
)

// meter adds up counters between readings.
type meter struct {
	since      float64
	containers []Counters
	silent     []int // steps until a service's latencies are read again
}

func newMeter(services, jobs int) meter {
	return meter{containers: make([]Counters, services+jobs), silent: make([]int, services)}
}

func (m *meter) add(n *Node, dt float64) {
	m.since += dt
	for i := range n.service {
		s, code := &n.service[i], &n.services[i].Code
		m.containers[i].use(s.used, n.queued(i), 0, n, dt)
		m.containers[i].execute(s.throughput*n.services[i].Instructions*s.work, s.misses, code, dt)
	}
	for j := range n.job {
		s, c := &n.job[j], &m.containers[len(n.service)+j]
		c.use(s.used, math.Max(0, s.wanted-s.used-s.denied), s.denied, n, dt)
		if code := n.code(j); code != nil {
			c.execute(s.instructions, s.misses, code, dt)
		}
	}
}

// queued is how many threads of a service are ready without a core. Requests that wait for a worker are not on the machine's queue.
func (n *Node) queued(i int) float64 {
	s := &n.service[i]
	ready := s.throughput * s.wake
	if s.cores < n.services[i].Workers {
		ready += math.Max(0, math.Min(s.number, n.services[i].Workers)-s.used)
	}
	return ready
}

func (c *Counters) use(cores, queued, denied float64, n *Node, dt float64) {
	c.Seconds += dt
	c.CPUSeconds += cores * dt
	c.RunQueueSeconds += queued * dt
	c.ThrottledSeconds += denied * dt
	c.PressureSeconds += -math.Expm1(-queued-denied) * dt
	c.Cycles += cores * n.ghz * 1e9 * dt
}

// execute counts instructions. What cycles they do not need themselves wait for memory, or for its throttle.
func (c *Counters) execute(perSecond, misses float64, code *Code, dt float64) {
	c.Instructions += perSecond * dt
	c.Misses += perSecond * misses / 1000 * dt
	c.StallCycles = math.Max(0, c.Cycles-c.Instructions*code.CPI)
	c.MBps += trafficMBps(perSecond, misses) * dt
}

// Read gives what can be seen now. Once a second it has counters. With a node without noise nothing is drawn, and Latencies hold the
// 99th percentile once.
func (n *Node) Read() *Reading {
	r := &Reading{Now: n.now, PeakMBps: n.machine.ToldMBps, Setting: n.setting}
	second := n.meter.since > 1-Step/2
	var traffic [2]float64
	for i := range n.services {
		s := ServiceReading{Name: n.services[i].Name, TargetSeconds: n.services[i].TargetSeconds, Latencies: n.sample(i)}
		s.Load = new(n.conditions.Load[i] * n.service[i].rate)
		if second {
			traffic[0] += n.meter.containers[i].MBps / n.meter.since
			s.Counters = n.counters(i)
		}
		r.Services = append(r.Services, s)
	}
	for j := range n.jobs {
		b := JobReading{Name: n.jobs[j].Name, Present: n.conditions.Phase[j] != Absent, Threads: n.jobs[j].Threads}
		if second {
			i := len(n.services) + j
			traffic[1] += n.meter.containers[i].MBps / n.meter.since
			if b.Present {
				b.Counters = n.counters(i)
			}
		}
		r.Jobs = append(r.Jobs, b)
	}
	if second {
		if n.machine.Monitors {
			r.ServiceMBps, r.BatchMBps = new(traffic[0]*n.blur(monitorError)), new(traffic[1]*n.blur(monitorError))
		}
		clear(n.meter.containers)
		n.meter.since = 0
	}
	return r
}

// blur is a factor with that relative error.
func (n *Node) blur(relative float64) float64 {
	if n.random == nil {
		return 1
	}
	return math.Exp(relative * n.random.NormFloat64())
}

// counters is a container's counters as read, nil where missing.
func (n *Node) counters(i int) *Counters {
	if n.random != nil && n.random.Float64() < missing {
		return nil
	}
	c := n.meter.containers[i]
	if c.Events = n.machine.Events; c.Events {
		for _, x := range []*float64{&c.Cycles, &c.Instructions, &c.Misses, &c.StallCycles} {
			*x *= n.blur(counterError)
		}
	} else {
		c.Cycles, c.Instructions, c.Misses, c.StallCycles = 0, 0, 0, 0
	}
	c.MBps /= c.Seconds
	if c.Monitored = n.machine.Monitors; c.Monitored {
		c.OccupancyMB, c.MBps = n.cache.Held(i)*n.blur(monitorError), c.MBps*n.blur(monitorError)
	} else {
		c.MBps = 0
	}
	c.RunQueueSeconds *= n.blur(counterError)
	return &c
}

// sample draws the latencies of the step's requests.
func (n *Node) sample(i int) []float64 {
	mean, squared := n.Latency(i)
	if n.random == nil {
		return []float64{fluidqueue.Percentile(mean, squared)}
	}
	if n.meter.silent[i] > 0 {
		n.meter.silent[i]--
		return nil
	}
	if n.random.Float64() < lost {
		n.meter.silent[i] = n.random.IntN(lostSteps)
		return nil
	}
	count := n.service[i].throughput * Step
	count = math.Min(requests, math.Floor(count+n.random.Float64()))
	mu, sigma := fluidqueue.Spread(mean, squared)
	out := make([]float64, int(count))
	for k := range out {
		out[k] = math.Exp(mu + sigma*n.random.NormFloat64())
	}
	return out
}
