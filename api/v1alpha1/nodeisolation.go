package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeIsolation is how one node's caches and memory bandwidth are divided among groups of tasks (resctrl). It is named like its node. The
// node's agent makes the object and writes its status; the spec is written by whoever decides about the node, the recommender or a person.
// What containers use is not in it: the agent's metrics tell that.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=ni
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.status.mode`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Applied",type=string,JSONPath=`.status.conditions[?(@.type=="Applied")].status`
// +kubebuilder:printcolumn:name="Why",type=string,JSONPath=`.status.conditions[?(@.type=="Applied")].reason`
// +kubebuilder:printcolumn:name="Blind",type=string,JSONPath=`.status.conditions[?(@.type=="Blind")].status`
// +kubebuilder:printcolumn:name="Classes left",type=integer,JSONPath=`.status.capacity.classesLeft`
// +kubebuilder:printcolumn:name="Reported",type=date,JSONPath=`.status.lastReport`
type NodeIsolation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec NodeIsolationSpec `json:"spec,omitempty"`
	// +optional
	Status NodeIsolationStatus `json:"status,omitempty"`
}

// NodeIsolationSpec is how the node should be divided.
//
// +kubebuilder:validation:XValidation:rule="!has(self.control) || !has(self.control.mode) || self.control.mode != 'Act' || (has(self.partitions) && self.partitions.exists(p, has(p.role) && p.role == 'Batch'))",message="control.mode Act needs a partition of role Batch, for the loop moves nothing else: give one that role, or take mode Observe"
type NodeIsolationSpec struct {
	// Partitions are the wanted control groups. The order counts where the agent chooses the ways: the first lie farthest from the ways
	// that devices share. Without any, the agent removes the groups that it made, but none that holds threads.
	// +kubebuilder:validation:MaxItems=63
	// +kubebuilder:validation:XValidation:rule="self.filter(p, has(p.role) && p.role == 'Batch').size() <= 1",message="only one partition may have role Batch, for the local loop moves one: make the containers of the others its members"
	// +listType=map
	// +listMapKey=name
	// +optional
	Partitions []NodePartition `json:"partitions,omitempty"`
	// Control is the agent's fast loop, which moves ways, bandwidth and CPU of batch partitions so that the latency-sensitive containers
	// meet their set-points. Without it, partitions stay as they are given.
	// +optional
	Control *LocalControl `json:"control,omitempty"`
}

// NodePartition is one wanted control group.
type NodePartition struct {
	// Name of the partition. Its group's folder is ballast-<name>.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`
	Name string `json:"name"`
	// Caches are its ways of caches. Of a cache that is not in the list it gets the longest run of ways that no other partition holds.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Caches []CacheWays `json:"caches,omitempty"`
	// Bandwidth are its limits of memory bandwidth; without, there is none.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Bandwidth []BandwidthLimit `json:"bandwidth,omitempty"`
	// Role says what the local loop may do with the partition: Latency is protected, Batch may be slowed down. Without, it is left alone.
	// Only one partition may be Batch.
	// +kubebuilder:validation:Enum=Latency;Batch
	// +optional
	Role PartitionRole `json:"role,omitempty"`
	// Members are the containers that belong to it. The first partition of the list that has a container takes it; one that no partition
	// has stays where it is. A partition without members holds the threads that somebody else puts into its group.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Members []PartitionMember `json:"members,omitempty"`
}

// CacheWays is a part of a cache: a count of ways, which the agent places, or the ways from up to and without to.
//
// +kubebuilder:validation:XValidation:rule="has(self.ways) != (has(self.from) || has(self.to))",message="give either ways, or from and to"
// +kubebuilder:validation:XValidation:rule="has(self.from) == has(self.to)",message="from and to belong together"
// +kubebuilder:validation:XValidation:rule="!has(self.from) || !has(self.to) || self.from < self.to",message="from must be less than to, which is the first way that does not belong to it"
type CacheWays struct {
	// Cache as the kernel names it. On a machine with code and data apart, L3 means both.
	// +kubebuilder:validation:Enum=L3;L3CODE;L3DATA;L2;L2CODE;L2DATA
	Cache string `json:"cache"`
	// Domains are cache ids; none means all.
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Minimum=0
	// +listType=set
	// +optional
	Domains []int32 `json:"domains,omitempty"`
	// Ways is how many.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	// +optional
	Ways *int32 `json:"ways,omitempty"`
	// From is the first way, counted from 0, the lowest bit of the mask.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31
	// +optional
	From *int32 `json:"from,omitempty"`
	// To is the first way after it.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	// +optional
	To *int32 `json:"to,omitempty"`
	// Shared ways may be given to another partition too, if both say so.
	// +optional
	Shared bool `json:"shared,omitempty"`
}

// BandwidthLimit is an upper bound of memory bandwidth.
//
// +kubebuilder:validation:XValidation:rule="has(self.percent) != has(self.mbps)",message="give either percent or mbps"
type BandwidthLimit struct {
	// Resource is MB, memory, or SMBA, slow memory such as CXL.
	// +kubebuilder:validation:Enum=MB;SMBA
	// +kubebuilder:default=MB
	// +optional
	Resource string `json:"resource,omitempty"`
	// Domains are cache ids; none means all.
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Minimum=0
	// +listType=set
	// +optional
	Domains []int32 `json:"domains,omitempty"`
	// Percent of what a domain can do; 100 is no limit. Machines that take MB/s refuse it where their peak is not known.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Percent *int32 `json:"percent,omitempty"`
	// MBps is 10^6 bytes a second for each domain. Machines that take percent refuse it where their peak is not known.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2000000000
	// +optional
	MBps *int32 `json:"mbps,omitempty"`
}

// The types of NodeIsolation conditions, beside ConditionBlind, which is True where the agent does not see the use of caches and memory
// bandwidth, or that of containers: the message says why.
const (
	// ConditionReady is True where the agent works with what the node has; status.absent names what the node does not have.
	ConditionReady = "Ready"
	// ConditionApplied is True where the node is divided as the spec says, and no other group is the agent's.
	ConditionApplied = "Applied"
)

// Reasons of NodeIsolation conditions.
const (
	// ReasonInForce: the node is as the spec says.
	ReasonInForce = "InForce"
	// ReasonNothingWanted: the spec has no partitions, and no group is the agent's.
	ReasonNothingWanted = "NothingWanted"
	// ReasonLeftovers: the spec is in force, but groups of the agent that it does not name hold threads, and stay with their ways until
	// these have ended. The message names them.
	ReasonLeftovers = "Leftovers"
	// ReasonNoResctrl: the node cannot divide its caches or memory bandwidth, or does not show it.
	ReasonNoResctrl = "NoResctrl"
	// ReasonUnreadable: the node has resctrl, and it, or what it counts, cannot be read.
	ReasonUnreadable = "Unreadable"
	// ReasonNoContainers: the node's cgroups cannot be read, or the names of its containers cannot: then their use is known by their pods'
	// UIDs only.
	ReasonNoContainers = "NoContainers"
	// ReasonInvalidSpec: this machine cannot be divided like that.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonRefused: the kernel refused a step; the groups are as before unless the message says otherwise.
	ReasonRefused = "Refused"
	// ReasonAnotherManager: somebody else on the node has rewritten the agent's groups again and again. They are left as they are, but for one more
	// try every 5 minutes, or when the partitions change; the message says what was rewritten.
	ReasonAnotherManager = "AnotherManager"
	// ReasonShadow: the plan is shown and nothing is changed.
	ReasonShadow = "Shadow"
	// ReasonOff: the switch is off; groups stay as they are.
	ReasonOff = "Off"
	// ReasonSeen: the use of caches or memory bandwidth, and that of containers, is seen; status.absent names what is not.
	ReasonSeen = "Seen"
	// ReasonWorking: the agent does what it can here.
	ReasonWorking = "Working"
	// ReasonFailing: the agent cannot do its work.
	ReasonFailing = "Failing"
)

// NodeIsolationStatus is what the node's agent reports: on a change, at most every 10 seconds, and else once a minute.
type NodeIsolationStatus struct {
	// ObservedGeneration is the generation of the spec that the rest answers to.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// LastReport is when the agent wrote this. Readers should not believe a report that is older than 3 minutes.
	// +optional
	LastReport *metav1.Time `json:"lastReport,omitempty"`
	// Mode is the position of the switch that the agent knows.
	// +optional
	Mode string `json:"mode,omitempty"`
	// Capacity is what the node can divide; absent without resctrl.
	// +optional
	Capacity *IsolationCapacity `json:"capacity,omitempty"`
	// Groups are the control groups of the node, the default group, named ".", first. Those of others are among them.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=name
	// +optional
	Groups []IsolationGroup `json:"groups,omitempty"`
	// Plan is what the agent would do, or could not do, one step in each line; empty where nothing is to be done.
	// +kubebuilder:validation:MaxLength=16384
	// +optional
	Plan string `json:"plan,omitempty"`
	// Notes are what an operator should know: who shares ways with whom, and what stays.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Notes []string `json:"notes,omitempty"`
	// Control is what the local loop does; absent where the spec has no control.
	// +optional
	Control *LocalControlStatus `json:"control,omitempty"`
	// Interference are the containers that a neighbour slows down, with the neighbour's name where a probe confirmed it.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Interference []Interference `json:"interference,omitempty"`
	// Absent are the signals that the node does not have, or that the agent does not read.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=signal
	// +optional
	Absent []AbsentSignal `json:"absent,omitempty"`
	// Conditions are Ready, Applied and Blind.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// IsolationCapacity is what a node can divide.
type IsolationCapacity struct {
	// Classes (CLOSIDs) is how many control groups the machine tells apart, with the default group; ClassesLeft are free. The agent leaves
	// one of them free.
	Classes     int32 `json:"classes"`
	ClassesLeft int32 `json:"classesLeft"`
	// MonitoringIDs (RMIDs) is how many groups it counts apart; 0: it does not count.
	// +optional
	MonitoringIDs int32 `json:"monitoringIDs,omitempty"`
	// Resources are its caches and bandwidths.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Resources []IsolationResource `json:"resources,omitempty"`
}

// IsolationResource is a cache or a bandwidth.
type IsolationResource struct {
	// Name as the kernel has it, such as L3 or MB.
	Name string `json:"name"`
	// Domains are the cache ids, such as 0-7,16-23.
	Domains string `json:"domains"`
	// Ways of a cache, of which a group must have MinWays.
	// +optional
	Ways int32 `json:"ways,omitempty"`
	// +optional
	MinWays int32 `json:"minWays,omitempty"`
	// PeakMBps is the bandwidth in 10^6 bytes a second that a domain is taken to deliver, given by spec.control; absent: not known.
	// +optional
	PeakMBps int64 `json:"peakMBps,omitempty"`
	// WayBytes is the size of a way of the first domain; 0 where it is not known.
	// +optional
	WayBytes int64 `json:"wayBytes,omitempty"`
	// DeviceWays are those that devices use too, such as 18-19.
	// +optional
	DeviceWays string `json:"deviceWays,omitempty"`
	// Unit of a bandwidth, with its least value, step and the value without a limit.
	// +optional
	Unit string `json:"unit,omitempty"`
	// +optional
	Min int64 `json:"min,omitempty"`
	// +optional
	Step int64 `json:"step,omitempty"`
	// +optional
	Max int64 `json:"max,omitempty"`
}

// IsolationGroup is a control group as the kernel shows it.
type IsolationGroup struct {
	// Name of its folder.
	Name string `json:"name"`
	// Schemata are its values, such as L3:0=f;1=f.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Schemata []string `json:"schemata,omitempty"`
	// Threads in it, as far as the agent sees them.
	Threads int64 `json:"threads"`
	// Domains are what it used in each cache domain; absent where the machine does not count.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=domain
	// +optional
	Domains []DomainUse `json:"domains,omitempty"`
}

// DomainUse is what a group uses of one cache domain. What could not be read is absent.
type DomainUse struct {
	// Domain is the cache id.
	Domain int32 `json:"domain"`
	// OccupancyBytes of the cache.
	// +optional
	OccupancyBytes *int64 `json:"occupancyBytes,omitempty"`
	// TotalBytesPerSecond between cache and memory since the reading before, and LocalBytesPerSecond, the part to memory of the same node.
	// +optional
	TotalBytesPerSecond *int64 `json:"totalBytesPerSecond,omitempty"`
	// +optional
	LocalBytesPerSecond *int64 `json:"localBytesPerSecond,omitempty"`
}

// AbsentSignal is something that the node does not show.
type AbsentSignal struct {
	// Signal such as resctrl, memory bandwidth, cpu pressure, run queue delay or perf events.
	Signal string `json:"signal"`
	// Why it is absent.
	// +kubebuilder:validation:MaxLength=1024
	Why string `json:"why"`
}

// NodeIsolationList is a list of NodeIsolation.
//
// +kubebuilder:object:root=true
type NodeIsolationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []NodeIsolation `json:"items"`
}
