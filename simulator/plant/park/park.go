// Package park is the machines that a simulation runs on and the pods on them: who shares a machine with whom, how fast that lets
// each run, and when the next piece of CPU work is done. It puts package cpushare's machines on one clock and sets the speed of
// their pods from the mix of each machine. Times are seconds, CPU is in cores, work in core-seconds at speed 1.
//
// A pod's speed is the performance of its class in the mix of its machine, by Interference, times the pod's own factor. The
// mix counts the pods that are there, busy or not: that is what Interference tells of.
package park

import (
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/cpushare"
	"github.com/ballast-k8s/ballast/simulator/plant/eventlist"
)

// Interference says how fast pods run beside each other. Every plant.Truth is one.
type Interference interface {
	// Classes are the class names, in the order of counts.
	Classes() []string
	// Performance returns the speed of one pod of each class when counts pods of each share a machine, 1 = alone, above 0 where the
	// count is. An error says that there is no such mix, which makes the command fail that would lead to it.
	Performance(counts []int) ([]float64, error)
}

// MachineSpec is a machine.
type MachineSpec struct {
	// Name is unique.
	Name string
	// Cores is what its pods share, above 0.
	Cores float64
}

// MachineStats are a machine's totals since the start.
type MachineStats struct {
	Name  string
	Cores float64
	Pods  int
	// BusySeconds is the CPU time that its pods obtained, those that have left included, in core-seconds.
	BusySeconds float64
	// ContendedSeconds is the time in which more threads were runnable than there are cores.
	ContendedSeconds float64
}

// Park is the machines. Make one with New. The times given to its methods must not decrease nor pass that of Next.
type Park struct {
	truth    Interference
	machines []machine
	pods     []pod
	agenda   eventlist.Agenda
	dirty    []int // machines that something changed on
}

type machine struct {
	cpu    *cpushare.Machine
	name   string
	dirty  bool
	pods   int
	counts []int   // pods of each class
	gone   float64 // CPU seconds of pods that have left
}

type pod struct {
	machine, slot, class int
	gone                 bool
	settings             cpushare.Settings
	factor, speed        float64
	final                cpushare.Usage // once it is gone
}

// New checks the machines and returns them empty. A nil truth is one without interference.
func New(specs []MachineSpec, truth Interference) (*Park, error) {
	if len(specs) == 0 {
		return nil, fmt.Errorf("field Machines is empty, expected at least one")
	}
	p := &Park{truth: truth, agenda: eventlist.NewAgenda(len(specs))}
	classes := 0
	if truth != nil {
		classes = len(truth.Classes())
	}
	for _, spec := range specs {
		if spec.Name == "" || p.find(spec.Name) >= 0 {
			return nil, fmt.Errorf("machine name %q is empty or there twice, expected unique names", spec.Name)
		}
		cpu, err := cpushare.New(spec.Cores)
		if err != nil {
			return nil, fmt.Errorf("machine %q: %w", spec.Name, err)
		}
		p.machines = append(p.machines, machine{cpu: cpu, name: spec.Name, counts: make([]int, classes)})
	}
	return p, nil
}

func (p *Park) find(name string) int {
	return slices.IndexFunc(p.machines, func(m machine) bool { return m.name == name })
}

// Class returns the number of a class, -1 for the empty name and where there is no interference.
func (p *Park) Class(name string) (int, error) {
	if p.truth == nil || name == "" {
		return -1, nil
	}
	if i := slices.Index(p.truth.Classes(), name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("class is %q, expected one of %v or none", name, p.truth.Classes())
}

// Next returns the time of the next event of any machine, +Inf without one.
func (p *Park) Next() float64 {
	for _, i := range p.dirty {
		p.machines[i].dirty = false
		p.agenda.Set(i, p.machines[i].cpu.Next())
	}
	p.dirty = p.dirty[:0]
	at, _ := p.agenda.Next()
	return at
}

// Fire handles the event at Next, which must have been called after the last change. It returns the id of the work that was done, or
// false where the event was one of bandwidth control.
func (p *Park) Fire() (id int32, ended bool) {
	_, m := p.agenda.Next()
	return p.touched(m).Fire()
}

// touched returns a machine's CPU to change it.
func (p *Park) touched(i int) *cpushare.Machine {
	m := &p.machines[i]
	if !m.dirty {
		m.dirty = true
		p.dirty = append(p.dirty, i)
	}
	return m.cpu
}

// Start gives a pod work to do; the id comes back from Fire.
func (p *Park) Start(now float64, id int, workSeconds float64, job int32) {
	pod := &p.pods[id]
	p.touched(pod.machine).Start(now, pod.slot, workSeconds, job)
}

// Spin sets the number of a pod's threads that always want CPU.
func (p *Park) Spin(now float64, id, threads int) {
	pod := &p.pods[id]
	p.touched(pod.machine).Spin(now, pod.slot, threads)
}

// Resize changes a pod's request and limit in place.
func (p *Park) Resize(now float64, id int, requestCores, limitCores float64) error {
	pod := &p.pods[id]
	settings := pod.settings
	settings.RequestCores, settings.LimitCores = requestCores, limitCores
	if err := p.touched(pod.machine).Resize(now, pod.slot, settings); err != nil {
		return err
	}
	pod.settings = settings
	return nil
}

// SetFactor sets a pod's own factor of speed, above 0; 1 = none.
func (p *Park) SetFactor(now float64, id int, factor float64) error {
	if !(factor > 0) || math.IsInf(factor, 1) {
		return fmt.Errorf("factor is %v, expected a finite number above 0", factor)
	}
	pod := &p.pods[id]
	speed := pod.speed / pod.factor * factor
	if err := p.setSpeed(now, id, speed); err != nil {
		return err
	}
	pod.factor = factor
	return nil
}
