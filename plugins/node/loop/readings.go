package loop

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/rates"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/meter"
)

// window is the time that readings are taken over: two decisions of the law need two of them to act.
const window = 2 * time.Second

// maxWindow is the longest: after a longer pause the difference would be of something else. An agent on a node that is overloaded, where it
// matters most, may be late by many seconds.
const maxWindow = 20 * time.Second

// member is a container with what the loop knows of it.
type member struct {
	key       attribution.Key
	named     membership.Container
	id        string
	partition string
	uid       string // of its pod
	reading   attribution.Reading
}

func keyOf(c *containers.Container) attribution.Key {
	return attribution.Key{Namespace: c.Namespace, Pod: c.Pod, Container: c.Name}
}

// totals are the counters of a sample, in the form of package rates.
func totals(s *counters.Sample) rates.Totals {
	var t rates.Totals
	if s.CPU != nil {
		t.CPU = new(s.CPU.Total)
	}
	if s.RunQueue != nil {
		t.Ran, t.Waited = new(s.RunQueue.Ran), new(s.RunQueue.Waited)
	}
	if s.CPUPressure != nil && s.CPUPressure.Some != nil {
		t.Pressure = new(s.CPUPressure.Some.Total)
	}
	if s.Throttling != nil && s.Throttling.Limit > 0 {
		t.Periods, t.Stopped = new(s.Throttling.Periods), new(s.Throttling.Stopped)
	}
	if p := s.Perf; p != nil {
		t.Cycles, t.Instructions, t.Misses, t.StallCycles = whole(&p.Cycles), whole(p.Instructions), whole(p.CacheMisses), whole(p.StalledCycles)
	}
	return t
}

func whole(v *float64) *uint64 {
	if v == nil || !(*v >= 0 && *v < math.MaxUint64) {
		return nil
	}
	return new(uint64(*v))
}

// size is what a container without a limit is taken to be entitled to, for attribution to tell its loads apart: the next power of two
// above the most that it was seen to use, in cores. It only grows. All cores of a large node would put every load into the lowest tenth.
func size(before, used, cores float64) float64 {
	if !(used > 0) {
		return max(before, min(leastSize, cores))
	}
	return max(before, min(cores, max(leastSize, math.Exp2(math.Ceil(math.Log2(used))))))
}

// leastSize is an eighth of a core: less is noise.
const leastSize = 0.125

// reading is what a container did between two samples; false: they tell nothing together. limited says that the loop itself limits it: being
// stopped by that is not the container's own doing.
func reading(before, after *counters.Sample, limited bool) (attribution.Reading, bool) {
	elapsed := after.Time.Sub(before.Time)
	if elapsed < window/2 || elapsed > maxWindow {
		return attribution.Reading{}, false
	}
	a, b := totals(before), totals(after)
	if before.Perf != nil && after.Perf != nil && before.Perf.Run != after.Perf.Run {
		a.Cycles, a.Instructions, a.Misses, a.StallCycles = nil, nil, nil, nil
	}
	r, _ := rates.Between(a, b, elapsed)
	if t := after.Throttling; t != nil && t.Limit > 0 && !limited {
		r.Entitled = t.Limit
	}
	if limited {
		r.Throttled = nil
	}
	return r, true
}

// fills adds what the container has of caches and memory bandwidth. Where it is in several domains, it is a neighbour of all.
func fills(r *attribution.Reading, use *meter.Use) {
	if use == nil {
		return
	}
	r.Domain = attribution.AnyDomain
	inUse := 0
	for i := range use.Domains {
		d := &use.Domains[i]
		if d.Occupancy.State == resctrl.Valid {
			r.OccupancyBytes = new(value(r.OccupancyBytes) + float64(d.Occupancy.Value))
		}
		if d.TotalRate != nil {
			r.MBps = new(value(r.MBps) + *d.TotalRate/1e6)
		}
		if d.TotalRate != nil && *d.TotalRate > 0 || d.Occupancy.State == resctrl.Valid && d.Occupancy.Value > 0 {
			r.Domain, inUse = d.ID, inUse+1
		}
	}
	if inUse != 1 {
		r.Domain = attribution.AnyDomain
	}
}
