package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LatencyObjective says how fast an application has to answer: so much of the requests of one operation within a target. The
// recommender sizes the CPU requests of the workloads behind it, those whose VerticalPodAutoscaler names recommender ballast, and says
// in the status how the objective stands and why.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=lo
// +kubebuilder:printcolumn:name="Percentile",type=number,JSONPath=`.spec.percentile`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.target`
// +kubebuilder:printcolumn:name="Observed",type=string,JSONPath=`.status.observed.value`
// +kubebuilder:printcolumn:name="Predicted",type=string,JSONPath=`.status.predicted.value`
// +kubebuilder:printcolumn:name="Attained",type=number,JSONPath=`.status.attainment.percent`
// +kubebuilder:printcolumn:name="Met",type=string,JSONPath=`.status.conditions[?(@.type=="Met")].status`
// +kubebuilder:printcolumn:name="AtRisk",type=string,JSONPath=`.status.conditions[?(@.type=="AtRisk")].status`
// +kubebuilder:printcolumn:name="Blind",type=string,JSONPath=`.status.conditions[?(@.type=="Blind")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type LatencyObjective struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec LatencyObjectiveSpec `json:"spec"`
	// +optional
	Status LatencyObjectiveStatus `json:"status,omitempty"`
}

// LatencyObjectiveSpec is what the application's owner asks for.
type LatencyObjectiveSpec struct {
	// Entry is the operation whose latency counts, as its spans and metrics name it.
	Entry EntryOperation `json:"entry"`
	// Percentile of the requests have to be answered within the target, such as 99 or 99.9.
	// +kubebuilder:validation:Minimum=50
	// +kubebuilder:validation:Maximum=99.99
	Percentile float64 `json:"percentile"`
	// Target is the latency, such as 200ms, from 1 ms to 10 minutes.
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms') && duration(self) <= duration('10m')",message="must be from 1ms to 10m, such as 200ms"
	Target metav1.Duration `json:"target"`
	// Window is the time over which attainment is counted, from a second to 30 days.
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be from 1s to 720h, such as 1h"
	// +optional
	Window metav1.Duration `json:"window,omitempty"`
	// Mode overrules the switch (ConfigMap ballast-system/ballast) for this objective; of the two the more cautious counts.
	// +kubebuilder:validation:Enum=active;shadow;off
	// +kubebuilder:default=active
	// +optional
	Mode ObjectiveMode `json:"mode,omitempty"`
	// Workloads are those that may be sized for this objective. Without, they are those that its traces touch.
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	// +optional
	Workloads []WorkloadReference `json:"workloads,omitempty"`
}

// EntryOperation is an operation of a service, in the words of OpenTelemetry.
type EntryOperation struct {
	// Service is the resource attribute service.name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Service string `json:"service"`
	// Operation is the name of the server span, such as "POST /compose".
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Operation string `json:"operation"`
}

// ObjectiveMode is what happens with an objective's results.
type ObjectiveMode string

// The modes of an objective.
const (
	// ObjectiveActive writes them.
	ObjectiveActive ObjectiveMode = "active"
	// ObjectiveShadow shows them in the status and writes stock recommendations.
	ObjectiveShadow ObjectiveMode = "shadow"
	// ObjectiveOff computes nothing.
	ObjectiveOff ObjectiveMode = "off"
)

// WorkloadReference names a workload of the objective's namespace, as the targetRef of its VerticalPodAutoscaler does.
type WorkloadReference struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// The types of LatencyObjective conditions.
const (
	// ConditionBlind is True where nothing can be said about the objective now; reason and message say why and what is done meanwhile.
	ConditionBlind = "Blind"
	// ConditionInfeasible is True where no CPU within the bounds of the VerticalPodAutoscalers reaches the target.
	ConditionInfeasible = "Infeasible"
	// ConditionAtRisk is True where the percentile at the present requests may exceed the target.
	ConditionAtRisk = "AtRisk"
	// ConditionMet is True where the share of requests within the target over the window is at least the percentile, Unknown (reason
	// Counting) until the window is covered or the rest of it could not change the answer.
	ConditionMet = "Met"
)

// LatencyObjectiveStatus is how the objective stands, written by the recommender's leader once a round.
type LatencyObjectiveStatus struct {
	// ObservedGeneration is the generation of the spec that the rest answers to.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Attainment is the share of requests within the target over the window.
	// +optional
	Attainment *Attainment `json:"attainment,omitempty"`
	// Observed is the percentile of the last minute, with its 90 % interval.
	// +optional
	Observed *LatencyInterval `json:"observed,omitempty"`
	// Predicted is the percentile expected at the recommended requests, with its 90 % interval.
	// +optional
	Predicted *LatencyInterval `json:"predicted,omitempty"`
	// Budgets say what part of the target each workload has and what CPU it takes, largest part first.
	// +kubebuilder:validation:MaxItems=200
	// +listType=map
	// +listMapKey=workload
	// +optional
	Budgets []WorkloadBudget `json:"budgets,omitempty"`
	// Conditions are Blind, Infeasible, AtRisk and Met.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Attainment is a share of requests.
type Attainment struct {
	// Percent of the requests were answered within the target; errors count as late.
	Percent float64 `json:"percent"`
	// Requests is their number in the window.
	Requests int64 `json:"requests"`
}

// LatencyInterval is a latency with its 90 % interval.
type LatencyInterval struct {
	Value metav1.Duration `json:"value"`
	Low   metav1.Duration `json:"low"`
	High  metav1.Duration `json:"high"`
}

// WorkloadBudget is one workload's part.
type WorkloadBudget struct {
	// Workload is the name of its VerticalPodAutoscaler.
	// +kubebuilder:validation:MaxLength=253
	Workload string `json:"workload"`
	// Container is the one that is sized.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Container string `json:"container,omitempty"`
	// Latency is its part of the predicted percentile.
	// +optional
	Latency metav1.Duration `json:"latency,omitempty"`
	// TailPercent is its part of the tail, in percent; all add up to 100.
	// +optional
	TailPercent float64 `json:"tailPercent,omitempty"`
	// TargetMillicores is the last request per pod that the objective asked for. With DecidedAt and SteppedAt it is what a restarted
	// recommender goes on from.
	// +optional
	TargetMillicores int64 `json:"targetMillicores,omitempty"`
	// StockMillicores is what the stock recommender would ask for.
	// +optional
	StockMillicores int64 `json:"stockMillicores,omitempty"`
	// Phase is Objective (the target is in force), Holding or SteppingDown (blind, on the way to stock) or Stock.
	// +kubebuilder:validation:Enum=Objective;Holding;SteppingDown;Stock
	// +optional
	Phase string `json:"phase,omitempty"`
	// DecidedAt is when the objective last decided; SteppedAt when a blind target was last lowered.
	// +optional
	DecidedAt *metav1.Time `json:"decidedAt,omitempty"`
	// +optional
	SteppedAt *metav1.Time `json:"steppedAt,omitempty"`
	// Reason says in a sentence why it is so much.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Reason string `json:"reason,omitempty"`
}

// LatencyObjectiveList is a list of LatencyObjective.
//
// +kubebuilder:object:root=true
type LatencyObjectiveList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []LatencyObjective `json:"items"`
}
