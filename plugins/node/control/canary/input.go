package canary

import (
	"math"
	"time"
)

// Shares are what a partition has: ways of the cache in each domain, and the limit of its bandwidth in the machine's unit. 0: what the spec
// gives, or nothing of the kind.
type Shares struct {
	Ways, Bandwidth int
}

// Range is what one partition may have of a thing, in steps.
type Range struct {
	Min, Step, Max int
}

// Limits are the machine's; nil is what it does not divide.
type Limits struct {
	Ways, Bandwidth *Range
	// UnitMBps is how many MB/s a unit of bandwidth is; 0 for percent.
	UnitMBps float64
}

// Partition is one of role Latency with at least one service that has a set-point.
type Partition struct {
	Name string
	// Services is how many containers with a set-point it has.
	Services int
	// Given is what the spec gives it; 0 where the spec says nothing, or nothing that can be moved.
	Given Shares
	// Slack is the worst of its services, (target - signal) / target, of a new reading over the last 2 s that neighbours have a part in;
	// nil: there is no new one.
	Slack *float64
	// Load of its services in any unit that stays the same; nil: not known.
	Load *float64
}

// Batch is the partition that the law moves.
type Batch struct {
	// Given is what the spec gives it, and Has what the law leaves it of that.
	Given, Has Shares
	// AtMinimum says that the law can take nothing more from it.
	AtMinimum bool
}

// Input is what a node shows at one moment, once a second.
type Input struct {
	// Now is the time since some fixed start.
	Now time.Duration
	// Allowed says that trials may be made here: the node is marked, and the loop acts. Without, all is given back at once.
	Allowed bool
	// Partitions in any order, each once.
	Partitions []Partition
	Batch      Batch
	Limits     Limits
	// Spec is any text that is the same as long as what the spec gives to all partitions is.
	Spec string
	// Refused says why the shares of the last decision are not in force; empty: they are.
	Refused string
}

// Decision is which shares are to be in force from now on.
type Decision struct {
	// Running says that a trial is in force: the law must not give anything to batch, and its readings do not count.
	Running bool
	// Setting are shares by partition; nil: what the spec gives.
	Setting map[string]Shares
	// Changed says that Setting differs from that of the decision before.
	Changed bool
	// Words say in a sentence with numbers what is tried, or was found; empty: nothing.
	Words string
	// Infeasible says why no division was found that meets all set-points; empty: none was looked for, or one was found.
	Infeasible string
}

// finite gives a value of a pointer that can be reckoned with.
func finite(p *float64) (float64, bool) {
	if p == nil || math.IsNaN(*p) || math.IsInf(*p, 0) {
		return 0, false
	}
	return *p, true
}
