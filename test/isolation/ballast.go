package isolation

import (
	"math"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// Ballast is plugins/node/control as a policy, alone or with the verdicts of plugins/node/attribution. See NewBallast.
type Ballast struct {
	machine  plant.Machine
	law      *control.Law
	tails    []tail
	observer *Observer // nil: causes are unknown

	traffic control.Domain
	batch   *float64
	gips    *float64
	setting control.Setting
	steps   int
	action  string // of the last decision
}

// Why is the law's own sentence on its last decision.
func (b *Ballast) Why() string { return b.action }

// NewBallast starts the law with nothing throttled, and batch work in the first 30 % of the ways: what a node starts with.
func NewBallast(s *Scenario, observer *Observer) (*Ballast, error) {
	m := &s.Machine
	limits := control.Limits{CPU: &control.CPULimits{Cores: m.Cores, Floor: Floor(m)}}
	start := control.Setting{BatchCPU: math.Inf(1)}
	if m.Allocates {
		least := max(2, m.MinWays)
		limits.Ways = &control.WayLimits{Min: least, Max: m.Ways - m.MinWays}
		start.BatchWays = max(least, int(math.Ceil(0.3*float64(m.Ways))))
	}
	if m.Throttles {
		limits.Bandwidth = &control.BandwidthLimits{Min: m.MBMin, Step: m.MBStep, Max: 100}
		start.BatchBandwidth = 100
	}
	law, err := control.New(limits, control.Params{}, start)
	if err != nil {
		return nil, err
	}
	b := &Ballast{machine: *m, law: law, tails: make([]tail, len(s.Services)), observer: observer, setting: start}
	b.traffic.PeakMBps = m.ToldMBps
	return b, nil
}

// Observe implements plant.Policy.
func (b *Ballast) Observe(r *plant.Reading) plant.Setting {
	for i := range b.tails {
		b.tails[i].add(r.Services[i].Latencies)
	}
	if r.ServiceMBps != nil {
		b.traffic.LatencyMBps, b.traffic.BatchMBps = r.ServiceMBps, r.BatchMBps
	}
	if c := batchCores(r); c != nil {
		b.batch, b.gips = c, batchGIPS(r)
	}
	if b.observer != nil {
		b.observer.Observe(r, false)
	}
	const perSecond = 10
	if b.steps++; b.steps%perSecond == 0 {
		b.step(r)
	}
	return b.machine.Split(b.setting.BatchWays, b.setting.BatchBandwidth, b.setting.BatchCPU)
}

func (b *Ballast) step(r *plant.Reading) {
	o := control.Observation{Now: seconds(r.Now), BatchCPU: b.batch, BatchGIPS: b.gips}
	if b.machine.Monitors {
		o.Domains = []control.Domain{b.traffic}
	}
	const perReading = 20 // windows of 2 s that do not overlap
	for i := range b.tails {
		s := control.Service{Name: r.Services[i].Name, Load: r.Services[i].Load}
		if b.steps%perReading == 0 {
			s.Slack = b.tails[i].slack(r.Services[i].TargetSeconds)
		}
		if b.observer != nil {
			s.Cause = control.Cause(b.observer.Resource(r.Services[i].Name))
		}
		o.Services = append(o.Services, s)
	}
	decision := b.law.Step(o)
	b.setting, b.action = decision.Setting, decision.Action
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s*1000)) * time.Millisecond }

// Observer is plugins/node/attribution, fed by the plant's counters each two seconds.
type Observer struct {
	state    attribution.State
	machine  plant.Machine
	services []plant.Service
	Result   attribution.Result

	seconds   int
	disturbed bool
	last      plant.Setting
	held      int // job, -1 for none
	sums      map[string]*plant.Counters
}

// NewObserver knows nothing yet.
func NewObserver(s *Scenario) *Observer {
	return &Observer{machine: s.Machine, services: s.Services, held: -1, sums: map[string]*plant.Counters{}}
}

// key names a container.
func key(name string) attribution.Key {
	return attribution.Key{Namespace: "node", Pod: name, Container: "main"}
}

// State is what it learnt and found.
func (o *Observer) State() *attribution.State { return &o.state }

// Resource is the last verdict on a service.
func (o *Observer) Resource(service string) attribution.Resource {
	for _, v := range o.Result.Verdicts {
		if v.Container == key(service) {
			return v.Resource
		}
	}
	return attribution.NotJudged
}

// Observe takes a reading in. The two seconds of a period are put together; one that is missing leaves the other.
func (o *Observer) Observe(r *plant.Reading, probes bool) {
	if quotaMove(o.last.BatchCPU, r.Setting.BatchCPU) != 0 || o.last.BatchWays != r.Setting.BatchWays || o.last.BatchPercent != r.Setting.BatchPercent {
		o.disturbed = o.last.BatchWays != 0
	}
	o.last = r.Setting
	second := false
	take := func(name string, c *plant.Counters) {
		if c == nil {
			return
		}
		second = true
		if sum := o.sums[name]; sum != nil {
			o.sums[name] = plus(sum, c)
		} else {
			o.sums[name] = c
		}
	}
	for i := range r.Services {
		take(r.Services[i].Name, r.Services[i].Counters)
	}
	for j := range r.Jobs {
		take(r.Jobs[j].Name, r.Jobs[j].Counters)
	}
	if !second {
		return
	}
	if o.seconds++; o.seconds%2 != 0 {
		return
	}
	in := attribution.Input{Now: time.Hour + seconds(r.Now), Disturbed: o.disturbed, NoProbes: !probes}
	for i := range o.services {
		if c := o.sums[o.services[i].Name]; c != nil {
			in.Readings = append(in.Readings, reading(c, o.services[i].Name, o.services[i].Workers, true))
		}
	}
	for j := range r.Jobs {
		if c := o.sums[r.Jobs[j].Name]; c != nil {
			in.Readings = append(in.Readings, reading(c, r.Jobs[j].Name, o.machine.Cores, false))
		}
	}
	o.Result = attribution.Step(&o.state, in)
	o.disturbed = false
	clear(o.sums)
	o.hold(r)
}

// hold finds the job that is to be held down.
func (o *Observer) hold(r *plant.Reading) {
	o.held = -1
	for j := range r.Jobs {
		if h := o.Result.Hold; h != nil && h.Container == key(r.Jobs[j].Name) {
			o.held = j
		}
	}
}

// Quotas are the quotas of single jobs that a probe asks for.
func (o *Observer) Quotas(jobs int) []float64 {
	if o.held < 0 {
		return nil
	}
	quotas := make([]float64, jobs)
	for j := range quotas {
		quotas[j] = math.Inf(1)
	}
	quotas[o.held] = o.Result.Hold.Cores
	return quotas
}

func plus(a, b *plant.Counters) *plant.Counters {
	sum := *b
	sum.Seconds += a.Seconds
	sum.CPUSeconds += a.CPUSeconds
	sum.RunQueueSeconds += a.RunQueueSeconds
	sum.PressureSeconds += a.PressureSeconds
	sum.ThrottledSeconds += a.ThrottledSeconds
	sum.Cycles += a.Cycles
	sum.Instructions += a.Instructions
	sum.Misses += a.Misses
	sum.StallCycles += a.StallCycles
	sum.MBps = (a.MBps + b.MBps) / 2
	return &sum
}

// reading makes rates of counters.
func reading(c *plant.Counters, name string, entitled float64, sensitive bool) attribution.Reading {
	r := attribution.Reading{
		Container: key(name), Sensitive: sensitive, Throttleable: !sensitive, Domain: 0, Cores: new(c.CPUSeconds / c.Seconds), Entitled: entitled,
		Pressure: new(math.Min(1, c.PressureSeconds/c.Seconds)), Throttled: new(0.0),
	}
	if c.CPUSeconds > 0 {
		r.Delay = new(c.RunQueueSeconds / c.CPUSeconds)
	}
	if c.Events && c.Instructions > 0 && c.CPUSeconds > 0 {
		r.CPI, r.MPKI, r.MSPKI = new(c.Cycles/c.Instructions), new(1000*c.Misses/c.Instructions), new(1000*c.StallCycles/c.Instructions)
		r.Hertz = new(c.Cycles / c.CPUSeconds)
	}
	if c.Monitored {
		r.OccupancyBytes, r.MBps = new(c.OccupancyMB*1e6), new(c.MBps)
	}
	return r
}
