package park

import (
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/cpushare"
)

// Place puts a pod on a machine and returns its number: 0, 1, 2 and so on, not used again. It fails, and changes nothing, on an
// unknown machine or class, settings out of range, and a mix for which there is no interference.
func (p *Park) Place(now float64, machineName, className string, settings cpushare.Settings) (int, error) {
	class, err := p.Class(className)
	if err != nil {
		return 0, err
	}
	m, speeds, err := p.room(machineName, class)
	if err != nil {
		return 0, err
	}
	slot, err := p.touched(m).Add(now, settings)
	if err != nil {
		return 0, err
	}
	p.pods = append(p.pods, pod{machine: m, slot: slot, class: class, settings: settings, factor: 1, speed: 1})
	p.machines[m].pods++
	if err := p.changeMix(now, m, class, 1, speeds); err != nil {
		return 0, err
	}
	return len(p.pods) - 1, nil
}

// Room reports why a pod could not move to a machine, nil if it can. To stay on the same machine is always possible.
func (p *Park) Room(id int, machineName string) error {
	if p.machines[p.pods[id].machine].name == machineName {
		return nil
	}
	_, _, err := p.room(machineName, p.pods[id].class)
	return err
}

func (p *Park) room(machineName string, class int) (at int, speeds []float64, err error) {
	if at = p.find(machineName); at < 0 {
		return 0, nil, fmt.Errorf("field Machine is %q, which there is not", machineName)
	}
	speeds, err = p.speeds(at, class, 1)
	return at, speeds, err
}

// Remove takes a pod away with its work. It fails if interference has no answer for the mix that is left, which then keeps its speeds.
func (p *Park) Remove(now float64, id int) error {
	pod := &p.pods[id]
	pod.gone = true
	pod.final = p.touched(pod.machine).Remove(now, pod.slot)
	m := &p.machines[pod.machine]
	m.pods--
	m.gone += pod.final.CPUSeconds
	speeds, err := p.speeds(pod.machine, pod.class, -1)
	if change := p.changeMix(now, pod.machine, pod.class, -1, speeds); err == nil {
		err = change
	}
	return err
}

// speeds returns the performance of each class on a machine with a pod more or less of a class; nil for a pod without a class.
func (p *Park) speeds(at, class, change int) ([]float64, error) {
	if class < 0 {
		return nil, nil
	}
	counts := slices.Clone(p.machines[at].counts)
	counts[class] += change
	performance, err := p.truth.Performance(counts)
	if err != nil {
		return nil, fmt.Errorf("machine %q: %w", p.machines[at].name, err)
	}
	for i, n := range counts {
		if n > 0 && (i >= len(performance) || !(performance[i] > 0) || math.IsInf(performance[i], 1)) {
			return nil, fmt.Errorf("machine %q: interference gives no speed above 0 for %q in mix %v", p.machines[at].name,
				p.truth.Classes()[i], counts)
		}
	}
	return performance, nil
}

// changeMix counts a pod more or less of a class and, with speeds, makes them real.
func (p *Park) changeMix(now float64, at, class, change int, speeds []float64) error {
	if class < 0 {
		return nil
	}
	p.machines[at].counts[class] += change
	if speeds == nil {
		return nil
	}
	for id := range p.pods {
		if pod := &p.pods[id]; pod.machine == at && pod.class >= 0 && !pod.gone {
			if err := p.setSpeed(now, id, speeds[pod.class]*pod.factor); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Park) setSpeed(now float64, id int, speed float64) error {
	pod := &p.pods[id]
	if speed == pod.speed {
		return nil
	}
	if err := p.touched(pod.machine).SetSpeed(now, pod.slot, speed); err != nil {
		return fmt.Errorf("pod %d: %w", id, err)
	}
	pod.speed = speed
	return nil
}

// Usage returns a pod's totals, the last ones of a pod that is gone.
func (p *Park) Usage(now float64, id int) cpushare.Usage {
	pod := &p.pods[id]
	if pod.gone {
		return pod.final
	}
	return p.machines[pod.machine].cpu.Usage(now, pod.slot)
}

// Placement returns where a pod is or was, how it is set, its class by name, and the speed in force.
func (p *Park) Placement(id int) (machineName, class string, settings cpushare.Settings, speed float64) {
	pod := &p.pods[id]
	if pod.class >= 0 {
		class = p.truth.Classes()[pod.class]
	}
	return p.machines[pod.machine].name, class, pod.settings, pod.speed
}

// Machines returns the totals of all machines, in the order in which they were given.
func (p *Park) Machines(now float64) []MachineStats {
	out := make([]MachineStats, len(p.machines))
	for i := range p.machines {
		m := &p.machines[i]
		out[i] = MachineStats{m.name, m.cpu.Cores(), m.pods, m.gone, m.cpu.Contended(now)}
	}
	for id := range p.pods {
		if pod := &p.pods[id]; !pod.gone {
			out[pod.machine].BusySeconds += p.Usage(now, id).CPUSeconds
		}
	}
	return out
}
