// Package membership decides which partition of a node a container belongs to. It is pure: names in, a name out.
//
// The names are those that the container runtime tells (NRI), or the kubelet's links to the containers' logs (package containers); the
// QoS class is read from the cgroup, where the kubelet puts a pod by its class and nobody else can. Labels and annotations are not
// looked at: whoever may make a pod could choose a partition by them.
package membership

import "strings"

// The Kubernetes QoS classes of pods.
const (
	Guaranteed = "Guaranteed"
	Burstable  = "Burstable"
	BestEffort = "BestEffort"
)

// Container is what is known of a container. What is empty is not known, and matches no member that gives it.
type Container struct {
	Namespace, Pod, Name string
	// QoS is Guaranteed, Burstable or BestEffort.
	QoS string
}

// Member says which containers are meant. All that is given must hold; a member that gives nothing means none.
type Member struct {
	// QoS is the class of the pod.
	QoS string
	// Namespace of the pod.
	Namespace string
	// Pod is the name of the pod, or what its name begins with, followed by *.
	Pod string
}

// Partition is a partition and its members.
type Partition struct {
	Name    string
	Members []Member
}

// Of is the first partition of the list that has the container; false if none has.
func Of(partitions []Partition, c Container) (string, bool) {
	for _, p := range partitions {
		for _, m := range p.Members {
			if m.Has(c) {
				return p.Name, true
			}
		}
	}
	return "", false
}

// Has says whether the container is meant.
func (m Member) Has(c Container) bool {
	if m == (Member{}) {
		return false
	}
	return (m.QoS == "" || m.QoS == c.QoS) && (m.Namespace == "" || m.Namespace == c.Namespace) && (m.Pod == "" || podMatches(m.Pod, c.Pod))
}

func podMatches(pattern, pod string) bool {
	if prefix, is := strings.CutSuffix(pattern, "*"); is {
		return pod != "" && strings.HasPrefix(pod, prefix)
	}
	return pod == pattern
}

// QoSOf reads the class from the path of a pod's or container's cgroup, as the kubelet names it with both drivers (pkg/kubelet/cm:
// qos_container_manager_linux.go, pod_container_manager_linux.go): kubepods/burstable/pod<uid>, kubepods-besteffort-pod<uid>.slice, and
// without a class for guaranteed pods. It is empty for what is not below kubepods, or not a pod's.
func QoSOf(cgroup string) string {
	words := strings.FieldsFunc(cgroup, func(r rune) bool { return r == '/' || r == '-' || r == '.' })
	inside := false
	for _, w := range words {
		switch {
		case w == "kubepods":
			inside = true
		case !inside:
		case w == "burstable":
			return Burstable
		case w == "besteffort":
			return BestEffort
		case strings.HasPrefix(w, "pod"):
			return Guaranteed
		}
	}
	return ""
}
