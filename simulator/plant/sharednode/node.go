package sharednode

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/lastlevel"
)

// Step is the time between two settings, in seconds.
const Step = 0.1

// Node is a running machine. See New.
type Node struct {
	machine  Machine
	services []Service
	jobs     []Job

	now        float64
	setting    Setting
	coreCap    float64 // of the setting
	conditions Conditions
	phaseSince []float64 // of each job
	cache      lastlevel.Cache

	service []serviceState
	job     []jobState
	ghz     float64 // clock of the last step
	memory  float64 // latency in ns of the last step

	random *rand.Rand // nil: no noise
	meter  meter
}

// serviceState is a service's last step.
type serviceState struct {
	number, utilisation float64 // requests in the system, share of cores used
	cores               float64 // it could use
	seconds             float64 // CPU time of a request
	throughput          float64 // requests per second
	used                float64 // cores
	misses              float64 // per 1,000 instructions
	wake                float64 // time that a request waited for cores on waking
	rate, work          float64 // factors that wander about 1
}

// jobState is a job's last step.
type jobState struct {
	wanted, used, denied float64 // cores: threads that are ready, running, and kept from it by a quota
	misses               float64
	instructions         float64 // per second
}

// New makes a node with those containers, idle, with nothing bounded. Noise comes from random only; nil is none.
func New(machine Machine, services []Service, jobs []Job, random *rand.Rand) (*Node, error) {
	if err := machine.validate(); err != nil {
		return nil, err
	}
	n := &Node{
		machine: machine, services: services, jobs: jobs, random: random, setting: machine.Free(),
		phaseSince: make([]float64, len(jobs)), service: make([]serviceState, len(services)), job: make([]jobState, len(jobs)),
		cache: lastlevel.New(len(services)+len(jobs), machine.Ways, machine.CacheMB), ghz: machine.GHz, memory: machine.MemoryNs,
		coreCap:    machine.coreCap(100),
		conditions: Conditions{Load: make([]float64, len(services)), Phase: make([]int, len(jobs))},
	}
	for i, s := range services {
		if err := s.Code.validate(); err != nil {
			return nil, fmt.Errorf("service %s: %w", s.Name, err)
		}
		if !(s.Workers > 0) || !(s.Weight > 0) || !(s.Instructions > 0) || !(s.Variation >= 0) || !(s.PeakRate > 0) || !(s.TargetSeconds > 0) {
			return nil, fmt.Errorf("service %s: %+v: workers, weight, instructions, rate and target are above 0, variation is not below", s.Name, s)
		}
		n.service[i] = serviceState{rate: 1, work: 1, misses: s.Code.Misses.Low}
		n.service[i].seconds = s.Instructions * s.Code.instructionSeconds(machine.GHz, s.Code.Misses.Low, machine.MemoryNs)
	}
	for i, j := range jobs {
		if !(j.Threads > 0) || !(j.Weight > 0) || len(j.Phases) == 0 {
			return nil, fmt.Errorf("job %s: %v threads, weight %v, %d phases; expected some of each", j.Name, j.Threads, j.Weight, len(j.Phases))
		}
		for _, p := range j.Phases {
			if err := p.Code.validate(); err != nil {
				return nil, fmt.Errorf("job %s, phase %s: %w", j.Name, p.Name, err)
			}
		}
		n.conditions.Phase[i] = Absent
	}
	n.meter = newMeter(len(services), len(jobs))
	return n, nil
}

// Machine is what the node is.
func (n *Node) Machine() Machine { return n.machine }

// Services and Jobs are what runs on it. Not to be changed.
func (n *Node) Services() []Service { return n.services }

// Jobs are the batch containers.
func (n *Node) Jobs() []Job { return n.jobs }

// Now is the time in seconds since the start.
func (n *Node) Now() float64 { return n.now }

// Change makes conditions hold from now on.
func (n *Node) Change(c Conditions) error {
	if len(c.Load) != len(n.services) || len(c.Phase) != len(n.jobs) {
		return fmt.Errorf("conditions have %d loads and %d phases; expected %d and %d", len(c.Load), len(c.Phase), len(n.services), len(n.jobs))
	}
	if len(c.Misses) != 0 && len(c.Misses) != len(n.services) {
		return fmt.Errorf("conditions have %d factors of misses; expected none or %d", len(c.Misses), len(n.services))
	}
	for i, factor := range c.Misses {
		if !(factor > 0) || math.IsInf(factor, 1) {
			return fmt.Errorf("misses of service %s times %v; expected a factor above 0", n.services[i].Name, factor)
		}
	}
	for i, load := range c.Load {
		if !(load >= 0) || math.IsInf(load, 1) {
			return fmt.Errorf("load of service %s is %v; expected 0 or more", n.services[i].Name, load)
		}
	}
	for i, p := range c.Phase {
		if p < Absent || p >= len(n.jobs[i].Phases) {
			return fmt.Errorf("phase of job %s is %d of %d", n.jobs[i].Name, p, len(n.jobs[i].Phases))
		}
		if p != n.conditions.Phase[i] {
			n.phaseSince[i] = n.now
		}
	}
	n.conditions = c
	return nil
}

// Apply makes a setting hold from now on, as the machine rounds it.
func (n *Node) Apply(s Setting) {
	n.setting = n.machine.round(s)
	n.coreCap = n.machine.coreCap(n.setting.BatchPercent)
}

// Setting is the one in force.
func (n *Node) Setting() Setting { return n.setting }

// Advance runs the node for dt seconds under the setting in force, Step of them where a policy controls it.
func (n *Node) Advance(dt float64) {
	n.wander(dt)
	n.shareCache(dt)
	n.grant()
	n.ghz = n.clock()
	n.serveMemory()
	n.serveQueues(dt)
	n.now += dt
	n.meter.add(n, dt)
}

// Settle runs the node for some seconds before its time begins: clock and counters stand still.
func (n *Node) Settle(seconds float64) {
	now, counted := n.now, n.meter
	n.meter = newMeter(len(n.services), len(n.jobs))
	for range int(math.Ceil(seconds / Step)) {
		n.Advance(Step)
	}
	n.now, n.meter = now, counted
}

// code is the instructions of a job now, nil where it is absent or in the off part of its phase.
func (n *Node) code(job int) *Code {
	p := n.conditions.Phase[job]
	if p == Absent {
		return nil
	}
	phase := &n.jobs[job].Phases[p]
	if phase.OffSeconds > 0 && math.Mod(n.now-n.phaseSince[job], phase.OnSeconds+phase.OffSeconds) >= phase.OnSeconds {
		return nil
	}
	return &phase.Code
}

// wander moves what fluctuates by itself.
func (n *Node) wander(dt float64) {
	if n.random == nil {
		return
	}
	for i := range n.service {
		const rateTau, rateSD, workTau, workSD = 2.0, 0.02, 20.0, 0.02
		n.service[i].rate = ornsteinUhlenbeck(n.random, n.service[i].rate, rateSD, dt/rateTau)
		n.service[i].work = ornsteinUhlenbeck(n.random, n.service[i].work, workSD, dt/workTau)
	}
}

// ornsteinUhlenbeck moves a factor whose logarithm has standard deviation sd, by a time in units of its time constant.
func ornsteinUhlenbeck(random *rand.Rand, factor, sd, time float64) float64 {
	keeps := math.Exp(-time)
	return math.Exp(math.Log(factor)*keeps + sd*math.Sqrt(1-keeps*keeps)*random.NormFloat64())
}

// shareCache moves lines by the misses of the last step.
func (n *Node) shareCache(dt float64) {
	tenants := make([]lastlevel.Tenant, 0, len(n.services)+len(n.jobs))
	for i := range n.services {
		s := &n.service[i]
		tenants = append(tenants, lastlevel.Tenant{
			Inserts: s.throughput * n.services[i].Instructions * s.work * s.misses, FootprintMB: n.services[i].Code.Misses.footprintMB(),
			First: 0, Last: n.setting.ServiceWays,
		})
	}
	for j := range n.jobs {
		t := lastlevel.Tenant{First: n.machine.Ways - n.setting.BatchWays, Last: n.machine.Ways, FootprintMB: math.Inf(1)}
		if code := n.code(j); code != nil {
			t.Inserts, t.FootprintMB = n.job[j].instructions*n.job[j].misses, code.Misses.footprintMB()
		}
		tenants = append(tenants, t)
	}
	n.cache.Advance(tenants, dt)
	for i := range n.services {
		n.service[i].misses = n.services[i].Code.Misses.At(n.cache.Held(i))
		if len(n.conditions.Misses) > 0 {
			n.service[i].misses *= n.conditions.Misses[i]
		}
	}
	for j := range n.jobs {
		n.job[j].misses = 0
		if code := n.code(j); code != nil {
			n.job[j].misses = code.Misses.At(n.cache.Held(len(n.services) + j))
		}
	}
}
