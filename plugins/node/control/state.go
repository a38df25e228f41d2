package control

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// State is all that a law remembers. It holds no infinities, so that it can be written as JSON. Its times are the observations'.
type State struct {
	Now time.Duration `json:"now"`
	// Knobs are cache ways, bandwidth and CPU, in this order.
	Knobs    [knobs]KnobState `json:"knobs"`
	Services []ServiceState   `json:"services,omitempty"`
	// Next is the knob of the growth wheel that comes next.
	Next int `json:"next"`
	// Decided and Guarded are when the ladder and the bandwidth were looked at; Moved is the last change of a knob, from which growth
	// counts its clean periods; readings before Judge show the setting before; LastReading is that of any service.
	Decided     time.Duration `json:"decided"`
	Guarded     time.Duration `json:"guarded"`
	Moved       time.Duration `json:"moved"`
	Judge       time.Duration `json:"judge"`
	LastReading time.Duration `json:"lastReading"`
	// HoldUntil ends a cool-down, which lasted Cooldown and began at Emergency. EvictAfter is the earliest time of the next eviction.
	HoldUntil  time.Duration `json:"holdUntil"`
	Emergency  time.Duration `json:"emergency"`
	Cooldown   time.Duration `json:"cooldown"`
	EvictAfter time.Duration `json:"evictAfter"`
	// Calm is the worst mean slack soon after the last change, which was at CalmFrom: a slack that is clearly better with nothing changed
	// shows that the load has.
	Calm     float64       `json:"calm"`
	CalmFrom time.Duration `json:"calmFrom"`
	// Shrinks counts those in a row without recovery.
	Shrinks    int    `json:"shrinks"`
	Infeasible string `json:"infeasible,omitempty"`

	trial *trial // a growth that is not verified yet; not saved
}

// KnobState is what batch has of one thing, and what is remembered about it.
type KnobState struct {
	// Value in force; the greatest means no limit.
	Value float64 `json:"value"`
	// Mark is the value that violated (Ceiling), or the one that batch had before it was cut for another reason; 0: none.
	Mark    float64 `json:"mark"`
	Ceiling bool    `json:"ceiling"`
	// MarkedAt and MarkFor say how long a ceiling holds.
	MarkedAt time.Duration `json:"markedAt"`
	MarkFor  time.Duration `json:"markFor"`
	// HoldUntil keeps a knob whose growth did harm from being grown.
	HoldUntil time.Duration `json:"holdUntil"`
}

// Law is the control law with its state.
type Law struct {
	limits Limits
	params Params
	bounds [knobs]bound
	state  State
	begun  bool
}

// New makes a law for a machine where start is in force: what the groups and quotas of a running node say, so that a restart without a
// saved state keeps what protects, and frees what throttles only by the growth path. Limits that make no sense are an error that names
// the field.
func New(limits Limits, params Params, start Setting) (*Law, error) {
	b, err := limits.bounds()
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	l := &Law{limits: limits, params: params, bounds: b}
	l.Adopt(start)
	return l, nil
}

// Restore makes a law that goes on from a saved state, whatever the clock of the next observation says: the time between counts as
// none. A trial under way is forgotten, and so are the readings: growth waits for 4 clean periods.
func Restore(limits Limits, params Params, saved State) (*Law, error) {
	l, err := New(limits, params, Setting{})
	if err != nil {
		return nil, err
	}
	l.state = saved.clone()
	s := &l.state
	for k := range knobs {
		s.Knobs[k].sane(l.bounds[k], k)
	}
	if len(s.Services) > maxServices {
		s.Services = s.Services[:maxServices]
	}
	slices.SortFunc(s.Services, func(a, b ServiceState) int { return compare(a.Name, b.Name) })
	for i := range s.Services {
		s.Services[i].Readings = nil
		for _, known := range []*[knobs]float64{&s.Services[i].Slopes, &s.Services[i].Rates} {
			for k, v := range known {
				if !(v > 0 && v < math.MaxFloat64) {
					known[k] = 0
				}
			}
		}
	}
	s.Shrinks = max(s.Shrinks, 0)
	s.Next = min(max(s.Next, 0), int(knobs)-1)
	s.Cooldown = min(max(s.Cooldown, 0), longCooldown)
	s.HoldUntil = min(s.HoldUntil, s.Now+longCooldown)
	s.EvictAfter = min(s.EvictAfter, s.Now+longCooldown)
	s.Moved, s.Judge, s.LastReading, s.CalmFrom = s.Now, s.Now, s.Now, s.Now-1 // which is no change: measured anew
	return l, nil
}

// Adopt takes over what is in force where it is not what was decided: the kernel rounded, an apply failed, somebody changed it. A value
// outside of the limits counts as the nearest inside; a quota of 0 or NaN as the floor.
func (l *Law) Adopt(s Setting) {
	for k, v := range [knobs]float64{float64(s.BatchWays), float64(s.BatchBandwidth), s.BatchCPU} {
		l.state.Knobs[k].Value = l.bounds[k].clamp(knob(k), v)
	}
	l.state.trial = nil
}

// State is a copy of all that the law remembers.
func (l *Law) State() State { return l.state.clone() }

func (s State) clone() State {
	s.Services = slices.Clone(s.Services)
	for i := range s.Services {
		s.Services[i].Readings = slices.Clone(s.Services[i].Readings)
	}
	s.trial = nil
	return s
}

// sane brings what was saved for a knob into the machine's limits, which may be others than then.
func (s *KnobState) sane(b bound, k knob) {
	s.Value = b.clamp(k, s.Value)
	if !(s.Mark > 0 && s.Mark <= b.max) || s.MarkFor <= 0 || s.MarkFor > longMemory {
		s.forget()
	}
}

func (s *KnobState) forget() {
	s.Mark, s.Ceiling, s.MarkedAt, s.MarkFor = 0, false, 0, 0
}

// begin fits the law's times to the observation's clock where that began anew: at the first call after a start, or when it went back.
func (l *Law) begin(now time.Duration) {
	s := &l.state
	if l.begun && now >= s.Now {
		s.Now = now
		return
	}
	shift := now - s.Now
	times := []*time.Duration{
		&s.Decided, &s.Guarded, &s.Moved, &s.Judge, &s.LastReading, &s.HoldUntil, &s.Emergency, &s.EvictAfter,
		&s.CalmFrom,
	}
	for k := range s.Knobs {
		times = append(times, &s.Knobs[k].MarkedAt, &s.Knobs[k].HoldUntil)
	}
	for i := range s.Services {
		for j := range s.Services[i].Readings {
			times = append(times, &s.Services[i].Readings[j].At)
		}
	}
	for _, t := range times {
		*t += shift
	}
	s.Now = now
	if !l.begun {
		s.Decided, s.Guarded = now-Period, now-GuardPeriod
	}
	l.begun = true
}
