package control

import (
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// Cause is attribution's verdict on why a service is slow.
type Cause string

// Causes. An empty one was not judged and counts as Unknown.
const (
	// None: what its own work needs, not a neighbour. The loop leaves it to sizing.
	None Cause = "None"
	// LLC: neighbours take its share of the last-level cache.
	LLC Cause = "LLC"
	// MemoryBandwidth: neighbours take its memory bandwidth.
	MemoryBandwidth Cause = "MemoryBandwidth"
	// CPU: its threads wait for a CPU while neighbours run.
	CPU Cause = "CPU"
	// Power: its cores run slower than they did, as neighbours take the power budget.
	Power Cause = "Power"
	// Unknown: disturbed, and no resource stands out.
	Unknown Cause = "Unknown"
)

// Observation is what a node shows at one moment, once a second.
type Observation struct {
	// Now is the time since some fixed start, such as that of the process. It may begin anew after a restart.
	Now time.Duration
	// Services are the latency-sensitive ones that have a set-point. More than 256 are not looked at.
	Services []Service
	// Domains are the cache domains whose bandwidth is counted.
	Domains []Domain
	// BatchCPU is how many cores all batch pods together use, over the last second or two; nil: not known.
	BatchCPU *float64
	// BatchGIPS is how many 10^9 instructions a second all batch pods together execute, over the same time; nil: not known. With it ways
	// are given to batch only as far as it gets on faster with them.
	BatchGIPS *float64
}

// Service is a latency-sensitive service, or one container of it, with a set-point.
type Service struct {
	// Name for sentences, and what its readings are remembered by. It must be the service's alone.
	Name string
	// Slack of a new reading, (target - signal) / target, of the tail over 2 s or 200 requests; nil: there is no new one.
	Slack *float64
	// Load in parts of what the service can take, 0 to 1; nil: not known.
	Load *float64
	// Cause is attribution's verdict.
	Cause Cause
}

// Domain is a cache domain's memory bandwidth in 10^6 bytes a second.
type Domain struct {
	// ID of the cache.
	ID int
	// PeakMBps is what it can deliver; 0: not known, so that there is no guard.
	PeakMBps float64
	// LatencyMBps is what all but batch take, BatchMBps what batch takes; nil: not measured.
	LatencyMBps, BatchMBps *float64
}

// Setting is what batch work may use.
type Setting struct {
	// BatchWays is how many ways batch's group has in each domain; 0 on a machine that divides no cache.
	BatchWays int
	// BatchBandwidth is the limit of batch's group in the machine's unit; 0 on a machine without.
	BatchBandwidth int
	// BatchCPU is the quota of all batch pods together in cores; +Inf: none.
	BatchCPU float64
	// Evict asks for one batch pod to be evicted, now. It is set in one decision only.
	Evict bool
	// Infeasible says why no setting meets all set-points: batch is at its minimum, and a service is still over. Empty: one may.
	Infeasible string
}

// Kind is which rule made a decision.
type Kind string

// Kinds of decisions.
const (
	Hold      Kind = "Hold"      // nothing is to be changed
	Guard     Kind = "Guard"     // bandwidth near its peak
	Evict     Kind = "Evict"     // batch at its minimum and a service over by half
	Emergency Kind = "Emergency" // a service over by half
	Minimum   Kind = "Minimum"   // a service over by a tenth
	Shrink    Kind = "Shrink"    // a service less than 5 % below its set-point
	Sizing    Kind = "Sizing"    // a service over, and nobody disturbs it
	Grow      Kind = "Grow"      // slack is given to batch
	RollBack  Kind = "RollBack"  // the last growth did harm
	Blind     Kind = "Blind"     // no readings
)

// Decision is what should be in force from now on, and why.
type Decision struct {
	Setting Setting
	// Kind is the rule.
	Kind Kind
	// Action says in a sentence with numbers what was changed and why, or why nothing was.
	Action string
	// Changed says whether ways, bandwidth or CPU differ from the decision before.
	Changed bool
}

// record takes the readings of an observation.
func (l *Law) record(o Observation) {
	seen := make([]readings.Seen, len(o.Services))
	for i, s := range o.Services {
		seen[i] = readings.Seen{Name: s.Name, Cause: string(s.Cause), Slack: s.Slack, Load: s.Load}
	}
	if l.state.Services.Take(seen, o.Now, l.state.HeldUntil) {
		l.state.LastReading = o.Now
	}
}

// readings gives a service's slacks of the setting in force, oldest first; none where the last one is so old that the service is idle.
func (l *Law) readings(t *readings.Service) []float64 { return t.Since(l.state.Judge, l.state.Now) }
