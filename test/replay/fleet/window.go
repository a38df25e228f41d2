package fleet

import (
	"math"

	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// Window is what can be seen of one minute.
type Window struct {
	End              float64 // seconds since the judged days began
	Requests, Within float64 // of the entry operation; failed ones are not within
	Percentile       float64 // NaN without answers
	Latency          histogram.Histogram
	Services         []ServiceWindow
	Pods             []PodWindow
}

// ServiceWindow is what can be seen of a service.
type ServiceWindow struct {
	Calls                  float64 // per second
	Visits, Critical, Self float64 // self NaN without a trace
}

// PodWindow is what can be seen of a pod.
type PodWindow struct{ Request, Usage, Available, Headroom float64 } // cores

// Usages are the uses of all pods, in cores.
func (w *Window) Usages() []float64 {
	out := make([]float64, len(w.Pods))
	for i, p := range w.Pods {
		out[i] = p.Usage
	}
	return out
}

// Observer takes windows off a running fleet.
type Observer struct {
	fleet     *Fleet
	spans     *collector
	operation queueing.OperationStats
	calls     []uint64
	cpu       []float64
}

// NewObserver starts to look at a fleet that runs.
func NewObserver(f *Fleet) *Observer {
	return &Observer{fleet: f, spans: newCollector(), calls: make([]uint64, len(f.Services)), cpu: make([]float64, len(f.Pods))}
}

// Look returns what happened since the last look, seconds ago. The requests are those in force during that time.
func (o *Observer) Look(end, seconds float64, percentile float64) (*Window, error) {
	sim := o.fleet.sim
	now := sim.Operations()[0]
	w := &Window{
		End: end, Latency: now.Latency.Since(o.operation.Latency), Percentile: math.NaN(),
		Within:   float64(now.InTime - o.operation.InTime),
		Requests: float64(now.Succeeded + now.Failed + now.Dropped - o.operation.Succeeded - o.operation.Failed - o.operation.Dropped),
	}
	if w.Latency.Count() > 0 {
		w.Percentile = w.Latency.Quantile(percentile)
	}
	o.operation = now
	for i, s := range sim.Services() {
		w.Services = append(w.Services, ServiceWindow{Calls: float64(s.Calls-o.calls[i]) / seconds, Self: math.NaN()})
		o.calls[i] = s.Calls
	}
	spans, _ := sim.TakeSpans()
	traced := o.spans.take(spans)
	for i, s := range o.fleet.Services {
		if p := traced.paths[s.Name]; p != nil && p.critical > 0 {
			w.Services[i].Visits, w.Services[i].Critical = p.calls/traced.requests, p.critical/traced.requests
			w.Services[i].Self = p.self / p.critical
		}
	}
	return w, o.lookAtPods(w, seconds)
}

// lookAtPods adds the pods. On a full node a pod can count on its weight's part of the cores; there is nothing idle.
func (o *Observer) lookAtPods(w *Window, seconds float64) error {
	f := o.fleet
	for i := range f.Pods {
		p := &f.Pods[i]
		stats, err := f.sim.Pod(p.id)
		if err != nil {
			return err
		}
		usage := (stats.CPUSeconds - o.cpu[i]) / seconds
		o.cpu[i] = stats.CPUSeconds
		share := p.Cores() * f.Nodes[p.Node] / (f.Requested(p.Node) + f.rest(p.Node))
		w.Pods = append(w.Pods, PodWindow{
			Request: p.Cores(), Usage: usage, Available: max(share, usage), Headroom: max(0, f.room(p.Node)),
		})
	}
	return nil
}
