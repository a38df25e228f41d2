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
	// Usage is the newest measurement; NaN where there is none.
	Usage float64
}

// Pod is a running pod.
type Pod struct {
	UID, Node string
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

// Container returns which container is sized: the one that the telemetry names, if a pod has it; else the one so far, so that it does not
// change with the load; else that with the largest usage in one pod, the first of equals and without measurements. "" without pods.
func (w *Workload) Container(told, soFar string) string {
	for _, name := range []string{told, soFar} {
		if name != "" && slices.ContainsFunc(w.Pods, func(p Pod) bool { return p.container(name) != nil }) {
			return name
		}
	}
	name, largest := "", math.Inf(-1)
	for _, pod := range w.Pods {
		for _, c := range pod.Containers {
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
