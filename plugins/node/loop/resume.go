package loop

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/loop/findings"
)

// resume takes over what an agent before this one left: its limit on batch's CPU, who it found to disturb whom, and whose eviction it asked for.
func (l *Loop) resume(in *Input, acts bool) {
	if acts {
		l.left = leftCPU(in)
	}
	if in.Previous == nil || in.Previous.Control == nil {
		return
	}
	var found []attribution.Finding
	for i := range in.Previous.Interference {
		found = append(found, findings.Finding(&in.Previous.Interference[i]))
	}
	l.attribution = attribution.Resume(found, time.Duration(in.Now.UnixNano()))
	c := in.Previous.Control
	if c.Evict != nil && !c.Evict.Time.After(in.Now) {
		l.evicted, l.asked[c.Evict.UID] = c.Evict, true
	}
	if acts && c.Mode == v1alpha1.ControlAct {
		l.status.LastAction, l.status.LastActionTime = c.LastAction, c.LastActionTime
	}
}

// A limit in a status is believed for so long after the report, and where the report is so far in the future, as clocks differ: an agent that was
// away for longer may find other limits, or none.
const (
	believed = 5 * time.Minute
	ahead    = time.Minute
)

// Published is what batch may use, in cores, by the status that an agent before this one left; false: it does not say, or is too old to be believed.
func Published(p *v1alpha1.NodeIsolationStatus, now time.Time) (cores float64, is bool) {
	if p == nil || p.Control == nil || p.Control.BatchMilliCPU == nil || p.LastReport == nil {
		return 0, false
	}
	if age := now.Sub(p.LastReport.Time); age >= believed || age < -ahead {
		return 0, false
	}
	return float64(*p.Control.BatchMilliCPU) / 1000, true
}

// leftCPU is what batch may use by an agent before this one, in cores; +Inf where it did not limit it. Where no young status tells, the limits tell
// that its containers still have: an agent that was killed leaves them. Containers that came since have none, and share in it.
func leftCPU(in *Input) float64 {
	if cores, is := Published(in.Previous, in.Now); is {
		return cores
	}
	name := Batch(in.Spec)
	if name == "" {
		return math.Inf(1)
	}
	partitions, sum, limited := Partitions(in.Spec), 0.0, false
	for i := range in.View.Containers {
		c := &in.View.Containers[i]
		if partition, _ := membership.Of(partitions, nameOf(c)); partition != name {
			continue
		}
		if cores, is := in.Left[c.Sample.Container.ID]; is {
			sum, limited = sum+cores, true
		}
	}
	if !limited {
		return math.Inf(1)
	}
	return sum
}
