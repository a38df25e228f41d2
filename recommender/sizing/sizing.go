package sizing

import (
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
	"github.com/ballast-k8s/ballast/recommender/sizing/replicas"
)

// Objective is what the requests of one entry operation are to meet.
type Objective struct {
	// Name is used in messages.
	Name string
	// Percentile is the share of requests that must be within Target, in (0, 1); Target is in seconds.
	Percentile, Target float64
}

// Periods are the times of the control loop.
type Periods struct {
	// Round is the time between two decisions and the length of a window.
	Round time.Duration
	// MaxAge is the age past which an observation is no ground for a decision.
	MaxAge time.Duration
	// Hold is how long the last objective-based target is held once blind, Step the time between two steps down after that.
	Hold, Step time.Duration
	// Settle is how long a tenth less must have been enough before a target falls; 2.5 % less must have been for six times as long.
	Settle time.Duration
}

// DefaultPeriods are those of the design: a decision a minute, data of at most 5 minutes, 10 minutes of holding, a step every 5
// minutes, 10 minutes to settle.
func DefaultPeriods() Periods {
	return Periods{
		Round: time.Minute, MaxAge: 5 * time.Minute, Hold: 10 * time.Minute, Step: 5 * time.Minute, Settle: 10 * time.Minute,
	}
}

// Divided returns the periods of a demonstration whose clock runs so many times as fast; a factor that is not above 0 changes nothing.
func (p Periods) Divided(by float64) Periods {
	if !(by > 0) {
		return p
	}
	divide := func(d time.Duration) time.Duration { return max(1, time.Duration(float64(d)/by)) }
	return Periods{
		Round: divide(p.Round), MaxAge: divide(p.MaxAge), Hold: divide(p.Hold), Step: divide(p.Step), Settle: divide(p.Settle),
	}
}

// Pod is one replica.
type Pod = replicas.Pod

// Service is one service of the application in one window.
type Service struct {
	// Workload names the VPA object, "namespace/name"; unique in an observation.
	Workload string
	// Calls are those per second at all pods, from wherever they come.
	Calls float64
	// Visits are the calls per entry request, Critical those of them on the critical path, weighted by time.
	Visits, Critical float64
	// Self is the mean exclusive time of a call, in seconds; NaN = no trace in this window.
	Self float64
	// Pods are the replicas.
	Pods []Pod
	// Min and Max bound the cores of a pod, by the VPA's policy; 0 = none.
	Min, Max float64
	// InPlace says that the VPA resizes pods in place.
	InPlace bool
	// Slowdown is the time for a unit of work over the usual one, in the mean over the pods, because neighbours make instructions slow; 0 or 1 =
	// none is known. What pods wait for CPUs is not in it: that is in what they could obtain.
	Slowdown float64
}

// Observation is what was seen in one window.
type Observation struct {
	// Time is the end of the window, Seconds its length.
	Time    time.Time
	Seconds float64
	// Requests are those of the entry operation, Within those that succeeded within the target.
	Requests, Within float64
	// Percentile is the objective's percentile as observed, in seconds; NaN = too few requests.
	Percentile float64
	// Duration is the mean of the entry's requests in traces, in seconds; NaN or 0 = no trace. What the services' Self and Critical do not
	// make up of it is spent where CPU is not sized.
	Duration float64
	Services []Service
}

// Interval is a value with its two-sided 90 % interval.
type Interval = hindsight.Interval

// Allocation is what one workload is to have.
type Allocation struct {
	Workload string
	// Target, Lower and Upper are cores per pod, Lower <= Target <= Upper. The VPA updater acts at once on pods outside Lower and Upper, and
	// on those within that are older than 12 hours and differ from Target by a tenth.
	Target, Lower, Upper float64
	// Budget is the workload's part of the predicted percentile, in seconds; Share is the same over the whole, in [0, 1]. They add up to the
	// whole but for what is spent outside the services that are sized.
	Budget, Share float64
	// Sensitivity is the time, in seconds, that one more core per pod takes off the percentile.
	Sensitivity float64
	// Slowdown is the time, in seconds, that the Predicted percentile grows per unit of ln(slowdown) of all its pods' work.
	Slowdown float64
	// Disturbance is by how much neighbours made instructions of its pods slower in the last window, at least 1.
	Disturbance float64
	// Reason is a sentence with numbers.
	Reason string
}

// Decision is the result of a round.
type Decision struct {
	Time time.Time
	// Blind says that the data carry no decision, for BlindReason (CamelCase); the workloads then follow Fallback.
	Blind bool
	// Infeasible says that the target cannot be met: the bounds of the workloads do not let it be, and the allocation is the nearest there is;
	// or as much time is spent outside the services that are sized, and what they have is held.
	Infeasible bool
	// AtRisk says that the percentile, observed or predicted at the present requests, reaches over the target.
	AtRisk bool
	// Met says that the attainment over the objective's window is at least its percentile. AtRisk and Met mean nothing while Blind.
	Met bool

	BlindReason, BlindMessage                    string
	InfeasibleMessage, AtRiskMessage, MetMessage string

	// Predicted is the percentile expected in the first window in which the allocations can act, in seconds, to be compared with the one
	// observed there: at the median of the load, at the requests that the allocations lead to, and with pods that obtain beyond their requests
	// what they obtain now. Coverage counts how often it held.
	Predicted Interval
	// Guaranteed is the percentile at the allocations, the planned load and fully busy nodes, on which a pod obtains its request and no more:
	// what the sizing keeps within the target.
	Guaranteed Interval
	// Attainment is the share within the target of the Requests in the objective's window; 0 without requests.
	Attainment, Requests float64
	// Observed is the percentile of the last window, in seconds; zero where it had too few requests.
	Observed Interval
	// Coverage says how often past forecasts held.
	Coverage hindsight.Coverage
	// Allocations are in the order of workload names; empty while Blind.
	Allocations []Allocation
}
