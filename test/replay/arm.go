package main

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

// arm recommends requests, once a minute.
type arm interface {
	// see takes in a window, a minute after its end.
	see(w *fleet.Window) error
	// recommend returns what the pods of each service are to have; none = leave them.
	recommend(now float64) []stockvpa.Bounds
}

// static never changes a request.
type static struct{}

func (static) see(*fleet.Window) error             { return nil }
func (static) recommend(float64) []stockvpa.Bounds { return nil }

// stockArm is the stock recommender.
type stockArm struct{ *stockvpa.State }

func (a stockArm) see(w *fleet.Window) error {
	return a.Add(w.End, func(pod int) float64 { return w.Pods[pod].Usage })
}

func (a stockArm) recommend(float64) []stockvpa.Bounds { return a.State.Recommend() }

// ballastArm is sizing on top of the stock recommender, as the recommender's post-processor has it: CPU by the objective unless blind,
// memory always stock.
type ballastArm struct {
	stockArm
	fleet      *fleet.Fleet
	controller *sizing.Controller
	periods    sizing.Periods
	fallbacks  []sizing.Fallback
	mute       bool // no latency signal: nothing reaches the controller

	decided func(sizing.Decision) // told of every decision, may be nil
}

func newBallastArm(s *stockvpa.State, f *fleet.Fleet) *ballastArm {
	periods := sizing.DefaultPeriods()
	objective := sizing.Objective{Name: stockvpa.Namespace + "/search", Percentile: hotel.Percentile, Target: hotel.TargetSeconds}
	return &ballastArm{
		stockArm: stockArm{s}, fleet: f, periods: periods, fallbacks: make([]sizing.Fallback, len(f.Services)),
		controller: sizing.New(objective, periods, day),
	}
}

// day is the objective's window.
const day = 24 * time.Hour

func (a *ballastArm) see(w *fleet.Window) error {
	if err := a.stockArm.see(w); err != nil || a.mute {
		return err
	}
	o := sizing.Observation{
		Time: stockvpa.Clock(w.End), Seconds: minute, Requests: w.Requests, Within: w.Within, Percentile: w.Percentile,
	}
	if w.Requests < leastRequests {
		o.Percentile = math.NaN()
	}
	for i, s := range a.fleet.Services {
		seen := w.Services[i]
		service := sizing.Service{
			Workload: workload(s.Name), Calls: seen.Calls, Visits: seen.Visits, Critical: seen.Critical, Self: seen.Self, InPlace: true,
		}
		for j := range a.fleet.Pods {
			if p := w.Pods[j]; a.fleet.Pods[j].Service == i {
				service.Pods = append(service.Pods, sizing.Pod{Request: p.Request, Usage: p.Usage, Available: p.Available, Headroom: p.Headroom})
			}
		}
		o.Services = append(o.Services, service)
	}
	return a.controller.Observe(o)
}

// leastRequests is the number below which a window has no percentile of its own: a p99 rests on its hundredth.
const leastRequests = 100

func workload(service string) string { return stockvpa.Namespace + "/" + service }

func (a *ballastArm) recommend(now float64) []stockvpa.Bounds {
	out := a.State.Recommend()
	decision := a.controller.Decide(stockvpa.Clock(now))
	if a.decided != nil {
		a.decided(decision)
	}
	for i, s := range a.fleet.Services {
		var decided *sizing.Allocation
		for j := range decision.Allocations {
			if !decision.Blind && decision.Allocations[j].Workload == workload(s.Name) {
				decided = &decision.Allocations[j]
			}
		}
		var target float64
		var phase sizing.Phase
		a.fallbacks[i], target, phase = a.fallbacks[i].Next(stockvpa.Clock(now), a.periods, decided, float64(out[i].Target)/1000)
		overlay(&out[i], phase, target, decided)
	}
	return out
}

// overlay replaces the stock CPU of a recommendation.
func overlay(b *stockvpa.Bounds, phase sizing.Phase, target float64, decided *sizing.Allocation) {
	switch phase {
	case sizing.PhaseStock:
	case sizing.PhaseObjective:
		b.Target, b.Lower, b.Upper = fleet.Millicores(target), fleet.Millicores(decided.Lower), fleet.Millicores(decided.Upper)
	case sizing.PhaseHolding, sizing.PhaseStepping:
		b.Target = fleet.Millicores(target)
		b.Lower, b.Upper = min(b.Lower, b.Target), max(b.Upper, b.Target)
	}
}
