package objectives

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives/links"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/telemetry"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// maxWorkloads bounds the workloads of an objective, as its status does.
const maxWorkloads = 200

// observe reads the objective's window and gives it to the controller. Windows follow each other without gap, as far as their data are
// of use. One in which nothing arrived is none, and so is the first after a silence: part of its requests is missing, but not of its
// usage.
func (s *subject) observe(in Input, t Telemetry, candidates []*workload.Workload, p sizing.Periods) error {
	to := in.Now.Add(-p.Round / lagShare)
	from := to.Add(-p.Round)
	if s.read.Before(to) && to.Sub(s.read) <= p.MaxAge {
		from = s.read
	}
	s.read = to
	entry := telemetry.Entry{Namespace: s.objective.Namespace, Service: s.asked.entry.Service, Operation: s.asked.entry.Operation}
	w := t.Window(entry, s.asked.percentile, s.asked.target, from, to)
	heard := s.newest
	s.newest = w.Newest
	if w.Newest.Before(from) || heard.Before(from.Add(-p.Round)) {
		return nil
	}
	s.fromSpans = w.FromSpans
	o := sizing.Observation{
		Time: to, Seconds: to.Sub(from).Seconds(), Requests: w.Requests, Within: min(w.Within, w.Requests), Percentile: w.Percentile,
		Duration: w.Duration,
	}
	if !(w.Requests > 0) {
		o.Requests, o.Within, o.Percentile = 0, 0, math.NaN()
	}
	list := s.join(w.Services, candidates)
	s.links.See(to, w.Links, ends(list), func(node string) string { return in.Zones[node] })
	taken := pending(list)
	for _, j := range list {
		service := j.service(in.Nodes, taken)
		service.Slowdown = j.slowdown(in.Slowdowns)
		o.Services = append(o.Services, service)
	}
	if err := s.controller.Observe(o); err != nil {
		return err
	}
	s.seen.See(o, w.Newest, w.Traces, len(w.Services))
	if s.counted.IsZero() || s.counted.After(from) {
		s.counted = from
	}
	return nil
}

// ends finds the workloads that calls join.
func ends(list []*joined) func(telemetry.Identity) *links.Workload {
	of := make(map[telemetry.Identity]*links.Workload)
	for _, j := range list {
		var nodes []string
		for _, pod := range j.workload.Serving() {
			nodes = append(nodes, pod.Node)
		}
		for _, s := range j.services {
			of[s.ID] = &links.Workload{Name: j.workload.Target, Nodes: nodes}
		}
	}
	return func(id telemetry.Identity) *links.Workload { return of[id] }
}

// pending is what resizes under way of an objective's pods have taken of each node, in cores: sizing is free to share it out again.
func pending(list []*joined) map[string]float64 {
	taken := map[string]float64{}
	for _, j := range list {
		for _, pod := range j.workload.Pods {
			taken[pod.Node] += pod.Pending(j.track.container)
		}
	}
	return taken
}

// joined is a workload with the services that it is: one, or several containers of its pods.
type joined struct {
	workload *workload.Workload
	track    *track
	services []telemetry.Service
}

// join finds the services' workloads, in the order of the services. Those whose CPU is not to be touched are left out, and of more than
// maxWorkloads the last: left says why.
func (s *subject) join(services []telemetry.Service, candidates []*workload.Workload) []*joined {
	s.left = map[string]string{}
	var list []*joined
	byName := map[string]*joined{}
	for _, service := range services {
		id := service.ID
		w := workload.Match(workload.Service{Namespace: id.Namespace, Name: id.Service, Deployment: id.Deployment, PodUIDs: service.Pods}, candidates)
		if w == nil || len(w.Pods) == 0 {
			continue
		}
		if j := byName[w.Name]; j != nil {
			j.services = append(j.services, service)
			continue
		}
		track := s.tracks[w.Name]
		if track == nil && len(s.tracks) >= maxWorkloads {
			s.left[w.Name] = fmt.Sprintf("an objective sizes at most %d workloads: list in spec.workloads which", maxWorkloads)
			continue
		}
		if track == nil {
			track = newTrack(w)
		}
		if !track.choose(w.Container(id.Container, track.container)) {
			s.left[w.Name] = "the VPA's resource policy leaves the CPU of every container alone"
			delete(s.tracks, w.Name)
			continue
		}
		s.tracks[w.Name] = track
		j := &joined{workload: w, track: track, services: []telemetry.Service{service}}
		byName[w.Name] = j
		list = append(list, j)
	}
	return list
}

func newTrack(w *workload.Workload) *track {
	return &track{workload: w, result: result{phase: sizing.PhaseStock}}
}

// choose makes a container the one that is sized, and is false where there is none. What was decided for another does not hold for it.
func (t *track) choose(container string) bool {
	if t.container != "" && t.container != container {
		t.fallback, t.result = sizing.Fallback{}, result{phase: sizing.PhaseStock}
	}
	t.container = container
	return container != ""
}

// service is what sizing is told of a workload.
func (j *joined) service(nodes workload.Nodes, taken map[string]float64) sizing.Service {
	policy := j.workload.Policy(j.track.container)
	out := sizing.Service{
		Workload: j.workload.Key(), InPlace: j.workload.InPlace, Min: policy.Min, Max: policy.Max,
		Pods: replicas(j.workload, j.track.container, nodes, taken),
	}
	if out.Max > 0 && out.Max < out.Min {
		out.Max = out.Min
	}
	var path float64
	for _, s := range j.services {
		out.Calls += finite(s.Calls)
		out.Visits += finite(s.Visits)
		out.Critical += finite(s.Critical)
		path += finite(s.Critical) * finite(s.Self)
	}
	switch {
	case out.Critical > 0:
		out.Self = path / out.Critical
	default: // off the critical path, or without a trace
		out.Self = j.services[0].Self
	}
	return out
}

// slowdown is the mean over the pods that serve: each takes the same part of the calls. Of a pod only its own node is heard.
func (j *joined) slowdown(of map[string]map[v1alpha1.ContainerName]float64) float64 {
	pods := j.workload.Serving()
	sum := 0.0
	for _, pod := range pods {
		sum += max(1, of[pod.Node][v1alpha1.ContainerName{Namespace: j.workload.Namespace, Pod: pod.Name, Container: j.track.container}])
	}
	return sum / float64(max(1, len(pods)))
}

// finite turns what is not known into nothing.
func finite(x float64) float64 {
	if !(x >= 0) || math.IsInf(x, 1) {
		return 0
	}
	return x
}

// replicas are the workload's pods that serve, as sizing sees them. A pod that was not measured, because it is new, is taken to use as much as the
// others do on average. The headroom of each has all that was taken on its node, not only its own part: pods of one node share it.
func replicas(w *workload.Workload, container string, nodes workload.Nodes, taken map[string]float64) []sizing.Pod {
	var pods []sizing.Pod
	var sum, measured float64
	for _, pod := range w.Serving() {
		if replica, ok := nodes.Replica(pod, container); ok {
			replica.Headroom += taken[pod.Node] - pod.Pending(container)
			pods = append(pods, replica)
			if replica.Usage >= 0 {
				sum += replica.Usage
				measured++
			}
		}
	}
	for i := range pods {
		if !(pods[i].Usage >= 0) {
			pods[i].Usage = sum / max(1, measured)
			pods[i].Available = max(pods[i].Available, pods[i].Usage)
		}
	}
	return pods
}

// age is how old the newest telemetry is; NaN if there never was any.
func (s *subject) age(now time.Time) float64 {
	if s.newest.IsZero() {
		return math.NaN()
	}
	return max(0, now.Sub(s.newest).Seconds())
}
