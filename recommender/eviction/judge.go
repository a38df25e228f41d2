package eviction

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// How old things may be, and how far clocks may be apart. The first two are what the API says of NodeIsolation's status.lastReport and of
// EvictionRequest.
const (
	maxReport  = 3 * time.Minute
	maxRequest = 2 * time.Minute
	maxAhead   = time.Minute
)

// systemPriority is above all priorities that users can give (scheduling.HighestUserDefinablePriority of Kubernetes): from there on they
// are the system's, beginning with system-cluster-critical.
const systemPriority = 1_000_000_000 + 1

// systemNamespaces are those whose pods a node or Ballast does not work without.
var systemNamespaces = []string{metav1.NamespaceSystem, v1alpha1.SwitchNamespace, "ballast-node"}

// configSource is the annotation by which a kubelet says where it has a pod from: "api", or its node's files or a URL.
const configSource = "kubernetes.io/config.source"

// Question is what a request is judged by.
type Question struct {
	Now  time.Time
	Mode v1alpha1.Mode
	// Node is the object with the request in status.control.evict, as the API server has it now.
	Node *v1alpha1.NodeIsolation
	// Pod is the one of the request's namespace and name; nil: there is none.
	Pod *corev1.Pod
}

// Decision is what to do about a request, and why, in a sentence.
type Decision struct {
	// Outcome of Judge is Permitted, WouldEvict, Refused or Gone.
	Outcome Outcome
	Why     string
}

// Judge decides about the request of a node's agent. It asks nothing of budgets; see Budget.
func Judge(q Question) Decision {
	request, why := Ask(q.Node)
	if why == "" {
		why = stale(q.Now, q.Node, request)
	}
	if why != "" {
		return Decision{Refused, why}
	}
	if why := gone(q.Pod, request); why != "" {
		return Decision{Gone, why}
	}
	if q.Pod.Spec.NodeName != q.Node.Name { // first: about pods of other nodes nothing is told
		return Decision{Refused, fmt.Sprintf("pod %s does not run on this node", named(request))}
	}
	if why := protected(q.Pod); why != "" {
		return Decision{Refused, fmt.Sprintf("pod %s %s", named(request), why)}
	}
	if why := notBatch(&q.Node.Spec, q.Pod); why != "" {
		return Decision{Refused, fmt.Sprintf("pod %s %s", named(request), why)}
	}
	switch q.Mode {
	case v1alpha1.Active:
		return Decision{Permitted, "the request holds"}
	case v1alpha1.Shadow:
		return Decision{WouldEvict, "the switch is in shadow"}
	default:
		return Decision{Refused, "the switch is off"}
	}
}

// Ask is the request of an object whose spec allows requests; else why there is none, or none that could be a pod's.
func Ask(o *v1alpha1.NodeIsolation) (request *v1alpha1.EvictionRequest, why string) {
	if o.Status.Control != nil {
		request = o.Status.Control.Evict
	}
	switch c := o.Spec.Control; {
	case request == nil:
		return nil, "nothing is asked for"
	case c == nil || c.Eviction != v1alpha1.EvictionLastStep:
		return nil, "spec.control.eviction is not LastStep"
	case c.Mode != v1alpha1.ControlAct:
		return nil, "spec.control.mode is not Act"
	case len(validation.IsDNS1123Label(request.Namespace)) > 0:
		return nil, fmt.Sprintf("%q is no name of a namespace", sentence(request.Namespace, maxName))
	case len(validation.IsDNS1123Subdomain(request.Pod)) > 0:
		return nil, fmt.Sprintf("%q is no name of a pod", sentence(request.Pod, maxName))
	case request.UID == "":
		return nil, fmt.Sprintf("no UID is given for pod %s", named(request))
	}
	return request, ""
}

func named(r *v1alpha1.EvictionRequest) string { return r.Namespace + "/" + r.Pod }

// stale says what is too old, or of the future.
func stale(now time.Time, o *v1alpha1.NodeIsolation, r *v1alpha1.EvictionRequest) string {
	if o.Status.LastReport == nil {
		return "the agent's report has no time"
	}
	for _, t := range []struct {
		what string
		at   time.Time
		most time.Duration
	}{{"report", o.Status.LastReport.Time, maxReport}, {"request", r.Time.Time, maxRequest}} {
		switch age := now.Sub(t.at); {
		case age > t.most:
			return fmt.Sprintf("the agent's %s of %s is older than %s", t.what, t.at.UTC().Format(time.RFC3339), t.most)
		case age < -maxAhead:
			return fmt.Sprintf("the agent's %s of %s is of the future: the clocks of node and control plane differ",
				t.what, t.at.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// gone says why there is nothing left to evict.
func gone(pod *corev1.Pod, r *v1alpha1.EvictionRequest) string {
	switch {
	case pod == nil:
		return fmt.Sprintf("there is no pod %s", named(r))
	case string(pod.UID) != r.UID:
		return fmt.Sprintf("pod %s has another UID than the one that is meant", named(r))
	case pod.DeletionTimestamp != nil:
		return fmt.Sprintf("pod %s is being deleted already", named(r))
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return fmt.Sprintf("pod %s has ended", named(r))
	}
	return ""
}

// protected says why a pod is not to be evicted, whatever partition it belongs to; "" if it may be.
func protected(pod *corev1.Pod) string {
	if slices.Contains(systemNamespaces, pod.Namespace) {
		return "is in a namespace of the system"
	}
	if p := pod.Spec.Priority; p != nil && *p >= systemPriority {
		return fmt.Sprintf("has priority %d, which is the system's", *p)
	}
	source, given := pod.Annotations[configSource]
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror || given && source != "api" {
		return "comes from the node's own files (static)"
	}
	for _, o := range pod.OwnerReferences {
		switch o.Kind {
		case "DaemonSet":
			return fmt.Sprintf("belongs to DaemonSet %s, which would start it here again", o.Name)
		case "Node":
			return "belongs to the node itself (static)"
		}
	}
	return ""
}

// notBatch says why a pod is not of a batch partition; "" if it is.
func notBatch(spec *v1alpha1.NodeIsolationSpec, pod *corev1.Pod) string {
	// The class is the API server's, which keeps it as long as the pod lives.
	p := spec.PartitionOf(membership.Container{Namespace: pod.Namespace, Pod: pod.Name, QoS: string(pod.Status.QOSClass)})
	switch {
	case p == nil:
		return "belongs to no partition"
	case p.Role != v1alpha1.RoleBatch:
		return fmt.Sprintf("belongs to partition %s, whose role is not Batch", p.Name)
	}
	return ""
}
