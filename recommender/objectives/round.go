package objectives

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives/links"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// Bounds are a recommendation for the CPU of one container, in cores. The updater acts on pods outside Lower and Upper.
type Bounds struct{ Lower, Target, Upper float64 }

// Round is what the objectives say until the next round. Bounds may be asked from any goroutine.
type Round struct {
	now      time.Time
	periods  sizing.Periods
	subjects []*subject

	mu     sync.Mutex
	claims map[string][]*claim // by key of the workload, in the order of the objectives
}

// claim is one objective's say about one workload.
type claim struct {
	subject *subject
	track   *track
	// decided is the allocation that is in force; nil while blind, in shadow and off.
	decided *sizing.Allocation
	// asked says that stock's recommendation was known in this round; the rest is the answer.
	asked bool
	next  sizing.Fallback
	result
}

// result is where a workload is.
type result struct {
	phase         sizing.Phase
	target, stock float64 // cores
	// at is when the objective last decided, which is when it became blind; zero for stock.
	at time.Time
	// outbid names the objective that asks for more of the same workload.
	outbid string
}

func (s *subject) claim(t *track) *claim {
	c := &claim{subject: s, track: t, result: t.result}
	c.outbid = ""
	if s.mode == v1alpha1.ObjectiveActive {
		c.decided = t.allocation
	}
	return c
}

// Bounds returns what a container of a workload is to have, given what stock gives it; false where no objective has a say, and stock's
// recommendation stands. If several have one, the largest target counts.
func (r *Round) Bounds(key, container string, stock Bounds) (Bounds, bool) {
	if r == nil {
		return Bounds{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var best *claim
	var lower, upper float64
	for _, c := range r.claims[key] {
		if c.track.container != container {
			continue
		}
		r.answer(c, stock.Target)
		if c.phase == sizing.PhaseStock {
			continue
		}
		b := c.bounds(stock)
		lower, upper = max(lower, b.Lower), max(upper, b.Upper)
		if best == nil || c.target > best.target {
			best = c
		}
	}
	if best == nil {
		return Bounds{}, false
	}
	for _, c := range r.claims[key] {
		if c != best && c.track.container == container && c.phase != sizing.PhaseStock {
			c.outbid = best.subject.objective.Name
		}
	}
	return Bounds{Lower: min(lower, best.target), Target: best.target, Upper: max(upper, best.target)}, true
}

// answer follows the blind rule.
func (r *Round) answer(c *claim, stock float64) {
	c.asked = true
	c.next, c.target, c.phase = c.track.fallback.Next(r.now, r.periods, c.decided, stock)
	c.stock = stock
	switch c.phase {
	case sizing.PhaseObjective:
		c.at = r.now
	case sizing.PhaseStock:
		c.at = time.Time{}
	default:
		c.at = c.next.Since
	}
}

// bounds are the triggers of VPA's updater. While the target is held nothing is done to running pods. Steps down are taken by pods
// that are resized in place; others wait for stock's bounds, because no pod is worth evicting while nothing is known.
func (c *claim) bounds(stock Bounds) Bounds {
	switch {
	case c.decided != nil:
		return Bounds{Lower: c.decided.Lower, Target: c.target, Upper: c.decided.Upper}
	case c.phase == sizing.PhaseStepping && c.track.workload.InPlace:
		return Bounds{Lower: min(stock.Lower, c.target), Target: c.target, Upper: c.target}
	default:
		return Bounds{Lower: min(stock.Lower, c.target), Target: c.target, Upper: max(stock.Upper, c.target)}
	}
}

// End takes over what became of the workloads in the round, and reports it, in the order of the objectives.
func (r *Round) End() []Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, claims := range r.claims {
		for _, c := range claims {
			if c.asked {
				c.track.fallback, c.track.result = c.next, c.result
			}
		}
	}
	reports := make([]Report, 0, len(r.subjects))
	for _, s := range r.subjects {
		reports = append(reports, s.report(r.now))
	}
	return reports
}

// Report is how an objective stands after a round.
type Report struct {
	Time      time.Time
	Objective *v1alpha1.LatencyObjective
	// Mode is the one in force.
	Mode     v1alpha1.ObjectiveMode
	Decision sizing.Decision
	// Window is the time that the attainment is counted over, Counted since when it has been; zero if not yet.
	Window  time.Duration
	Counted time.Time
	// TelemetryAge is that of the newest datum in seconds, NaN if there never was one.
	TelemetryAge float64
	// FromSpans says that requests are counted by spans and their weights, for want of a histogram of the entry.
	FromSpans bool
	// Workloads are in the order of their names.
	Workloads []WorkloadReport
	// Links are the calls between the targets of its workloads.
	Links *links.Record
	// Memory returns what the next leader goes on from. It is to be asked before the next round begins; nil: nothing.
	Memory func() Memory
	// Recalling says that what the last leader knew could not be asked for yet: nothing may take its place.
	Recalling bool
}

// WorkloadReport is where one workload of an objective is.
type WorkloadReport struct {
	// Name and UID are those of the VPA object.
	Name, UID, Container string
	// Reference is what the VPA object targets.
	Reference v1alpha1.WorkloadReference
	// Pods is their number.
	Pods int
	// Allocation is what the objective asks for, also in shadow; nil if nothing.
	Allocation *sizing.Allocation
	Fallback   sizing.Fallback
	Phase      sizing.Phase
	// Target is the recommendation of this round and Stock what it would be without the objective, both in cores per pod and before
	// the VPA's policy; 0 if stock has not said.
	Target, Stock float64
	// Decided is when the objective last decided; zero in phase Stock.
	Decided time.Time
	// OutbidBy names another objective that asks for more of this workload.
	OutbidBy string
	// Advice is what keeps the target from helping, by reason (CamelCase).
	Advice map[string]string
}

func (s *subject) report(now time.Time) Report {
	report := Report{
		Time: now, Objective: s.objective, Mode: s.mode, Decision: s.decision, Window: s.asked.window, Counted: s.counted, TelemetryAge: s.age(now),
		FromSpans: s.fromSpans, Links: &s.links, Memory: s.memory, Recalling: s.recalling != nil,
	}
	for _, name := range slices.Sorted(maps.Keys(s.tracks)) {
		t := s.tracks[name]
		report.Workloads = append(report.Workloads, WorkloadReport{
			Name: name, UID: t.workload.UID, Container: t.container, Pods: len(t.workload.Pods), Allocation: t.allocation, Fallback: t.fallback,
			Reference: v1alpha1.WorkloadReference{Kind: t.workload.Kind, Name: t.workload.Target},
			Phase:     t.phase, Target: t.target, Stock: t.stock, Decided: t.at, OutbidBy: t.outbid, Advice: t.advice,
		})
	}
	return report
}

// Reasons of advice about a workload.
const (
	AdviceLimit    = "CPULimit"
	AdviceHeadroom = "NoHeadroom"
)

// advise says what keeps a target from helping: a limit below it that stays, and nodes without room for it.
func advise(t *track, target float64, nodes workload.Nodes) map[string]string {
	advice := map[string]string{}
	lacking, least := 0, math.Inf(1)
	for _, pod := range t.workload.Pods {
		for _, c := range pod.Containers {
			if c.Name == t.container && c.Limit > 0 && c.Limit < target && !t.workload.Policy(c.Name).LimitFollows {
				advice[AdviceLimit] = fmt.Sprintf("container %s has a CPU limit of %.0f m, the objective needs %.0f m: raise or remove the limit",
					c.Name, 1000*c.Limit, 1000*target)
			}
		}
		replica, ok := nodes.Replica(pod, t.container)
		if lacks := target - replica.Request - max(0, replica.Headroom); ok && target > replica.Request && lacks > 0 {
			lacking++
			least = min(least, max(0, replica.Headroom))
		}
	}
	if lacking > 0 {
		advice[AdviceHeadroom] = fmt.Sprintf(
			"%d of %d pods are on nodes without room for a request of %.0f m (the fullest has %.0f m free): they can grow only elsewhere",
			lacking, len(t.workload.Pods), 1000*target, 1000*least)
	}
	return advice
}
