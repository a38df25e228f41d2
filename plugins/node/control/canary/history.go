package canary

import (
	"math"
	"slices"
	"time"
)

// otherLoad: a load that differs from that of the last search by a fifth is another one, where CLITE says "changed".
const otherLoad = 0.2

// leastReadings over which a partition is judged: a third of those that 30 s have.
const leastReadings = 5

// history is what was read of a partition with the setting in force and batch at its minimum.
type history struct {
	readings []reading // of the last 30 s
	load     float64   // mean with a time constant of 20 s; below 0: not known
}

type reading struct {
	at    time.Duration
	slack float64
}

// cut brings a slack into the range that the law looks at.
func cut(v float64) float64 { return min(max(v, -10), 1) }

// record takes the readings. Those of trials, of a setting that has just changed, and those with batch above its minimum do not count.
func (m *Machine) record(in *Input) {
	if m.run != nil || !in.Batch.AtMinimum || m.away != nil || !in.Allowed {
		m.since = in.Now
	}
	counts := in.Now-m.since >= settle+observe-jitter
	read, met := len(in.Partitions) > 0, true
	for i := range in.Partitions {
		p := &in.Partitions[i]
		h := m.histories[p.Name]
		if h == nil {
			h = &history{load: -1}
			m.histories[p.Name] = h
		}
		h.take(in.Now, p, counts)
		v, ok := finite(p.Slack)
		read, met = read && ok, met && (!ok || v >= 0)
	}
	switch {
	case m.run != nil || !met:
		m.metSince = nil
	case read && m.metSince == nil:
		m.metSince = new(in.Now)
	case read && in.Now-*m.metSince >= missedFor:
		m.infeasible = ""
	}
}

func (h *history) take(now time.Duration, p *Partition, counts bool) {
	if !counts {
		h.readings = nil
	}
	h.readings = slices.DeleteFunc(h.readings, func(r reading) bool { return now-r.at > missedFor })
	if v, ok := finite(p.Slack); ok && counts {
		h.readings = append(h.readings, reading{now, cut(v)})
	}
	v, ok := finite(p.Load)
	switch {
	case !counts || !ok || v < 0: // what a service uses in a trial is the trial's doing
	case h.load < 0:
		h.load = v
	default:
		h.load += (v - h.load) / 20
	}
}

// missed gives the mean slacks of partitions and says whether one missed its set-point for 30 s; false also where one was hardly read.
func (m *Machine) missed(names []string) (slacks []float64, is bool) {
	for _, name := range names {
		h := m.histories[name]
		if h == nil || len(h.readings) < leastReadings {
			return nil, false
		}
		sum := 0.0
		for _, r := range h.readings {
			sum += r.slack
		}
		mean := sum / float64(len(h.readings))
		slacks = append(slacks, mean)
		is = is || mean < 0 && h.readings[len(h.readings)-1].slack < 0
	}
	return slacks, is && m.now-m.since >= missedFor
}

// otherLoads says whether the load of a partition is another than at the end of the last search.
func (m *Machine) otherLoads() bool {
	for name, then := range m.loads {
		h := m.histories[name]
		if h != nil && then >= 0 && h.load >= 0 && math.Abs(h.load-then) > otherLoad*max(then, 0.05) {
			return true
		}
	}
	return false
}
