package workload

import "slices"

// Service is what telemetry tells about where a service runs, in the words of OpenTelemetry's resource attributes; "" = not told.
type Service struct {
	// Namespace is k8s.namespace.name or, without, service.namespace; Name is service.name; Deployment is k8s.deployment.name.
	Namespace, Name, Deployment string
	// PodUIDs are all values of k8s.pod.uid that were seen.
	PodUIDs []string
}

// Reference names a workload as the targetRef of its VerticalPodAutoscaler does.
type Reference struct{ Kind, Name string }

// Select returns the workloads of a namespace that an objective may size: those that it lists, or all if it lists none.
func Select(all []*Workload, namespace string, listed []Reference) []*Workload {
	var selected []*Workload
	for _, w := range all {
		if w.Namespace == namespace && (len(listed) == 0 || slices.Contains(listed, Reference{w.Kind, w.Target})) {
			selected = append(selected, w)
		}
	}
	return selected
}

// Match returns the workload of one namespace that a service is, nil if it is none of them. Pods decide: the workload that selects
// most of those that the service's telemetry came from. Without, it is the Deployment of the name told. Without, it is the target
// named as the service, unless another Deployment is told, such as a canary. By name only counts where the service's namespace is not
// told or that of the workload; of equals the first.
func Match(s Service, candidates []*Workload) *Workload {
	var best *Workload
	most := 0
	for _, w := range candidates {
		if n := w.owns(s.PodUIDs); n > most {
			best, most = w, n
		}
	}
	if best != nil {
		return best
	}
	for _, w := range candidates {
		if s.Deployment != "" && w.Kind == "Deployment" && w.Target == s.Deployment && told(s.Namespace, w.Namespace) {
			return w
		}
	}
	for _, w := range candidates {
		if w.Target == s.Name && told(s.Deployment, w.Target) && told(s.Namespace, w.Namespace) {
			return w
		}
	}
	return nil
}

// owns counts the pods of the workload among these.
func (w *Workload) owns(uids []string) int {
	n := 0
	for _, pod := range w.Pods {
		if slices.Contains(uids, pod.UID) {
			n++
		}
	}
	return n
}

// told reports whether what telemetry tells, if it does, is this.
func told(what, is string) bool { return what == "" || what == is }
