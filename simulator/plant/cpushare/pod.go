package cpushare

import (
	"fmt"
	"math"
)

// MinWeight is the weight of a pod that requests nothing, in cores: the kubelet gives it 2 CPU shares of 1,024 a core (MinShares in
// pkg/kubelet/cm).
const MinWeight = 2.0 / 1024

// Settings are what can be set of a pod.
type Settings struct {
	// RequestCores is the CPU request, which is the weight; below MinWeight it counts as MinWeight.
	RequestCores float64
	// LimitCores is the CPU limit, 0 for none.
	LimitCores float64
	// Threads is the number of cores that the pod can use at once; 0 = as many as it has jobs.
	Threads int
}

// Validate reports the first field that is out of range.
func (s Settings) Validate() error {
	switch {
	case !(s.RequestCores >= 0) || math.IsInf(s.RequestCores, 1):
		return fmt.Errorf("field RequestCores is %v, expected a finite number of at least 0", s.RequestCores)
	case s.LimitCores != 0 && !(s.LimitCores >= minLimit) || math.IsInf(s.LimitCores, 1):
		return fmt.Errorf("field LimitCores is %v, expected 0 for none or at least %v", s.LimitCores, minLimit)
	case s.Threads < 0:
		return fmt.Errorf("field Threads is %d, expected 0 for any number or more", s.Threads)
	}
	return nil
}

// Usage is what a pod got and was denied since it was added.
type Usage struct {
	// CPUSeconds is the CPU time obtained, in core-seconds; WorkSeconds is that times the speed at which it ran.
	CPUSeconds, WorkSeconds float64
	// RunQueueSeconds is the time that runnable threads waited for a core, summed over threads.
	RunQueueSeconds float64
	// SomeSeconds and FullSeconds are the CPU pressure totals.
	SomeSeconds, FullSeconds float64
	// ThrottledSeconds is the time in which the limit kept runnable threads from running; Periods and ThrottledPeriods are the
	// kernel's nr_periods and nr_throttled. All are 0 without a limit.
	ThrottledSeconds          float64
	Periods, ThrottledPeriods uint64
}

// pod is the part of a pod that only its own events read.
type pod struct {
	jobs    []job // a heap by end
	clock   float64
	speed   float64
	threads int
	spin    int     // threads that always want CPU
	active  float64 // runnable threads, at most threads: cap without throttling
	some    float64 // the factor f of pressure for this number of threads

	at, turn float64 // when the pod was last brought up to date, in seconds and as a reading of the machine's turn

	limit, quota, used, origin float64 // bandwidth: cores, core-seconds a period, used in this period, a time at which a period began
	passed                     int64   // periods since origin; a count, so that the grid does not drift
	throttled, ends            bool    // ends says that due is the end of the quota

	usage Usage
}

// job is work in service.
type job struct {
	end float64 // reading of the pod's clock at which it is done
	id  int32
}

// Add puts a pod on the machine and returns its slot, by which the other methods know it. Slots of removed pods are used again.
func (m *Machine) Add(now float64, s Settings) (int, error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	slot := len(m.pods)
	if n := len(m.free); n > 0 {
		slot, m.free = m.free[n-1], m.free[:n-1]
	} else {
		m.pods, m.lanes = append(m.pods, pod{}), append(m.lanes, lane{})
		m.stale = true
	}
	m.pods[slot] = pod{speed: 1}
	m.lanes[slot] = lane{due: math.Inf(1), timer: math.Inf(1)}
	p := m.begin(now, slot)
	p.origin = now
	m.set(slot, s)
	return slot, nil
}

// Remove takes a pod off the machine, with its jobs. The slot is no longer valid.
func (m *Machine) Remove(now float64, slot int) Usage {
	p := m.begin(now, slot)
	m.wanted -= m.lanes[slot].cap
	m.lanes[slot] = lane{due: math.Inf(1), timer: math.Inf(1)}
	usage := p.usage
	*p = pod{}
	m.free = append(m.free, slot)
	return usage
}

// Resize changes request, limit and threads in place. A change of the limit refills the quota of the current period, as the
// kernel does on a write to cpu.max.
func (m *Machine) Resize(now float64, slot int, s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	m.begin(now, slot)
	m.set(slot, s)
	return nil
}

func (m *Machine) set(slot int, s Settings) {
	p, l := &m.pods[slot], &m.lanes[slot]
	l.weight = max(s.RequestCores, MinWeight)
	p.threads = s.Threads
	if s.LimitCores != p.limit {
		p.limit, p.quota, p.used, p.throttled = s.LimitCores, s.LimitCores*period, 0, false
		if p.limit == 0 {
			l.timer = math.Inf(1)
		}
	}
	m.recount(slot)
}

// SetSpeed sets the speed of a pod's work, 1 as when alone, above 0. It is what interference, frequency or a cache partition change.
func (m *Machine) SetSpeed(now float64, slot int, speed float64) error {
	if !(speed > 0) || math.IsInf(speed, 1) {
		return fmt.Errorf("speed is %v, expected a finite number above 0", speed)
	}
	m.begin(now, slot).speed = speed
	m.schedule(slot)
	return nil
}

// Spin sets the number of a pod's threads that always want CPU, at least 0, beside its jobs.
func (m *Machine) Spin(now float64, slot, threads int) {
	m.begin(now, slot).spin = max(threads, 0)
	m.recount(slot)
}

// Start gives a pod a job of the given work, in core-seconds at speed 1, at least 0. The id comes back from Fire; it need not be unique.
func (m *Machine) Start(now float64, slot int, workSeconds float64, id int32) {
	p := m.begin(now, slot)
	if len(p.jobs) == 0 {
		p.clock = 0 // keeps the clock small, and its readings precise
	}
	p.push(job{p.clock + workSeconds, id})
	m.recount(slot)
}

// Runnable returns the number of a pod's runnable threads, those beyond Threads included.
func (m *Machine) Runnable(slot int) int { return m.pods[slot].spin + len(m.pods[slot].jobs) }

// Rate returns the cores that a pod gets at present.
func (m *Machine) Rate(slot int) float64 {
	m.settle()
	if l := &m.lanes[slot]; l.sharing {
		return m.level * l.weight
	}
	return m.lanes[slot].cap
}

// Usage returns a pod's totals up to the given time, which is at most Next. Looking changes nothing, not even by rounding.
func (m *Machine) Usage(now float64, slot int) Usage {
	m.settle()
	p, turn := m.pods[slot], m.turn
	if dt := now - m.now; dt > 0 && !math.IsInf(m.level, 1) {
		turn += m.level * dt
	}
	p.account(&m.lanes[slot], max(now, m.now), turn, m.cores)
	return p.usage
}

// push and pop keep jobs a heap by end; equal ends leave in an order that depends on nothing but the calls made.
func (p *pod) push(j job) {
	p.jobs = append(p.jobs, j)
	i := len(p.jobs) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if p.jobs[parent].end <= j.end {
			break
		}
		p.jobs[i] = p.jobs[parent]
		i = parent
	}
	p.jobs[i] = j
}

func (p *pod) pop() job {
	first := p.jobs[0]
	n := len(p.jobs) - 1
	last := p.jobs[n]
	p.jobs = p.jobs[:n]
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && p.jobs[child+1].end < p.jobs[child].end {
			child++
		}
		if last.end <= p.jobs[child].end {
			break
		}
		p.jobs[i] = p.jobs[child]
		i = child
	}
	if n > 0 {
		p.jobs[i] = last
	}
	return first
}
