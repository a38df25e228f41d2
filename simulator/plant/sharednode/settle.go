package sharednode

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode/fluidqueue"
)

// settleRounds of settleSeconds each are a state's settling: ten time constants of the cache. These steps come to the same as the plant's own
// (tested); with some of more than a second, services and jobs take cores from each other in turn and never settle.
const (
	settleRounds  = 40
	settleSeconds = 0.5
)

// Steady finds what constant conditions under constant settings come to, without noise; phases that alternate are on. It is the
// plant itself, run on: no formula of its own.
type Steady struct {
	machine    Machine
	services   []Service
	jobs       []Job
	conditions Conditions
}

// NewSteady makes one for a node's containers.
func NewSteady(machine Machine, services []Service, jobs []Job, conditions Conditions) (*Steady, error) {
	s := &Steady{machine: machine, services: services, jobs: slices.Clone(jobs), conditions: conditions}
	for j := range s.jobs {
		s.jobs[j].Phases = slices.Clone(s.jobs[j].Phases)
		for p := range s.jobs[j].Phases {
			s.jobs[j].Phases[p].OffSeconds = 0
		}
	}
	n, err := New(machine, s.services, s.jobs, nil)
	if err != nil {
		return nil, err
	}
	return s, n.Change(conditions)
}

// At returns each service's 99th percentile of latency in seconds, and the batch work (see Node.Work).
func (s *Steady) At(setting Setting) (p99 []float64, work float64) {
	n, err := New(s.machine, s.services, s.jobs, nil)
	if err != nil || n.Change(s.conditions) != nil { // NewSteady has looked
		return nil, 0
	}
	n.Apply(setting)
	for range settleRounds {
		n.Advance(settleSeconds)
	}
	for i := range s.services {
		p99 = append(p99, fluidqueue.Percentile(n.Latency(i)))
	}
	return p99, n.Work()
}

// Slack is the least slack under a setting, and the work.
func (s *Steady) Slack(setting Setting) (slack, work float64) {
	p99, work := s.At(setting)
	slack = math.Inf(1)
	for i, x := range p99 {
		slack = math.Min(slack, (s.services[i].TargetSeconds-x)/s.services[i].TargetSeconds)
	}
	return slack, work
}
