package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SchemeGroupVersion is the group and version of every type here.
var SchemeGroupVersion = schema.GroupVersion{Group: "ballast.dev", Version: "v1alpha1"}

// InterferenceModels is the resource of InterferenceModel objects.
var InterferenceModels = SchemeGroupVersion.WithResource("interferencemodels")

// LatencyObjectives is the resource of LatencyObjective objects.
var LatencyObjectives = SchemeGroupVersion.WithResource("latencyobjectives")

// LatencyModels is the resource of LatencyModel objects.
var LatencyModels = SchemeGroupVersion.WithResource("latencymodels")

// NodeIsolations is the resource of NodeIsolation objects.
var NodeIsolations = SchemeGroupVersion.WithResource("nodeisolations")

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion, &InterferenceModel{}, &InterferenceModelList{}, &LatencyObjective{}, &LatencyObjectiveList{},
		&LatencyModel{}, &LatencyModelList{}, &NodeIsolation{}, &NodeIsolationList{})
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}

// Names that users and components meet on objects that are not ours.
const (
	// ClassLabel on a pod names its workload class; without it the class is <namespace>/<top controller>.
	ClassLabel = "ballast.dev/class"
	// MinPerformanceAnnotation on a pod is the least predicted performance (1 = alone on the node) it accepts, e.g. "0.8". This, and
	// the two annotations about isolation below, are the only things that make Ballast reject nodes.
	MinPerformanceAnnotation = "ballast.dev/min-performance"
	// GroupSizeAnnotation says on a pod how many pods its group has, so that they are placed together as soon as the last has come.
	GroupSizeAnnotation = "ballast.dev/group-size"
	// ConstraintsAnnotation on a pod are its soft constraints of placement, one a line in Medea's language, for the pods that carry it.
	ConstraintsAnnotation = "ballast.dev/constraints"
	// PartitionAnnotation on a pod names a partition (NodeIsolation) that its node must have, or have room for, such as "web". A value that
	// is no such name is ignored, with an event on the pod.
	PartitionAnnotation = "ballast.dev/partition"
	// MemoryBandwidthAnnotation on a pod is how much memory bandwidth, in 10^6 bytes a second, must be free on its node, such as "8000":
	// above 0 and up to 2,000,000,000. Until a report of the node shows what the pod uses, it counts as using that much, so that no two pods
	// are given the same headroom. A value that is no such number is ignored, with an event on the pod.
	MemoryBandwidthAnnotation = "ballast.dev/memory-bandwidth-mbps"
	// ShapeLabel on a node names its machine shape, as it stands before the slash in column setting of a mixes file; without it the shape
	// is node.kubernetes.io/instance-type.
	ShapeLabel = "ballast.dev/shape"
	// SwitchNamespace, SwitchName and SwitchKey locate the one switch, whose values are active, shadow and off.
	SwitchNamespace = "ballast-system"
	SwitchName      = "ballast"
	SwitchKey       = "mode"
)
