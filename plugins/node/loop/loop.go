package loop

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/placement/membership"
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
}

// Outcome is what a step says. It must not be changed.
type Outcome struct {
	// Acts says whether it is to be carried out; else it is only shown.
	Acts bool
	// Batch is the partition that the setting is for, empty for none.
	Batch   string
	Setting control.Setting
	// Cores are CPU limits by partition for all of its containers together, Own those of single containers by id.
	Cores, Own map[string]float64
	// Moved says that ways or bandwidth are others than the step before.
	Moved bool
	// Status and Interference are for the object's status.
	Status       *v1alpha1.LocalControlStatus
	Interference []v1alpha1.Interference
}

// Loop remembers between steps. It is not safe for concurrent use.
type Loop struct {
	attribution attribution.State
	verdicts    map[attribution.Key]attribution.Resource
	law         *control.Law
	limits      control.Limits
	batch       string
	// earlier are the samples that the next readings count from, by container id, and when they were taken.
	earlier map[string]counters.Sample
	read    time.Time
	sizes   map[string]float64 // of containers, by id
	members []member
	// limited is whether the loop itself limits batch.
	limited  bool
	hold     *attribution.Hold
	setting  control.Setting
	start    control.Setting // what was in force when the law was made
	acted    bool
	blind    string // what the law said of missing readings; empty: it has some
	status   v1alpha1.LocalControlStatus
	problem  string
	disturbs bool // the law changed something since attribution was asked
}

// New returns a loop that knows nothing yet.
func New() *Loop { return &Loop{earlier: map[string]counters.Sample{}} }

// Step is one second of the loop.
func (l *Loop) Step(in Input) *Outcome {
	acts := in.Active && in.Spec.Control.Mode == v1alpha1.ControlAct
	if acts != l.acted { // a law that was only watched knows nothing of what it does, and one that ends leaves nothing
		l.law, l.acted = nil, acts
	}
	l.fit(&in)
	fresh := in.View.Time.Sub(l.read) >= window-Period/4
	if fresh {
		l.observe(&in)
		l.attribute(&in, acts)
	}
	out := &Outcome{Acts: acts, Batch: l.batch, Cores: map[string]float64{}, Own: map[string]float64{}, Setting: l.setting}
	l.decide(&in, fresh, out)
	l.show(&in, out)
	return out
}

// fit makes a law for what the machine has and the spec wants, where that is new. Changed limits take over what is in force.
func (l *Loop) fit(in *Input) {
	batch := batchOf(in.Spec)
	if batch == nil {
		l.law, l.batch, l.limits, l.problem = nil, "", control.Limits{}, "no partition has role Batch: nothing is moved"
		l.setting, l.status = control.Setting{BatchCPU: math.Inf(1)}, v1alpha1.LocalControlStatus{}
		return
	}
	now := limits(in.Capacity, in.Spec, in.Cores, in.NoLimits == "")
	if l.law != nil && l.batch == batch.Name && now.CPU == nil {
		now.CPU = l.limits.CPU // the runtime is away for a moment: what was decided holds, and is written when it is back
	}
	if l.law != nil && l.batch == batch.Name && same(l.limits, now) {
		return
	}
	start := inForce(in, batch)
	if l.law != nil && l.batch == batch.Name {
		start.BatchCPU = l.setting.BatchCPU // nothing shows it as quickly
	}
	clamp(&start, now)
	law, err := control.New(now, control.Params{}, start)
	if err != nil { // a machine that says nonsense of itself
		l.law, l.problem = nil, err.Error()
		return
	}
	l.law, l.batch, l.limits, l.problem, l.setting, l.start = law, batch.Name, now, "", start, start
}

// clamp brings a setting into what the machine has, for words about it.
func clamp(s *control.Setting, l control.Limits) {
	if l.Ways != nil {
		s.BatchWays = min(s.BatchWays, l.Ways.Max)
	}
	if l.Bandwidth != nil {
		s.BatchBandwidth = min(s.BatchBandwidth, l.Bandwidth.Max)
	}
}

// inForce is what batch's group has now, so that a new law goes on from it: after a restart protections stay, and what throttles is freed
// only by growth. Before there is a group it is what the spec wants.
func inForce(in *Input, batch *v1alpha1.NodePartition) control.Setting {
	start := control.Setting{BatchWays: math.MaxInt32, BatchBandwidth: math.MaxInt32, BatchCPU: math.Inf(1)}
	for _, c := range batch.Caches {
		if c.Cache == cache && c.Ways != nil {
			start.BatchWays = int(*c.Ways)
		}
	}
	if in.Capacity == nil {
		return start
	}
	for _, g := range in.State.Groups {
		if g.Name != schemata.Prefix+batch.Name {
			continue
		}
		for _, r := range in.Capacity.Resources {
			for _, d := range r.Domains {
				v, is := g.Schemata.Value(r.Name, d)
				switch {
				case is && r.Name == cache:
					start.BatchWays = min(start.BatchWays, bits.OnesCount32(v))
				case is && r.Name == memory:
					start.BatchBandwidth = min(start.BatchBandwidth, int(v))
				}
			}
		}
	}
	return start
}

func same(a, b control.Limits) bool {
	return equal(a.Ways, b.Ways) && equal(a.Bandwidth, b.Bandwidth) && equal(a.CPU, b.CPU)
}

func equal[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// observe makes readings of the samples and those before.
func (l *Loop) observe(in *Input) {
	partitions := Partitions(in.Spec)
	roles := map[string]v1alpha1.PartitionRole{}
	for _, p := range in.Spec.Partitions {
		roles[p.Name] = p.Role
	}
	now, sizes := make(map[string]counters.Sample, len(in.View.Containers)), make(map[string]float64, len(in.View.Containers))
	l.members = nil
	for i := range in.View.Containers {
		c := &in.View.Containers[i]
		if c.Name == "" {
			continue // its names are not known, so it belongs to nobody
		}
		id := c.Sample.Container.ID
		now[id] = c.Sample
		before, known := l.earlier[id]
		named := nameOf(c)
		partition, _ := membership.Of(partitions, named)
		batch := roles[partition] == v1alpha1.RoleBatch
		sizes[id] = l.sizes[id]
		if !known {
			continue
		}
		r, ok := reading(&before, &c.Sample, batch && l.limited)
		if !ok {
			continue
		}
		if sizes[id] = size(l.sizes[id], value(r.Cores), max(in.Cores, 1)); r.Entitled == 0 {
			r.Entitled = sizes[id]
		}
		fills(&r, c.Use)
		r.Container, r.Throttleable = keyOf(c), batch
		r.Sensitive = !batch && (roles[partition] == v1alpha1.RoleLatency || setPoint(in.Spec.Control, named) != nil)
		l.members = append(l.members, member{key: r.Container, id: id, partition: partition, reading: r})
	}
	l.earlier, l.sizes, l.read = now, sizes, in.View.Time
}

func nameOf(c *containers.Container) membership.Container {
	qos := map[string]string{"guaranteed": membership.Guaranteed, "burstable": membership.Burstable, "besteffort": membership.BestEffort}
	return membership.Container{Namespace: c.Namespace, Pod: c.Pod, Name: c.Name, QoS: qos[c.Sample.Container.QoS]}
}

// attribute asks who slows whom down.
func (l *Loop) attribute(in *Input, acts bool) {
	ask := attribution.Input{
		Now: time.Duration(in.Now.UnixNano()), Steal: in.Steal, Disturbed: l.disturbs, NoProbes: !acts || in.NoLimits != "",
	}
	for i := range l.members {
		ask.Readings = append(ask.Readings, l.members[i].reading)
	}
	result := attribution.Step(&l.attribution, ask)
	l.disturbs, l.hold = false, result.Hold
	l.verdicts = make(map[attribution.Key]attribution.Resource, len(result.Verdicts))
	for _, v := range result.Verdicts {
		l.verdicts[v.Container] = v.Resource
	}
}

// overByTenth is the slack below which the law does not wait for a probe to end: its own line for taking all from batch.
const overByTenth = -0.1

// leaveIt is the slack that the law hears of where neighbours are not the reason: a violation that it leaves to sizing and says so. Further
// below, at overByTenth, it would take all from batch whatever the reason.
const leaveIt = -0.05

// decide asks the law, unless it waits for a probe.
func (l *Loop) decide(in *Input, fresh bool, out *Outcome) {
	if l.law == nil {
		return
	}
	o := control.Observation{Now: time.Duration(in.Now.UnixNano()), Domains: l.domains(in)}
	worst := math.Inf(1)
	for i := range l.members {
		m := &l.members[i]
		if m.partition == l.batch && m.reading.Cores != nil {
			o.BatchCPU = new(value(o.BatchCPU) + *m.reading.Cores)
		}
		p := setPoint(in.Spec.Control, membership.Container{Namespace: m.key.Namespace, Pod: m.key.Pod, Name: m.key.Container})
		if p == nil || m.reading.Throttleable {
			continue
		}
		s := control.Service{Name: m.key.String(), Cause: cause(p, &m.reading, l.verdicts[m.key])}
		if fresh {
			s.Slack = slack(p, &m.reading)
		}
		if s.Slack != nil && s.Cause == control.None {
			s.Slack = new(max(*s.Slack, leaveIt))
		}
		if s.Slack != nil {
			worst = min(worst, *s.Slack)
		}
		o.Services = append(o.Services, s)
	}
	if fresh {
		l.status.MilliSlack = milli(worst)
	}
	if l.hold == nil || worst < overByTenth {
		d := l.law.Step(o)
		l.take(in, &d, out)
	}
	if l.hold != nil && !l.disturbs { // a change ends the probe with the next reading
		out.Own = l.own()
	}
	if !math.IsInf(l.setting.BatchCPU, 1) {
		out.Cores[l.batch] = l.setting.BatchCPU
	}
	out.Setting = l.setting
	l.limited = out.Acts && len(out.Cores) > 0
}

// take takes a decision over.
func (l *Loop) take(in *Input, d *control.Decision, out *Outcome) {
	l.blind = ""
	if d.Kind == control.Blind { // without its numbers, which change every second
		l.blind = "no signal of a set-point is read, so ways stay and limits are lifted step by step"
	}
	if !out.Acts { // what it would do from where things are, again and again
		l.law.Adopt(l.start)
		if d.Changed {
			l.status.LastAction, l.status.LastActionTime = fmt.Sprintf("would: %s: %s", d.Kind, d.Action), seconds(in.Now)
		}
		l.setting, l.status.Infeasible = l.start, ""
		return
	}
	out.Moved = d.Changed && (d.Setting.BatchWays != l.setting.BatchWays || d.Setting.BatchBandwidth != l.setting.BatchBandwidth)
	l.setting = d.Setting
	l.status.Infeasible = d.Setting.Infeasible
	if d.Changed {
		l.disturbs = true
		l.status.LastAction = fmt.Sprintf("%s: %s", d.Kind, d.Action)
		l.status.LastActionTime = seconds(in.Now)
	}
}

// own is the limit of the container that attribution holds down.
func (l *Loop) own() map[string]float64 {
	for i := range l.members {
		if l.members[i].key == l.hold.Container {
			return map[string]float64{l.members[i].id: l.hold.Cores}
		}
	}
	return map[string]float64{}
}

// domains are the bandwidths of the cache domains: batch's group, and all others together.
func (l *Loop) domains(in *Input) []control.Domain {
	byID := map[int]*control.Domain{}
	var order []int
	for _, r := range in.Rates {
		if group, monitor, ok := resctrl.ControlGroup(r.Group); !ok || monitor != "" && group != monitor {
			continue // counted in its control group
		}
		d := byID[r.Domain]
		if d == nil {
			d = &control.Domain{ID: r.Domain}
			if in.Spec.Control.PeakMBps != nil {
				d.PeakMBps = float64(*in.Spec.Control.PeakMBps)
			}
			byID[r.Domain], order = d, append(order, r.Domain)
		}
		if r.Total == nil {
			continue
		}
		sum := &d.LatencyMBps
		if r.Group == schemata.Prefix+l.batch {
			sum = &d.BatchMBps
		}
		*sum = new(value(*sum) + *r.Total/1e6)
	}
	slices.Sort(order)
	out := make([]control.Domain, 0, len(order))
	for _, id := range order {
		out = append(out, *byID[id])
	}
	return out
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// show puts together what the object's status says.
func (l *Loop) show(in *Input, out *Outcome) {
	s := l.status
	s.Mode, s.Version = v1alpha1.ControlObserve, in.Spec.Control.Version
	if out.Acts {
		s.Mode = v1alpha1.ControlAct
	}
	s.Batch = cmp.Or(l.problem, words(l.limits, l.setting))
	if l.blind != "" && l.law != nil {
		s.Batch += "; blind: " + l.blind
	}
	if in.NoLimits != "" && l.law != nil {
		s.Batch += "; no CPU limits: " + in.NoLimits
	}
	s.Batch, s.LastAction, s.Infeasible = cut(s.Batch), cut(s.LastAction), cut(s.Infeasible)
	out.Status = &s
	for i := range l.attribution.Findings {
		out.Interference = append(out.Interference, interference(&l.attribution.Findings[i]))
	}
}

// maxText is what the type's sentences may have.
const maxText = 1024

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText-3], "") + "..."
}
