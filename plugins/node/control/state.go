package control

import (
	"fmt"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/growth"
	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// State is all that a law remembers. It holds no infinities, so that it can be written as JSON. Its times are the observations'.
type State struct {
	Now time.Duration `json:"now"`
	// Knobs are cache ways, bandwidth and CPU, in this order.
	Knobs    [knob.Count]knob.State `json:"knobs"`
	Services readings.Services      `json:"services,omitempty"`
	// Next is the knob of the growth wheel that comes next.
	Next int `json:"next"`
	// Decided and Guarded are when the ladder and the bandwidth were looked at; Moved is the last change of a knob, from which growth
	// counts its clean periods; readings before Judge show the setting before; LastReading is that of any service.
	Decided     time.Duration `json:"decided"`
	Guarded     time.Duration `json:"guarded"`
	Moved       time.Duration `json:"moved"`
	Judge       time.Duration `json:"judge"`
	LastReading time.Duration `json:"lastReading"`
	// HeldUntil is until when readings are those of a batch that something else holds down, see [Law.Guard].
	HeldUntil time.Duration `json:"heldUntil"`
	// HoldUntil ends a cool-down, which lasted Cooldown and began at Emergency. EvictAfter is the earliest time of the next eviction.
	HoldUntil  time.Duration `json:"holdUntil"`
	Emergency  time.Duration `json:"emergency"`
	Cooldown   time.Duration `json:"cooldown"`
	EvictAfter time.Duration `json:"evictAfter"`
	// OwnUntil is until when a service that nobody disturbs is left to sizing: less CPU of batch did not help.
	// OwnSlack is how far it was over then.
	OwnUntil time.Duration `json:"ownUntil"`
	OwnSlack float64       `json:"ownSlack"`
	// Calm is the worst mean slack soon after the last change, which was at CalmFrom: a slack that is clearly better with nothing changed
	// shows that the load has.
	Calm     float64       `json:"calm"`
	CalmFrom time.Duration `json:"calmFrom"`
	// Shrinks counts those in a row without recovery.
	Shrinks    int    `json:"shrinks"`
	Infeasible string `json:"infeasible,omitempty"`
	// Idle is what is known of ways of which batch had nothing.
	Idle growth.Idle `json:"idle"`

	trial *growth.Trial // a growth that is not verified yet; not saved
	given *growth.Trial // the last growth, until it is known what batch has of it; not saved
	pace  readings.Progress
	own   *ownCase      // a violation that nobody is to blame for
	fall  *growth.Trial // the last cut of CPU, of which nothing has been learnt yet; not saved
}

// Law is the control law with its state.
type Law struct {
	params Params
	bounds [knob.Count]knob.Range
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
	l := &Law{params: params, bounds: b}
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
	for k := range knob.Count {
		s.Knobs[k].Sane(l.bounds[k])
	}
	s.Services.Restore()
	s.Shrinks = max(s.Shrinks, 0)
	s.Next = min(max(s.Next, 0), int(knob.Count)-1)
	s.Cooldown = min(max(s.Cooldown, 0), longCooldown)
	s.HoldUntil = min(s.HoldUntil, s.Now+longCooldown)
	s.HeldUntil, s.OwnUntil = min(s.HeldUntil, s.Now), min(s.OwnUntil, s.Now+knob.Memory)
	s.Idle.Sane()
	s.EvictAfter = min(s.EvictAfter, s.Now+longCooldown)
	s.Moved, s.Judge, s.LastReading, s.CalmFrom = s.Now, s.Now, s.Now, s.Now-1 // which is no change: measured anew
	return l, nil
}

// Adopt takes over what is in force where it is not what was decided: the kernel rounded, an apply failed, somebody changed it. A value
// outside of the limits counts as the nearest inside; a quota of 0 or NaN as the floor.
func (l *Law) Adopt(s Setting) {
	for k, v := range [knob.Count]float64{float64(s.BatchWays), float64(s.BatchBandwidth), s.BatchCPU} {
		l.state.Knobs[k].Value = l.bounds[k].Clamp(v)
	}
	l.state.trial, l.state.given, l.state.fall = nil, nil, nil
}

// State is a copy of all that the law remembers.
func (l *Law) State() State { return l.state.clone() }

func (s State) clone() State {
	s.Services = s.Services.Clone()
	s.trial, s.fall, s.given, s.own, s.pace = nil, nil, nil, nil, readings.Progress{}
	return s
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
		&s.CalmFrom, &s.HeldUntil, &s.OwnUntil,
	}
	for k := range s.Knobs {
		times = append(times, &s.Knobs[k].MarkedAt, &s.Knobs[k].HoldUntil)
	}
	if s.own != nil {
		times = append(times, &s.own.since)
	}
	for _, t := range times {
		*t += shift
	}
	s.Services.Shift(shift)
	s.Now = now
	if !l.begun {
		s.Decided, s.Guarded = now-Period, now-GuardPeriod
	}
	l.begun = true
}
