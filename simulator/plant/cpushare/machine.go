package cpushare

import (
	"fmt"
	"math"
)

// Machine is one machine's CPU. Make one with New; it is not safe for concurrent use. The times passed to its methods must not
// decrease and not pass Next.
type Machine struct {
	cores float64
	now   float64
	// level is θ, in cores per unit of weight, while the machine is contended; else it is +Inf. turn is its integral over that time.
	level, turn float64
	// wanted is the number of cores that all pods together could use now. It is a sum of whole numbers, hence exact.
	wanted float64
	lanes  []lane
	pods   []pod
	free   []int
	// next is the time of the next event and nextSlot the pod it belongs to.
	next      float64
	nextSlot  int
	stale     bool // something changed since next was computed
	contended float64
}

// lane is the part of a pod that every pass over a machine reads.
type lane struct {
	cap    float64 // cores it can use: its runnable threads, 0 while throttled
	weight float64
	due    float64 // next completion or end of quota: a reading of the turn while sharing, else a time
	timer  float64 // end of the current bandwidth period, +Inf without one
	// sharing says that the pod gets level × weight, less than cap; else it gets cap.
	sharing bool
}

// New returns a machine of the given number of cores, above 0, at time 0.
func New(cores float64) (*Machine, error) {
	if !(cores > 0) || math.IsInf(cores, 1) {
		return nil, fmt.Errorf("cores is %v, expected a finite number above 0", cores)
	}
	return &Machine{cores: cores, level: math.Inf(1), next: math.Inf(1), nextSlot: -1}, nil
}

// Cores returns the machine's size.
func (m *Machine) Cores() float64 { return m.cores }

// Contended returns the seconds, up to the given time, in which more threads were runnable than there are cores.
func (m *Machine) Contended(now float64) float64 {
	m.settle()
	if math.IsInf(m.level, 1) {
		return m.contended
	}
	return m.contended + max(0, now-m.now)
}

// Next returns the time of the machine's next event, +Inf when nothing is going to happen by itself.
func (m *Machine) Next() float64 {
	m.settle()
	return m.next
}

// advance moves the machine's clocks. Pods are brought up to date one by one, when touched.
func (m *Machine) advance(now float64) {
	dt := now - m.now
	if dt <= 0 {
		return
	}
	if !math.IsInf(m.level, 1) {
		m.turn += m.level * dt
		m.contended += dt
	}
	m.now = now
}

// begin prepares a change of a pod at a time: everything until then is accounted at the old rates.
func (m *Machine) begin(now float64, slot int) *pod {
	if now > m.now { // between changes at one time nothing passes, so that rates do not matter yet
		m.settle()
		m.advance(now)
	}
	m.touch(slot)
	m.stale = true
	return &m.pods[slot]
}

// settle computes rates and the next event after changes.
func (m *Machine) settle() {
	if !m.stale {
		return
	}
	m.stale = false
	level := math.Inf(1)
	if m.wanted > m.cores {
		level = waterLevel(m.lanes, m.cores, m.level)
	}
	if !math.IsInf(level, 1) || !math.IsInf(m.level, 1) {
		for i := range m.lanes {
			l := &m.lanes[i]
			if sharing := l.cap > level*l.weight; sharing != l.sharing {
				m.touch(i)
				l.sharing = sharing
				m.schedule(i)
			}
		}
	}
	m.level = level
	m.findNext()
}

// findNext finds the earliest event. The order of pods breaks ties.
func (m *Machine) findNext() {
	next, slot := math.Inf(1), -1
	inverse := 1 / m.level
	for i := range m.lanes {
		l := &m.lanes[i]
		t := l.due
		if l.sharing {
			t = m.now + (t-m.turn)*inverse
		}
		if t = min(t, l.timer); t < next {
			next, slot = t, i
		}
	}
	m.next, m.nextSlot = max(next, m.now), slot
}

// waterLevel returns θ with Σ min(cap, θ weight) = cores, given that Σ cap > cores. The sum is concave and piecewise linear in θ, so
// Newton's method ends after at most one step per pod; from the last level it mostly takes one or two.
func waterLevel(lanes []lane, cores, start float64) float64 {
	level := start
	for range len(lanes) + 3 { // from the right of the root one or two steps, then at most one a piece
		var filled, weight float64
		for i := range lanes {
			if l := &lanes[i]; l.cap <= level*l.weight {
				filled += l.cap
			} else {
				weight += l.weight
			}
		}
		if weight == 0 { // right of all pieces: start where no pod is filled
			level = 0
			continue
		}
		next := (cores - filled) / weight
		if next == level {
			break
		}
		level = next
	}
	return level
}
