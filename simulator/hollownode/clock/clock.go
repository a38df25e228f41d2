// Package clock maps the wall's time to that of a plant that runs faster. It is pure: every time is an argument.
package clock

import "time"

// MaxLag bounds how far the plant may be behind the wall. Chosen: with 60 plant seconds in a second it is half a minute of the plant, well
// below the minutes after which controllers think data stale.
const MaxLag = 500 * time.Millisecond

// Clock says at which plant time the plant should be. Make one with New; copies are independent.
type Clock struct {
	speedup  float64
	started  bool
	begun    time.Time // when it was started
	origin   time.Time // the wall time of plant time 0, later by each pause and slip
	pausedAt time.Time // zero while it runs
	slipped  time.Duration
}

// New returns a clock that stands at plant time 0. Speedup is the number of plant seconds in a second of the wall, above 0.
func New(speedup float64) Clock { return Clock{speedup: speedup} }

// Started says whether Start was called.
func (c *Clock) Started() bool { return c.started }

// Paused says whether the clock is stopped.
func (c *Clock) Paused() bool { return !c.pausedAt.IsZero() }

// Begun is when the clock was started.
func (c *Clock) Begun() time.Time { return c.begun }

// Slipped is the wall time by which the clock was put back, in all.
func (c *Clock) Slipped() time.Duration { return c.slipped }

// Start lets the plant's time begin now.
func (c *Clock) Start(now time.Time) {
	if !c.started {
		c.started, c.origin, c.begun = true, now, now
		if !c.pausedAt.IsZero() {
			c.pausedAt = now
		}
	}
}

// Pause stops the clock where the plant stands, so that nothing moves any more.
func (c *Clock) Pause(plantSeconds float64, now time.Time) {
	if c.pausedAt.IsZero() {
		c.pausedAt = c.Wall(plantSeconds, now)
	}
}

// Resume lets it go on there.
func (c *Clock) Resume(now time.Time) {
	if !c.pausedAt.IsZero() {
		c.origin = c.origin.Add(now.Sub(c.pausedAt))
		c.pausedAt = time.Time{}
	}
}

// Wanted returns the plant time that belongs to a time of the wall, in seconds.
func (c *Clock) Wanted(now time.Time) float64 {
	if !c.started {
		return 0
	}
	if !c.pausedAt.IsZero() {
		now = c.pausedAt
	}
	return max(0, now.Sub(c.origin).Seconds()*c.speedup)
}

// Wall returns the time of the wall that belongs to a plant time; before the start it is now.
func (c *Clock) Wall(plantSeconds float64, now time.Time) time.Time {
	if !c.started {
		return now
	}
	return c.origin.Add(c.scaled(plantSeconds))
}

// scaled is a time of the plant as the outside sees it.
func (c *Clock) scaled(plantSeconds float64) time.Duration {
	return time.Duration(plantSeconds / c.speedup * float64(time.Second))
}

// Lag returns how far the plant, which stands at a time, is behind.
func (c *Clock) Lag(plantSeconds float64, now time.Time) time.Duration {
	return max(0, c.scaled(c.Wanted(now)-plantSeconds))
}

// Slip puts the clock back by what the lag is above its bound.
func (c *Clock) Slip(plantSeconds float64, now time.Time) {
	if excess := c.Lag(plantSeconds, now) - MaxLag; excess > 0 {
		c.origin = c.origin.Add(excess)
		c.slipped += excess
	}
}
