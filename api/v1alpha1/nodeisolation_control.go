package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PartitionRole is what the local loop may do with a partition.
type PartitionRole string

// Roles of partitions.
const (
	// RoleLatency partitions hold containers that have set-points.
	RoleLatency PartitionRole = "Latency"
	// RoleBatch partitions hold containers that may be slowed down for them.
	RoleBatch PartitionRole = "Batch"
)

// PartitionMember says which containers are meant. All that is given must hold.
//
// +kubebuilder:validation:XValidation:rule="has(self.qosClass) || has(self.namespace) || has(self.pod)",message="give qosClass, namespace or pod"
type PartitionMember struct {
	// QOSClass is the Kubernetes QoS class of the pod.
	// +kubebuilder:validation:Enum=Guaranteed;Burstable;BestEffort
	// +optional
	QOSClass string `json:"qosClass,omitempty"`
	// Namespace of the pod.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="must be the whole name of a namespace: lower-case letters, digits and -"
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// Pod is the name of the pod, or what its name begins with, followed by *. * alone is every pod.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|([a-z0-9][a-z0-9.-]*)?[*])$')",message="must be the name of a pod such as web-0, or what it begins with followed by * such as web-*: lower-case letters, digits, - and ."
	// +optional
	Pod string `json:"pod,omitempty"`
}

// ControlMode is whether the local loop acts.
type ControlMode string

// Modes of the local loop. The switch of all of Ballast stands above: in shadow or off, nothing is changed.
const (
	// ControlObserve shows what the loop would do.
	ControlObserve ControlMode = "Observe"
	// ControlAct does it.
	ControlAct ControlMode = "Act"
)

// LocalControl is what the local loop goes by. It works on while the API server is away.
type LocalControl struct {
	// Mode Act needs a partition of role Batch.
	// +kubebuilder:validation:Enum=Observe;Act
	// +kubebuilder:default=Observe
	// +optional
	Mode ControlMode `json:"mode,omitempty"`
	// Version of the set-points, to be found again in the status: who wrote them, and when or how often.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Version string `json:"version,omitempty"`
	// SetPoints are what latency-sensitive containers must not exceed.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	SetPoints []SetPoint `json:"setPoints,omitempty"`
	// PeakMBps is the memory bandwidth, in 10^6 bytes a second, that each cache domain delivers at most. Without it there is no guard of
	// bandwidth.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2000000000
	// +optional
	PeakMBps *int32 `json:"peakMBps,omitempty"`
	// Eviction is whether the last step of the ladder may be taken: where a service stays far beyond its set-point with batch work at its
	// minimum, the agent names one batch pod in status.control.evict, and ballast-recommender evicts it through the API, so that budgets of
	// disruption hold. At most one pod of a node in five minutes.
	// +kubebuilder:validation:Enum=Never;LastStep
	// +kubebuilder:default=Never
	// +optional
	Eviction EvictionPolicy `json:"eviction,omitempty"`
	// Canary nodes may try out allocations between several partitions of role Latency that miss their set-points, for about a minute, where
	// the ladder has found none: some trials are worse than what is in force.
	// +optional
	Canary bool `json:"canary,omitempty"`
}

// EvictionPolicy is whether the local loop may ask for evictions.
type EvictionPolicy string

// Policies of eviction.
const (
	EvictionNever    EvictionPolicy = "Never"
	EvictionLastStep EvictionPolicy = "LastStep"
)

// SetPointSignal is what a set-point bounds.
type SetPointSignal string

// Signals that a node sees of each container, apart from its latency.
const (
	// SignalRunQueueDelay is the time that ready threads waited for a CPU, per time that they ran.
	SignalRunQueueDelay SetPointSignal = "RunQueueDelay"
	// SignalCPUPressure is the share of time in which some thread waited for a CPU (PSI).
	SignalCPUPressure SetPointSignal = "CPUPressure"
	// SignalCPI is cycles per instruction.
	SignalCPI SetPointSignal = "CPI"
)

// SetPoint is what a container's signal must not exceed.
//
// +kubebuilder:validation:XValidation:rule="self.signal != 'CPUPressure' || self.milliTarget <= 1000",message="milliTarget of CPUPressure is a share of time in thousandths: at most 1000, such as 300 for 30 %"
type SetPoint struct {
	PartitionMember `json:",inline"`

	// +kubebuilder:validation:Enum=RunQueueDelay;CPUPressure;CPI
	Signal SetPointSignal `json:"signal"`
	// MilliTarget is the bound in thousandths: 200 is a delay of 0.2 s for each second run, or a pressure of 20 %, which is at
	// most 1000.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MilliTarget int32 `json:"milliTarget"`
}

// LocalControlStatus is what the local loop does.
type LocalControlStatus struct {
	// Mode in force: Observe also where the switch is not active.
	Mode ControlMode `json:"mode"`
	// Version of the set-points in force.
	// +optional
	Version string `json:"version,omitempty"`
	// MilliSlack is the least slack of all set-points in thousandths, (target - signal) / target; absent where no signal was read.
	// +optional
	MilliSlack *int32 `json:"milliSlack,omitempty"`
	// Batch is what batch work may use now, in words.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Batch string `json:"batch,omitempty"`
	// BatchMilliCPU is what all of batch may use together, in thousandths of a core; absent: the loop does not limit it. A restarted agent goes
	// on from it.
	// +optional
	BatchMilliCPU *int64 `json:"batchMilliCPU,omitempty"`
	// Evict is the batch pod that the agent asked to be evicted last; absent where eviction is Never.
	// +optional
	Evict *EvictionRequest `json:"evict,omitempty"`
	// Search is what a canary node tries, or found, in words; empty: nothing.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Search string `json:"search,omitempty"`
	// LastAction is what was changed last and why, with numbers, at LastActionTime.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	LastAction string `json:"lastAction,omitempty"`
	// +optional
	LastActionTime *metav1.Time `json:"lastActionTime,omitempty"`
	// Infeasible says why no allocation on this node can meet all set-points; empty: one may.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Infeasible string `json:"infeasible,omitempty"`
}

// EvictionRequest names a batch pod that should leave the node.
type EvictionRequest struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	// UID, so that a pod of the same name that came since is not meant.
	UID string `json:"uid"`
	// Why, in a sentence with numbers.
	// +kubebuilder:validation:MaxLength=1024
	Why string `json:"why"`
	// Time of the request. It is void after two minutes.
	Time metav1.Time `json:"time"`
}

// InterferenceState is how sure the agent is.
type InterferenceState string

// States of interference.
const (
	// InterferenceSuspected: the victim's counters are beyond their bars, and the culprit is the likeliest neighbour.
	InterferenceSuspected InterferenceState = "Suspected"
	// InterferenceConfirmed: the victim recovered while the culprit was slowed down for some seconds.
	InterferenceConfirmed InterferenceState = "Confirmed"
)

// Interference is a container that a neighbour slows down.
type Interference struct {
	Victim ContainerName `json:"victim"`
	// Culprit is absent where no neighbour stands out, or the probe acquitted all.
	// +optional
	Culprit *ContainerName `json:"culprit,omitempty"`
	// Resource that they compete for.
	// +kubebuilder:validation:Enum=LLC;MemoryBandwidth;CPU;Power;Unknown
	Resource string `json:"resource"`
	// +kubebuilder:validation:Enum=Suspected;Confirmed
	State InterferenceState `json:"state"`
	// MilliSlowdown is the victim's time per unit of work against its usual one, in thousandths: 1250 is a quarter slower. Absent where it
	// is not known.
	// +optional
	MilliSlowdown *int32 `json:"milliSlowdown,omitempty"`
	// Evidence in a sentence with numbers.
	// +kubebuilder:validation:MaxLength=1024
	Evidence string `json:"evidence"`
	// Since is when it began, LastSeen when it was seen last.
	Since    metav1.Time `json:"since"`
	LastSeen metav1.Time `json:"lastSeen"`
}

// ContainerName names a container of the node.
type ContainerName struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Container string `json:"container"`
}
