package figures

import (
	"cmp"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// minuteSeconds is how long a Minute is.
const minuteSeconds = 60

// Recorder keeps the figures of one simulation. Make one with New; it is not safe for concurrent use.
type Recorder struct {
	sim *queueing.Simulation
	// requested is allocated now and what it has added up to since 0: of the application [0] and of batch [1].
	requested, requestedSeconds [2]float64
	upTo                        float64
	// ids are all pods that have ever been there, by the same order.
	ids     [2][]queueing.PodID
	events  events
	begin   totals
	minutes []Minute
	// before is the CPU time of pods when the minute began.
	before map[queueing.PodID]float64
}

// Running is a pod of the application that runs.
type Running struct {
	ID                             queueing.PodID
	Namespace, Name, Service, Node string
}

// New returns the recorder of a simulation that stands at 0.
func New(sim *queueing.Simulation) *Recorder {
	r := &Recorder{sim: sim, before: map[queueing.PodID]float64{}}
	r.begin = r.totals()
	return r
}

// events are what is counted of pods of the application.
type events struct{ starts, evictions, removals, resizes, deferred int }

// totals is everything since 0, at a time.
type totals struct {
	at                           float64
	operations                   []queueing.OperationStats
	requestedSeconds, cpuSeconds [2]float64
	events                       events
}

// Pass lets time pass up to a plant time, with what is allocated as it is.
func (r *Recorder) Pass(now float64) {
	for i, c := range r.requested {
		r.requestedSeconds[i] += c * (now - r.upTo)
	}
	r.upTo = now
}

// Allocate takes in how many cores are allocated from now on.
func (r *Recorder) Allocate(application, batch float64) { r.requested = [2]float64{application, batch} }

// Arrived takes in a pod that is in the plant. Those that come before the clock runs are not counted as starts.
func (r *Recorder) Arrived(id queueing.PodID, batch bool) {
	if batch {
		r.ids[1] = append(r.ids[1], id)
		return
	}
	r.ids[0] = append(r.ids[0], id)
	if r.upTo > 0 {
		r.events.starts++
	}
}

// Left counts a pod of the application that goes.
func (r *Recorder) Left(evicted bool) {
	r.events.removals++
	if evicted {
		r.events.evictions++
	}
}

// Resized counts a resize of a pod of the application that was applied.
func (r *Recorder) Resized() { r.events.resizes++ }

// Deferred counts a resize of a pod of the application that has to wait.
func (r *Recorder) Deferred() { r.events.deferred++ }

// MinuteEnd is when Turn is due, in plant seconds.
func (r *Recorder) MinuteEnd() float64 { return r.begin.at + minuteSeconds }

// totals adds everything up to now.
func (r *Recorder) totals() totals {
	t := totals{at: r.upTo, operations: r.sim.Operations(), requestedSeconds: r.requestedSeconds, events: r.events}
	for i, ids := range r.ids {
		for _, id := range ids {
			t.cpuSeconds[i] += r.cpuSeconds(id)
		}
	}
	return t
}

func (r *Recorder) cpuSeconds(id queueing.PodID) float64 {
	stats, err := r.sim.Pod(id)
	if err != nil {
		return 0 // it was added: cannot happen
	}
	return stats.CPUSeconds
}

// Turn ends a minute.
func (r *Recorder) Turn(pods []Running) {
	now := r.totals()
	m := now.since(r.begin)
	m.Pods = r.pods(pods, m.End-m.Begin)
	clear(r.before)
	for _, p := range pods {
		r.before[p.ID] = r.cpuSeconds(p.ID)
	}
	r.minutes, r.begin = append(r.minutes, m), now
}

// since is the difference of two totals.
func (t totals) since(before totals) Minute {
	m := Minute{Begin: before.at, End: t.at}
	if seconds := m.End - m.Begin; seconds > 0 {
		m.RequestedCores = (t.requestedSeconds[0] - before.requestedSeconds[0]) / seconds
		m.BatchRequestedCores = (t.requestedSeconds[1] - before.requestedSeconds[1]) / seconds
		m.UsedCores = (t.cpuSeconds[0] - before.cpuSeconds[0]) / seconds
		m.BatchUsedCores = (t.cpuSeconds[1] - before.cpuSeconds[1]) / seconds
	}
	e, b := t.events, before.events
	m.Starts, m.Evictions, m.Removals = e.starts-b.starts, e.evictions-b.evictions, e.removals-b.removals
	m.Resizes, m.Deferred = e.resizes-b.resizes, e.deferred-b.deferred
	for i, o := range t.operations {
		var old queueing.OperationStats
		if before.operations != nil {
			old = before.operations[i]
		}
		const median, tail = 0.5, 0.99
		latency := o.Latency.Since(old.Latency)
		m.Operations = append(m.Operations, Operation{
			Name: o.Name, Requests: o.Arrived - old.Arrived, Succeeded: o.Succeeded - old.Succeeded, Within: o.InTime - old.InTime,
			Failed: o.Failed + o.Dropped - old.Failed - old.Dropped,
			Median: latency.Quantile(median), P99: latency.Quantile(tail), Latency: latency,
		})
	}
	return m
}

// pods describes pods, by name, with their use in the seconds since the minute began.
func (r *Recorder) pods(pods []Running, seconds float64) []Pod {
	var out []Pod
	for _, p := range pods {
		stats, err := r.sim.Pod(p.ID)
		if err != nil {
			continue // it was added: cannot happen
		}
		item := Pod{
			Namespace: p.Namespace, Name: p.Name, Service: p.Service, Node: p.Node,
			RequestedCores: stats.RequestCores, Speed: stats.Speed, Ready: stats.Phase == queueing.Ready,
		}
		if seconds > 0 {
			item.UsedCores = (stats.CPUSeconds - r.before[p.ID]) / seconds
		}
		out = append(out, item)
	}
	slices.SortFunc(out, func(a, b Pod) int { return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name)) })
	return out
}

// Series is a copy of the figures. It takes the pods that run now.
func (r *Recorder) Series(pods []Running) Series {
	total := r.totals().since(totals{})
	total.Pods = r.pods(pods, total.End-r.begin.at)
	return Series{Minutes: slices.Clone(r.minutes), Total: total}
}
