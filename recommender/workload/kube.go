package workload

import (
	v1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// mainContainer is kubectl's annotation of a pod that names the container which is meant where none is named.
const mainContainer = "kubectl.kubernetes.io/default-container"

// Running reports whether a pod holds CPU of a node: it is placed and has not ended.
func Running(pod *v1.Pod) bool {
	return pod.Spec.NodeName != "" && pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed
}

// serves reports whether a pod can be sent calls: it is ready, and not on its way out.
func serves(pod *v1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == v1.PodReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

// FromPod reads a pod; usage is asked for the cores that a container uses, NaN where they are not known.
func FromPod(pod *v1.Pod, usage func(container string) float64) Pod {
	counted := make([]float64, 0, len(pod.Spec.Containers)) // by the scheduler: the most of what is asked for and what is given
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{
		UseStatusResources: true,
		ContainerFn: func(list v1.ResourceList, kind resourcehelper.ContainerType) {
			if kind == resourcehelper.Containers {
				counted = append(counted, cores(list))
			}
		},
	})
	p := Pod{
		UID: string(pod.UID), Name: pod.Name, Node: pod.Spec.NodeName, Main: pod.Annotations[mainContainer], Idle: !serves(pod), Requests: cores(requests),
		Containers: make([]Container, 0, len(pod.Spec.Containers)),
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		held := inForce(pod, c)
		p.Containers = append(p.Containers, Container{
			Name: c.Name, Request: cores(held.Requests), Pending: max(0, counted[i]-cores(held.Requests)), Limit: cores(held.Limits),
			Usage: usage(c.Name),
		})
	}
	return p
}

// inForce returns what the node has given to a container: a resize that is written in the spec may be deferred for long. Nodes that do
// not tell have given what the spec says.
func inForce(pod *v1.Pod, c *v1.Container) v1.ResourceRequirements {
	for i := range pod.Status.ContainerStatuses {
		status := &pod.Status.ContainerStatuses[i]
		if status.Name != c.Name {
			continue
		}
		if status.Resources != nil {
			return *status.Resources
		}
		if status.AllocatedResources != nil {
			return v1.ResourceRequirements{Requests: status.AllocatedResources, Limits: c.Resources.Limits}
		}
	}
	return c.Resources
}

// Allocatable returns what a node has for pods, in cores.
func Allocatable(node *v1.Node) float64 { return cores(node.Status.Allocatable) }

func cores(list v1.ResourceList) float64 {
	cpu := list[v1.ResourceCPU]
	return cpu.AsApproximateFloat64()
}
