package redivision

import (
	"encoding/json"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Redivision is what a canary node tries out and has found. The zero value has tried nothing.
type Redivision struct {
	machine *canary.Machine
	last    canary.Decision
	spec    string // the text of the partitions that the decision is for
}

// Service is a container with a set-point.
type Service struct {
	Partition string
	// Slack is (target - signal) / target of a new reading; nil: there is no new one, or it was not read. Own says that neighbours have no part
	// in it: then it is not for other shares to cure.
	Slack *float64
	Own   bool
	// Cores are what it uses; nil: not known.
	Cores *float64
}

// Input is what a second goes on.
type Input struct {
	Now time.Time
	// Allowed says that the spec allows trials, the loop acts, and it has a law.
	Allowed bool
	Spec    *v1alpha1.NodeIsolationSpec
	// Capacity is nil where the tree is away.
	Capacity *schemata.Capacity
	// Refused is why the last setting is not in force; empty: it is.
	Refused  string
	Services []Service
	// Limits and Setting are those of the law after its step.
	Limits  control.Limits
	Setting control.Setting
}

// Running says that a trial is in force: the law is to look after bandwidth only, and nobody is to be probed.
func (r *Redivision) Running() bool { return r.last.Running }

// Step is one second.
func (r *Redivision) Step(in Input) canary.Decision {
	if !in.Allowed {
		changed := r.last.Setting != nil
		if r.machine != nil { // it forgets all but how often it searched lately
			r.machine.Step(canary.Input{Now: time.Duration(in.Now.UnixNano())})
		}
		*r = Redivision{machine: r.machine}
		return canary.Decision{Changed: changed}
	}
	text, err := json.Marshal(in.Spec.Partitions)
	if err != nil || in.Capacity == nil { // the tree is away for a moment: nothing can be tried, and what was found is for this spec alone
		changed := r.last.Setting != nil && r.spec != string(text)
		if changed {
			r.last.Setting = nil
		}
		r.last.Running, r.last.Changed = false, changed
		return r.last
	}
	if r.machine == nil {
		r.machine = canary.New(uint64(in.Now.UnixNano()))
	}
	r.spec = string(text)
	r.last = r.machine.Step(r.ask(&in))
	return r.last
}

// ask is what package canary goes by: the partitions of role Latency in which a container has a set-point.
func (r *Redivision) ask(in *Input) canary.Input {
	ask := canary.Input{
		Now: time.Duration(in.Now.UnixNano()), Allowed: true, Limits: Limits(in.Capacity), Spec: r.spec, Refused: in.Refused,
		Batch: canary.Batch{AtMinimum: atMinimum(&in.Limits, &in.Setting)},
	}
	if w := in.Limits.Ways; w != nil {
		ask.Batch.Given.Ways, ask.Batch.Has.Ways = w.Max, in.Setting.BatchWays
	}
	if b := in.Limits.Bandwidth; b != nil {
		ask.Batch.Given.Bandwidth, ask.Batch.Has.Bandwidth = b.Max, in.Setting.BatchBandwidth
	}
	for i := range in.Spec.Partitions {
		p := &in.Spec.Partitions[i]
		if p.Role != v1alpha1.RoleLatency {
			continue
		}
		if q := together(in.Services, p.Name); q.Services > 0 {
			q.Given = Given(p, in.Capacity)
			ask.Partitions = append(ask.Partitions, q)
		}
	}
	return ask
}

// together are the services of a partition: the worst slack, and all the CPU that they use.
func together(services []Service, partition string) canary.Partition {
	q := canary.Partition{Name: partition}
	for i := range services {
		s := &services[i]
		if s.Partition != partition {
			continue
		}
		q.Services++
		if s.Cores != nil {
			sum := *s.Cores
			if q.Load != nil {
				sum += *q.Load
			}
			q.Load = &sum
		}
		if s.Slack == nil {
			continue
		}
		v := *s.Slack
		if s.Own {
			v = max(v, 0)
		}
		if q.Slack == nil || v < *q.Slack {
			q.Slack = &v
		}
	}
	return q
}

// atMinimum says that the law can take nothing more from batch.
func atMinimum(l *control.Limits, s *control.Setting) bool {
	const rounding = 1 + 1e-6
	return s.Infeasible != "" || (l.Ways == nil || s.BatchWays <= l.Ways.Min) &&
		(l.Bandwidth == nil || s.BatchBandwidth < l.Bandwidth.Min+l.Bandwidth.Step) && (l.CPU == nil || s.BatchCPU <= l.CPU.Floor*rounding)
}
