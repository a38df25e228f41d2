package sharednode

import (
	"math"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/fluidqueue"
	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/loadedmemory"
)

// batchFloor is the least CPU of batch work that its weight guarantees, given what it wants.
func (n *Node) batchFloor(wanted float64) float64 {
	var services, jobs float64
	for i := range n.services {
		services += n.services[i].Weight
	}
	for j := range n.jobs {
		if n.job[j].wanted > 0 {
			jobs += n.jobs[j].Weight
		}
	}
	if jobs == 0 {
		return 0
	}
	return math.Min(math.Min(wanted, n.setting.BatchCPU), n.machine.Cores*jobs/(services+jobs))
}

// grant shares the cores: services may use what other services and the batch work's floor leave, jobs what services left in the last step.
func (n *Node) grant() {
	var wanted, busy, weights float64
	for j := range n.jobs {
		s := &n.job[j]
		s.wanted = 0
		if n.code(j) != nil {
			s.wanted = n.jobs[j].Threads
		}
		wanted += n.jobWish(j)
	}
	for i := range n.services {
		busy += n.service[i].used
		weights += n.services[i].Weight
	}
	floor := n.batchFloor(wanted)
	for i := range n.services {
		s := &n.services[i]
		left := n.machine.Cores - floor
		n.service[i].cores = math.Min(s.Workers, math.Max(left*s.Weight/weights, left-(busy-n.service[i].used)))
	}
	n.shareBatch(math.Min(math.Min(wanted, n.setting.BatchCPU), math.Max(floor, n.machine.Cores-busy)))
}

// jobWish is the cores a job would use if there were any number, by threads and its own quota.
func (n *Node) jobWish(j int) float64 {
	wish := n.job[j].wanted
	if j < len(n.setting.JobCPU) {
		wish = math.Min(wish, math.Max(0, n.setting.JobCPU[j]))
	}
	return wish
}

// shareBatch fills the jobs with cores by weight.
func (n *Node) shareBatch(cores float64) {
	open := make([]bool, len(n.jobs))
	for j := range n.jobs {
		n.job[j].used = 0
		open[j] = n.jobWish(j) > 0
	}
	for range n.jobs {
		var weights float64
		for j, is := range open {
			if is {
				weights += n.jobs[j].Weight
			}
		}
		filled := false
		for j, is := range open {
			if wish := n.jobWish(j); is && wish <= cores*n.jobs[j].Weight/weights {
				n.job[j].used, open[j], filled = wish, false, true
				cores, weights = cores-wish, weights-n.jobs[j].Weight
			}
		}
		if !filled {
			for j, is := range open {
				if is {
					n.job[j].used = cores * n.jobs[j].Weight / weights
				}
			}
			break
		}
	}
	for j := range n.jobs { // what a quota keeps from running, as throttling counts it
		s := &n.job[j]
		s.denied = 0
		if n.jobWish(j) < s.wanted || cores >= n.setting.BatchCPU {
			s.denied = s.wanted - s.used
		}
	}
}

func (n *Node) clock() float64 {
	var heat float64
	for j := range n.jobs {
		if code := n.code(j); code != nil {
			heat += code.Heat * n.job[j].used
		}
	}
	const hotAll = 0.5 // of the cores, from which on the budget of power is spent
	return n.machine.GHz * (1 - n.machine.PowerDrop*math.Min(1, heat/(hotAll*n.machine.Cores)))
}

// serveMemory finds the latency of memory at which demand is what is delivered, and with it everyone's speed.
func (n *Node) serveMemory() {
	speed := func(ns float64) (traffic float64) {
		for i := range n.services {
			s, state := &n.services[i], &n.service[i]
			seconds := s.Instructions * state.work * s.Code.instructionSeconds(n.ghz, state.misses, ns)
			served := math.Min(state.throughput, state.cores/seconds)
			traffic += trafficMBps(served*s.Instructions*state.work, state.misses)
		}
		for j := range n.jobs {
			if code := n.code(j); code != nil {
				traffic += trafficMBps(n.job[j].used*n.jobSpeed(code, n.job[j].misses, ns), n.job[j].misses)
			}
		}
		return traffic
	}
	n.memory, _ = loadedmemory.Settle(n.machine.PeakMBps, n.machine.MemoryNs, speed)
	for i := range n.services {
		s, state := &n.services[i], &n.service[i]
		state.seconds = s.Instructions * state.work * s.Code.instructionSeconds(n.ghz, state.misses, n.memory)
	}
}

// jobSpeed is the instructions per second of a core of batch work, within its cap of traffic.
func (n *Node) jobSpeed(code *Code, misses, ns float64) float64 {
	free := 1 / code.instructionSeconds(n.ghz, misses, ns)
	if perInstruction := trafficMBps(1, misses); perInstruction > 0 {
		return math.Min(free, n.coreCap/perInstruction)
	}
	return free
}

// serveQueues advances the requests. Services come first; jobs give back what services take of the cores that they were granted.
func (n *Node) serveQueues(dt float64) {
	var batch, wanted float64
	for j := range n.jobs {
		batch += n.job[j].used
		wanted += n.jobWish(j)
	}
	floor := n.batchFloor(wanted)
	var used float64
	for i := range n.services {
		s, state := &n.services[i], &n.service[i]
		arrivals := n.conditions.Load[i] * s.PeakRate * state.rate
		state.number, state.utilisation = fluidqueue.Advance(state.number, arrivals, state.cores, state.seconds, dt)
		state.throughput = state.cores / state.seconds * state.utilisation
		state.used = state.throughput * state.seconds
		used += state.used
	}
	if room := n.machine.Cores - math.Min(floor, batch); used > room { // together more than there is: all wait alike
		for i := range n.service {
			state := &n.service[i]
			state.number += (1 - room/used) * state.throughput * dt
			state.throughput *= room / used
			state.used *= room / used
		}
		used = room
	}
	n.shareBatch(math.Min(batch, math.Max(n.machine.Cores-used, 0)))
	for j := range n.jobs {
		n.job[j].instructions = 0
		if code := n.code(j); code != nil {
			n.job[j].instructions = n.job[j].used * n.jobSpeed(code, n.job[j].misses, n.memory)
		}
	}
	n.wait(used)
}

// patience is the seconds of peak load that clients let queue up: more of them give up.
const patience = 2

// wait is what a request waits for a core on waking, and who gives up.
func (n *Node) wait(used float64) {
	for j := range n.job {
		used += n.job[j].used
	}
	full := math.Pow(math.Min(1, used/n.machine.Cores), n.machine.Cores/2)
	for i := range n.service {
		n.service[i].wake = n.services[i].Wakeups * n.machine.WakeSeconds * full
		n.service[i].number = math.Min(n.service[i].number, patience*n.services[i].PeakRate)
	}
}

// Latency is the law of the latency of requests that end now: mean in seconds and squared coefficient of variation.
func (n *Node) Latency(service int) (mean, squaredVariation float64) {
	s := &n.service[service]
	mean = s.seconds
	if s.throughput > 0 {
		mean = math.Max(mean, s.number/s.throughput)
	}
	return mean + s.wake, fluidqueue.Variation(n.services[service].Variation, s.cores, s.utilisation)
}

// Slack is how far the 99th percentile of a service's latency is below its target now, in targets: the truth, without a sample's noise.
func (n *Node) Slack(service int) float64 {
	target := n.services[service].TargetSeconds
	return (target - fluidqueue.Percentile(n.Latency(service))) / target
}

// LeastSlack is that of the worst service.
func (n *Node) LeastSlack() float64 {
	least := math.Inf(1)
	for i := range n.services {
		least = math.Min(least, n.Slack(i))
	}
	return least
}

// Work is what batch jobs do now, in cores at the speed of one that has the machine to itself.
func (n *Node) Work() float64 {
	var work float64
	for j := range n.jobs {
		work += n.jobWork(j)
	}
	return work
}

func (n *Node) jobWork(j int) float64 {
	code := n.code(j)
	if code == nil {
		return 0
	}
	alone := code.instructionSeconds(n.machine.GHz, code.Misses.At(n.machine.CacheMB), n.machine.MemoryNs)
	return n.job[j].instructions * alone
}

// Cost is what a unit of a service's work takes now, in parts: time is (Own/clock + Misses·Memory) · (1+Delay).
type Cost struct {
	// OwnSeconds of a request at the clock of now, and ClockRatio of it to the machine's full clock.
	OwnSeconds, ClockRatio float64
	// Misses per 1,000 instructions, MemoryNs of each, and MissSeconds of a request.
	Misses, MemoryNs, MissSeconds float64
	// Delay is the time that ready threads wait for a core per time that they run.
	Delay float64
}

// Cost is the truth behind a service's counters.
func (n *Node) Cost(service int) Cost {
	s, state := &n.services[service], &n.service[service]
	c := Cost{
		OwnSeconds: s.Instructions * s.Code.CPI / n.ghz * 1e-9, ClockRatio: n.ghz / n.machine.GHz,
		Misses: state.misses, MemoryNs: n.memory, MissSeconds: s.Instructions * state.misses / 1000 * n.memory / s.Code.Overlap * 1e-9,
	}
	if state.used > 0 {
		c.Delay = n.queued(service) / state.used
	}
	return c
}
