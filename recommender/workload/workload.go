package workload

import (
	"math"
	"slices"
)

// Container is one container of a pod, in cores.
type Container struct {
	Name string
	// Request is what it holds now, 0 without one. Limit is 0 without one.
	Request, Limit float64
	// Pending is what a resize under way adds to Request: it is among the pod's requests already.
	Pending float64
	// Usage is the newest measurement; NaN where there is none.
	Usage float64
}

// Pod is a running pod.
type Pod struct {
	// Name may be left out where only the CPU counts.
	UID, Name, Node string
	// Main is the container that the pod itself names as the one that matters; "" = none.
	Main string
	// Idle says that the pod is sent no calls: it is not ready, or on its way out.
	Idle bool
	// Requests are those of the whole pod, as the scheduler counts them.
	Requests float64
	// Containers are those that run beside each other, in the order of the pod's spec.
	Containers []Container
}

// container returns the container of a name, nil if the pod has none.
func (p Pod) container(name string) *Container {
	if i := slices.IndexFunc(p.Containers, func(c Container) bool { return c.Name == name }); i >= 0 {
		return &p.Containers[i]
	}
	return nil
}

// Pending is what a resize of a container under way has taken of its node beyond the container's request, in cores.
func (p Pod) Pending(container string) float64 {
	if c := p.container(container); c != nil {
		return c.Pending
	}
	return 0
}

// used is the usage of the pod. A container that was not measured is taken to use its request: what is not known is not idle.
func (p Pod) used() float64 {
	var sum float64
	for _, c := range p.Containers {
		if usage := c.Usage; usage >= 0 && !math.IsInf(usage, 0) {
			sum += usage
		} else {
			sum += c.Request
		}
	}
	return sum
}

// Policy is what a VerticalPodAutoscaler says of a container.
type Policy struct {
	// Container is its name, or "*" for all that have no policy of their own.
	Container string
	// Min and Max bound its CPU request, in cores; 0 = none.
	Min, Max float64
	// Off says that its CPU is not to be touched: mode Off, or CPU is not among the controlled resources.
	Off bool
	// LimitFollows says that a CPU limit is scaled together with the request.
	LimitFollows bool
}

// Workload is what one VerticalPodAutoscaler object targets.
type Workload struct {
	// Namespace, Name and UID are those of the VerticalPodAutoscaler, Kind and Target the kind and name of its targetRef.
	Namespace, Name, UID, Kind, Target string
	// Policies are at most one a container.
	Policies []Policy
	// InPlace says that running pods are resized without a restart.
	InPlace bool
	// Pods are those it selects, in a fixed order.
	Pods []Pod
}

// Key is "namespace/name" of the VerticalPodAutoscaler.
func (w *Workload) Key() string { return Key(w.Namespace, w.Name) }

// Key is the key of the workload that a VerticalPodAutoscaler targets.
func Key(namespace, name string) string { return namespace + "/" + name }

// Policy returns what is said of a container. Without a policy its limits follow, as with VPA.
func (w *Workload) Policy(container string) Policy {
	for _, name := range []string{container, "*"} {
		if i := slices.IndexFunc(w.Policies, func(p Policy) bool { return p.Container == name }); i >= 0 {
			return w.Policies[i]
		}
	}
	return Policy{Container: container, LimitFollows: true}
}

// Serving returns the pods that share the calls: those not idle, or all if every pod is.
func (w *Workload) Serving() []Pod {
	serving := slices.DeleteFunc(slices.Clone(w.Pods), func(p Pod) bool { return p.Idle })
	if len(serving) == 0 {
		return w.Pods
	}
	return serving
}

// Container returns which container is sized, of those whose policy is not Off: the one that the telemetry names, if a pod has it; else
// the one so far, so that it does not change with the load; else the one that a pod names as its main one; else that with the largest
// usage in one pod, the first of equals and without measurements. "" without pods, or if all are off.
func (w *Workload) Container(told, soFar string) string {
	for _, name := range append([]string{told, soFar}, w.mains()...) {
		has := func(p Pod) bool { return p.container(name) != nil }
		if name != "" && !w.Policy(name).Off && slices.ContainsFunc(w.Pods, has) {
			return name
		}
	}
	name, largest := "", math.Inf(-1)
	for _, pod := range w.Pods {
		for _, c := range pod.Containers {
			if w.Policy(c.Name).Off {
				continue
			}
			if name == "" {
				name = c.Name
			}
			if c.Usage > largest { // not if it is NaN
				name, largest = c.Name, c.Usage
			}
		}
	}
	return name
}

// mains are the containers that the pods name as their main ones.
func (w *Workload) mains() []string {
	var names []string
	for _, pod := range w.Pods {
		if !slices.Contains(names, pod.Main) {
			names = append(names, pod.Main)
		}
	}
	return names
}
