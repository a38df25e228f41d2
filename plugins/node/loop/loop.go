package loop

import (
	"math"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/loop/redivision"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Period is how often Step is to be called.
const Period = control.GuardPeriod

// Input is what a step goes on.
type Input struct {
	Now time.Time
	// Spec is the object's; its Control is there.
	Spec *v1alpha1.NodeIsolationSpec
	// Active says that the switch is.
	Active bool
	// View is the containers as they have just been read.
	View *containers.View
	// Capacity is what resctrl can divide; nil: nothing. State are the groups as they are, Rates their traffic.
	Capacity *schemata.Capacity
	State    schemata.State
	Rates    []resctrl.Rate
	// Cores of the node. NoLimits is why CPU limits cannot be written; empty: they can.
	Cores    float64
	NoLimits string
	// Steal is the share of CPU time that the hypervisor took; nil: not known.
	Steal *float64
	// Refused is why the setting of the step before was not applied to the groups, and State is in force instead; empty: it was.
	Refused string
	// Previous is the status that an agent before this one left, and Left the CPU limits of its that containers still have, in cores by id.
	// Only the first step looks at them.
	Previous *v1alpha1.NodeIsolationStatus
	Left     map[string]float64
}

// acts says whether what the loop decides is carried out.
func (in *Input) acts() bool { return Acts(in.Spec, in.Active) }

// Acts says whether the loop carries out what it decides by a spec, with the switch active or not.
func Acts(spec *v1alpha1.NodeIsolationSpec, active bool) bool {
	return active && spec.Control != nil && spec.Control.Mode == v1alpha1.ControlAct
}

// Outcome is what a step says. It must not be changed.
type Outcome struct {
	// Spec is what it was decided by, see [Outcome.For].
	Spec *v1alpha1.NodeIsolationSpec
	// Acts says whether it is to be carried out; else it is only shown.
	Acts bool
	// Batch is the partition that the setting is for, empty for none.
	Batch   string
	Setting control.Setting
	// Cores are CPU limits by partition for all of its containers together, Own those of single containers by id.
	Cores, Own map[string]float64
	// Shares are what partitions of role Latency have in the place of what the spec gives them; nil: that. See package canary.
	Shares map[string]canary.Shares
	// Moved says that ways or bandwidth are others than the step before.
	Moved bool
	// Status and Interference are for the object's status.
	Status       *v1alpha1.LocalControlStatus
	Interference []v1alpha1.Interference
	// Rule is the law's for this step, empty where there is no law. Limits are what it may move.
	Rule   control.Kind
	Limits control.Limits
	// Slacks are those of the latest readings.
	Slacks []Slack
	// Probed is how the probe ended that ended with this step; empty: none did. Asked says that it asked for an eviction.
	Probed probe.Outcome
	Asked  bool
}

// Slack is how far a container that has a set-point is from it: (target - signal) / target, less than 0 beyond it.
type Slack struct {
	Container v1alpha1.ContainerName
	Signal    v1alpha1.SetPointSignal
	Slack     float64
}

// For says whether an outcome may be carried out by this spec, with the switch active or not: it may not where its partition may have another role
// by now. Other set-points, their version and whether pods may be evicted change nothing about who has what; the next step goes by them. An outcome
// of no step is for no spec.
func (o *Outcome) For(spec *v1alpha1.NodeIsolationSpec, active bool) bool {
	return o != nil && o.Acts == Acts(spec, active) && (o.Spec == spec || equality.Semantic.DeepEqual(divides(o.Spec), divides(spec)))
}

// By says whether an outcome was decided by this very spec.
func (o *Outcome) By(spec *v1alpha1.NodeIsolationSpec) bool {
	return o != nil && (o.Spec == spec || equality.Semantic.DeepEqual(o.Spec, spec))
}

// divides is what of a spec an outcome is bound to.
func divides(spec *v1alpha1.NodeIsolationSpec) v1alpha1.NodeIsolationSpec {
	s := *spec
	if s.Control != nil {
		c := *s.Control
		c.Version, c.SetPoints, c.Eviction = "", nil, ""
		s.Control = &c
	}
	return s
}

// Loop remembers between steps. It is not safe for concurrent use.
type Loop struct {
	began       time.Time // of the first step
	attribution attribution.State
	verdicts    map[attribution.Key]attribution.Resource
	law         *control.Law
	limits      control.Limits
	params      control.Params
	batch       string
	// earlier are the samples that the next readings count from, by container id, and when they were taken.
	earlier map[string]counters.Sample
	read    time.Time
	sizes   map[string]float64 // of containers, by id
	members []member
	// limited is whether the loop itself limits batch.
	limited bool
	hold    *attribution.Hold
	setting control.Setting
	slacks  []Slack
	start   control.Setting // what was in force when the law was made
	divided control.Setting // the last one while there was a tree of resctrl
	left    float64         // cores of batch that an agent before this one left, until there is a law that takes them over; +Inf: none
	acted   bool
	average float64 // of the least slacks
	stopped string  // the first service by name that its own limit keeps from its set-point; empty: none
	blind   string  // what the law said of missing readings; empty: it has some
	status  v1alpha1.LocalControlStatus
	evicted *v1alpha1.EvictionRequest // the last one; nil: none
	// fruitless counts the requests since all set-points were met last.
	fruitless int
	asked     map[string]bool // the pods that were asked for and may be there yet, by UID
	would     would
	shown     time.Time // when the law came to that step last
	problem   string
	// redivision is what a canary node tries.
	redivision redivision.Redivision
	// disturbs: the law changed something since attribution was asked; changed is when it did last.
	disturbs bool
	changed  time.Time
}

// New returns a loop that knows nothing yet.
func New() *Loop {
	return &Loop{earlier: map[string]counters.Sample{}, left: math.Inf(1), asked: map[string]bool{}}
}

// Step is one second of the loop.
func (l *Loop) Step(in Input) *Outcome {
	acts := in.acts()
	if l.began.IsZero() {
		l.began = in.Now
		l.resume(&in, acts)
	}
	if acts != l.acted { // a law that was only watched knows nothing of what it does, and one that ends leaves nothing
		l.law, l.acted, l.would = nil, acts, would{}
	}
	l.fit(&in)
	l.adopt(&in, acts)
	fresh := in.View.Time.Sub(l.read) >= window-Period/4
	out := &Outcome{
		Spec: in.Spec, Acts: acts, Batch: l.batch, Cores: map[string]float64{}, Own: map[string]float64{}, Setting: l.setting, Limits: l.limits,
	}
	if fresh {
		l.observe(&in)
		out.Probed = l.attribute(&in, acts)
	}
	l.decide(&in, fresh, out)
	l.redivide(&in, fresh, out)
	l.show(&in, out)
	return out
}
