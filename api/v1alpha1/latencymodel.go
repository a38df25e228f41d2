package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LatencyModelFormat names the layout of LatencyModelSpec. A reader that finds another one goes blind rather than guess.
const LatencyModelFormat = "ballast.dev/latency-model/v1"

// LatencyModel carries what Ballast learned about the latency of one application: how its percentile depends on each of its workloads and
// on the way between them. The recommender's leader publishes one for each LatencyObjective, under its name; ballast-scheduler (plugin
// GraphScore) reads it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=lm
// +kubebuilder:printcolumn:name="Percentile",type=number,JSONPath=`.spec.percentile`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.target`
// +kubebuilder:printcolumn:name="Predicted",type=string,JSONPath=`.spec.predicted`
// +kubebuilder:printcolumn:name="Published",type=date,JSONPath=`.spec.publishedAt`
type LatencyModel struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec LatencyModelSpec `json:"spec"`
}

// LatencyModelSpec is the model.
type LatencyModelSpec struct {
	// Format names the layout of the rest.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Format string `json:"format"`
	// PublishedAt is when the model was last confirmed as current. Readers go blind on it when it is older than they accept.
	PublishedAt metav1.Time `json:"publishedAt"`
	// Mode is the objective's own. What is in shadow or off changes nothing.
	// +kubebuilder:validation:Enum=active;shadow;off
	// +kubebuilder:default=active
	// +optional
	Mode ObjectiveMode `json:"mode,omitempty"`
	// Percentile and Target are the objective's.
	// +kubebuilder:validation:Minimum=50
	// +kubebuilder:validation:Maximum=99.99
	Percentile float64 `json:"percentile"`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms') && duration(self) <= duration('10m')",message="must be from 1ms to 10m, such as 200ms"
	Target metav1.Duration `json:"target"`
	// Predicted is the percentile expected in the next minutes, at the median of the load and with the CPU that pods obtain where they are;
	// 0 while nothing is known.
	Predicted metav1.Duration `json:"predicted"`
	// Workloads are those whose time is part of it, by what is known at that state; none while the objective is blind or off.
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	Workloads []LatencyModelWorkload `json:"workloads"`
	// Calls are those between workloads that requests wait for.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	Calls []LatencyModelCall `json:"calls,omitempty"`
	// Network is what a call costs on its way, by how far apart caller and callee run; a distance that is left out is not known.
	// +kubebuilder:validation:MaxItems=3
	// +listType=map
	// +listMapKey=distance
	// +optional
	Network []NetworkCost `json:"network,omitempty"`
	// Memory is what the recommender that becomes the leader next goes on from, as JSON: the law of each workload (time as a function of load and
	// CPU), how predictions fared, and the attainment. Nobody else reads it. Absent where nothing is known, or it would be too long.
	// +kubebuilder:validation:MaxLength=262144
	// +optional
	Memory string `json:"memory,omitempty"`
}

// MaxLatencyModelMemory is the most that a LatencyModel remembers, in bytes.
const MaxLatencyModelMemory = 262144

// LatencyModelWorkload is one workload's part in the percentile.
type LatencyModelWorkload struct {
	WorkloadReference `json:",inline"`
	// Pods is the number of its pods that the sensitivity is for.
	// +kubebuilder:validation:Minimum=1
	Pods int32 `json:"pods"`
	// SlowdownMilliseconds is by how many milliseconds the percentile grows per unit of ln(slowdown) of all pods' work: a hundredth of it
	// for each per cent by which they all become slower, that divided by Pods for each by which one does.
	// +kubebuilder:validation:Minimum=0
	SlowdownMilliseconds float64 `json:"slowdownMilliseconds"`
}

// LatencyModelCall is the calls of one workload by another. The names are those of Workloads.
type LatencyModelCall struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	From string `json:"from"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	To string `json:"to"`
	// Critical is how many of them lie on the critical path of a request, in the mean.
	// +kubebuilder:validation:Minimum=0
	Critical float64 `json:"critical"`
}

// NetworkDistance is how far apart two pods run.
// +kubebuilder:validation:Enum=Node;Zone;Region
type NetworkDistance string

// The distances.
const (
	// DistanceNode is on the same node, DistanceZone on two nodes of a zone (topology.kubernetes.io/zone; nodes without one are of the same),
	// DistanceRegion in two zones.
	DistanceNode   NetworkDistance = "Node"
	DistanceZone   NetworkDistance = "Zone"
	DistanceRegion NetworkDistance = "Region"
)

// NetworkCost is the time of a call on its way there and back.
type NetworkCost struct {
	Distance NetworkDistance `json:"distance"`
	// Milliseconds is the mean of so many Calls. StandardError is that of what the distance adds to the mean on one node; of Node, of itself.
	// +kubebuilder:validation:Minimum=0
	Milliseconds float64 `json:"milliseconds"`
	// +kubebuilder:validation:Minimum=0
	StandardError float64 `json:"standardError"`
	// +kubebuilder:validation:Minimum=0
	Calls int64 `json:"calls"`
}

// LatencyModelList is a list of LatencyModel.
//
// +kubebuilder:object:root=true
type LatencyModelList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []LatencyModel `json:"items"`
}
