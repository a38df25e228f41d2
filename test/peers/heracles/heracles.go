// Package heracles is the controller of Heracles (Lo, Cheng, Govindaraju, Ranganathan and Kozyrakis, ISCA'15), by the paper's rules as given in
// firm-aquatope-drpc 5.3: a top-level loop that stops and starts batch work by load and slack, and a loop for cores and memory that
// climbs in two states.
//
//	top, 15 s         load > 0.85: batch work stops; < 0.80: it may run; slack < 0: it stops for 5 min; < 0.10: it may not grow;
//	                  < 0.05: it is cut to 2 cores
//	cores/memory, 2 s traffic above 90 % of the peak: overage / traffic per batch core fewer cores; else GrowCache: one way
//	                  more, kept if traffic falls and batch work gains, else GrowCores; GrowCores: one core more if the traffic allows it
//	                  and slack > 0.10, else GrowCache
//
// Batch work starts with 2 cores, what the top loop cuts to, and the fewest ways that a mask may have. The sub-loops of power
// and network have nothing to act on here: the machines of the comparison have no control of frequency by core, and no network.
// Without monitoring of memory traffic only cores grow and shrink; without cache allocation nothing else does. Cores are a quota, not a set.
// The slack is that of the worst service over 15 s, the load the largest.
package heracles

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// The paper's constants.
const (
	topSeconds      = 15
	memorySeconds   = 2
	dramLimit       = 0.90
	disableLoad     = 0.85
	enableLoad      = 0.80
	coolDownSeconds = 300
	growSlack       = 0.10
	cutSlack        = 0.05
	cutCores        = 2
)

// State of the climb.
type State int

// States.
const (
	GrowCache State = iota
	GrowCores
)

// Controller implements sharednode.Policy. See New.
type Controller struct {
	machine sharednode.Machine
	ways    int
	cores   float64
	state   State

	enabled, mayGrow  bool
	coolUntil         float64
	nextTop, nextCore float64
	windows           [][]float64 // latencies since the last top decision
	slack, load       float64

	verify            bool // a way was added in the last round
	trafficBefore     float64
	batchBefore       float64
	service, batch    float64 // MB/s, the last reading
	monitored         bool
	instructions      float64 // of batch work per second, the last reading
	countInstructions bool
}

// New starts with batch work running on 2 cores.
func New(machine sharednode.Machine, services int) *Controller {
	return &Controller{
		machine: machine, ways: machine.MinWays, cores: math.Min(cutCores, machine.Cores), enabled: true,
		windows: make([][]float64, services), nextTop: topSeconds, nextCore: memorySeconds,
	}
}

// State is that of the climb, and whether batch work runs.
func (c *Controller) State() (State, bool) { return c.state, c.enabled }

// Observe implements sharednode.Policy.
func (c *Controller) Observe(r *sharednode.Reading) sharednode.Setting {
	c.take(r)
	const little = 1e-6
	if r.Now >= c.nextTop-little {
		c.nextTop = r.Now + topSeconds
		c.top(r)
	}
	if r.Now >= c.nextCore-little {
		c.nextCore = r.Now + memorySeconds
		c.coresAndMemory()
	}
	if !c.enabled {
		return c.machine.Split(c.machine.MinWays, 100, 0)
	}
	return c.machine.Split(c.ways, 100, c.cores)
}

func (c *Controller) take(r *sharednode.Reading) {
	c.load = 0
	for i := range r.Services {
		c.windows[i] = append(c.windows[i], r.Services[i].Latencies...)
		if r.Services[i].Load != nil {
			c.load = math.Max(c.load, *r.Services[i].Load)
		}
	}
	if r.ServiceMBps != nil && r.BatchMBps != nil {
		c.service, c.batch, c.monitored = *r.ServiceMBps, *r.BatchMBps, true
	}
	var instructions float64
	var counted bool
	for j := range r.Jobs {
		if k := r.Jobs[j].Counters; k != nil && k.Events {
			instructions, counted = instructions+k.Instructions/k.Seconds, true
		}
	}
	if counted {
		c.instructions, c.countInstructions = instructions, true
	}
}

// top is the top-level controller.
func (c *Controller) top(r *sharednode.Reading) {
	slack := math.Inf(1)
	for i, window := range c.windows {
		if n := len(window); n > 0 {
			sorted := slices.Sorted(slices.Values(window))
			p99 := sorted[int(math.Ceil(0.99*float64(n)))-1]
			slack = math.Min(slack, 1-p99/r.Services[i].TargetSeconds)
		}
		c.windows[i] = window[:0]
	}
	if math.IsInf(slack, 1) {
		return // nothing was read
	}
	c.slack = slack
	c.mayGrow = slack >= growSlack
	switch {
	case slack < 0:
		c.stop()
		c.coolUntil = r.Now + coolDownSeconds
	case c.load > disableLoad:
		c.stop()
	case c.load < enableLoad && r.Now >= c.coolUntil:
		c.enabled = true
	}
	if slack < cutSlack {
		c.cores = math.Min(c.cores, cutCores)
	}
}

// stop stops batch work. It begins anew when it may run again.
func (c *Controller) stop() {
	c.enabled, c.verify, c.state = false, false, GrowCache
	c.cores, c.ways = math.Min(cutCores, c.machine.Cores), c.machine.MinWays
}

// coresAndMemory is the sub-controller.
func (c *Controller) coresAndMemory() {
	if !c.enabled {
		return
	}
	limit, total := dramLimit*c.machine.ToldMBps, c.service+c.batch
	perCore := c.batch / math.Max(c.cores, 1)
	if c.verify {
		c.verify = false
		switch {
		case total-c.trafficBefore >= 0:
			c.ways-- // it brought nothing to memory
			c.state = GrowCores
		case c.countInstructions && c.instructions <= c.batchBefore:
			c.state = GrowCores // batch work does not gain
		}
	}
	if c.monitored && total > limit && perCore > 0 {
		c.cores = math.Max(1, c.cores-math.Ceil((total-limit)/perCore))
		return
	}
	if !c.mayGrow {
		return
	}
	switch c.state {
	case GrowCache:
		if !c.machine.Allocates || !c.monitored || c.ways+c.machine.MinWays >= c.machine.Ways {
			c.state = GrowCores
			return
		}
		c.trafficBefore, c.batchBefore, c.verify = total, c.instructions, true
		c.ways++
	case GrowCores:
		switch {
		case c.monitored && total+perCore > limit:
			c.state = GrowCache
		case c.slack > growSlack && c.cores < c.machine.Cores:
			c.cores = math.Min(c.machine.Cores, c.cores+1)
		}
	}
}
