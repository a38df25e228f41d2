package main

import (
	"fmt"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
	"github.com/ballast-k8s/ballast/test/replay/rates"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

// The times of a replay.
const (
	minute         = 60
	hourSeconds    = 3_600
	daySeconds     = 86_400
	historyDays    = 8
	historySeconds = historyDays * daySeconds
	// spanRate is the share of requests that are traced.
	spanRate = 0.05
)

// course is what all arms of a comparison meet.
type course struct {
	trace *rates.Trace // 8 days of history and the judged time
	seed  uint64
	// warm is how long the plant runs before it is judged, the end of the history; judged is how long after that. Whole minutes, in seconds.
	warm, judged int
	// visitors are batch containers that stream through memory, on every node, in some hours of each day.
	visitors int
}

// The hours in which visitors are there.
const visitFrom, visitTo = 10, 16

func (c *course) validate() error {
	if c.warm < 0 || c.judged < minute || c.warm%minute != 0 || c.judged%minute != 0 || c.warm > historySeconds {
		return fmt.Errorf("warm-up of %d s and judged time of %d s, expected whole minutes, and a warm-up within the history", c.warm, c.judged)
	}
	if have, want := len(c.trace.PerSecond), historySeconds+c.judged; have < want {
		return fmt.Errorf("trace %s has %d s, expected at least %d", c.trace.Name, have, want)
	}
	return nil
}

// simulate returns the plant for a stretch of rates.
func (c *course) simulate(perSecond []float64, spans float64) (*queueing.Simulation, error) {
	var truth park.Interference
	if c.visitors > 0 {
		t, err := hotel.Interference()
		if err != nil {
			return nil, err
		}
		truth = t
	}
	return queueing.New(queueing.Config{
		Application: hotel.Application(), Machines: hotel.Machines(), Interference: truth, Seed: c.seed, SpanRate: spans,
		Loads: hotel.Loads(arrival.Rates{StepSeconds: 1, PerSecond: perSecond}),
	})
}

// history feeds a recommender what was before the plant runs.
func (c *course) history(s *stockvpa.State, f *fleet.Fleet) error {
	use := stockvpa.NewUsage(f, c.seed)
	rates := c.trace.PerMinute()
	for m, rate := range rates[:(historySeconds-c.warm)/minute] {
		end := float64((m+1)*minute - historySeconds)
		if err := s.Add(end, func(pod int) float64 { return use.At(rate, pod) }); err != nil {
			return err
		}
	}
	return nil
}

// run lets an arm act on a fleet in the plant and judges it.
func (c *course) run(f *fleet.Fleet, a arm, r stockvpa.Rule, progress func(done float64)) (*verdict, error) {
	perSecond := c.trace.PerSecond[historySeconds-c.warm : historySeconds+c.judged]
	sim, err := c.simulate(perSecond, spanRate)
	if err != nil {
		return nil, err
	}
	if err := f.Deploy(sim); err != nil {
		return nil, err
	}
	o := fleet.NewObserver(f)
	guests := &guests{sim: sim, number: c.visitors}
	v := &verdict{}
	var late *fleet.Window
	for at := 0; at < c.warm+c.judged; at += minute {
		end := float64(at + minute - c.warm)
		if err := guests.move(end - minute); err != nil {
			return nil, err
		}
		if end == minute {
			f.Resizes, f.Deferred = 0, 0 // those of the warm-up
		}
		requested := f.Total()
		if err := sim.Advance(float64(at + minute)); err != nil {
			return nil, err
		}
		w, err := o.Look(end, minute, hotel.Percentile)
		if err != nil {
			return nil, err
		}
		v.usage = append(v.usage, w.Usages())
		if end > 0 {
			v.add(w, requested)
		}
		if err := c.round(f, a, r, end, late); err != nil {
			return nil, err
		}
		late = w
		progress(float64(at+minute) / float64(c.warm+c.judged))
	}
	v.Resizes, v.Deferred = f.Resizes, f.Deferred
	return v, nil
}

// round shows the arm the window of a minute ago and acts on what it recommends.
func (c *course) round(f *fleet.Fleet, a arm, r stockvpa.Rule, now float64, late *fleet.Window) error {
	if late == nil {
		return nil
	}
	if err := a.see(late); err != nil {
		return err
	}
	if by := a.recommend(now); by != nil {
		return r.Act(now, f, by)
	}
	return nil
}

// guests come and go.
type guests struct {
	sim    *queueing.Simulation
	number int
	there  []queueing.PodID
}

func (g *guests) move(now float64) error {
	hour := stockvpa.Clock(now).Hour()
	wanted := g.number > 0 && hour >= visitFrom && hour < visitTo
	switch {
	case wanted && len(g.there) == 0:
		for _, m := range hotel.Machines() {
			for range g.number {
				// With hardly a request of their own: they stand for what batch work does to cache and memory, beside the batch work that takes CPU.
				id, err := g.sim.AddBatch(queueing.BatchSpec{Machine: m.Name, Class: hotel.ClassBatch, Threads: 1, RequestCores: 0.01})
				if err != nil {
					return err
				}
				g.there = append(g.there, id)
			}
		}
	case !wanted:
		for _, id := range g.there {
			if err := g.sim.Remove(id, 0); err != nil {
				return err
			}
		}
		g.there = nil
	}
	return nil
}
