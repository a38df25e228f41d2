package knob

import (
	"math"
	"time"
)

// Memory is for how long a ceiling is remembered; one that violates again is remembered twice as long, up to LongMemory. With a hold-off of
// 10 s alone, batch's CPU went up and down more than once in 7 of 200 runs with 5 % of noise and a constant load, with a quarter of an hour
// in none.
const (
	Memory     = 15 * time.Minute
	LongMemory = time.Hour
)

// State is what batch has of one thing, and what is remembered about it.
type State struct {
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

// Remember takes down what batch had of a knob before it is cut: as a ceiling where the knob is to blame.
func (s *State) Remember(at float64, ceiling bool, now time.Duration) {
	if s.Ceiling && !ceiling {
		return // what violated stays the bound
	}
	last, lasted := s.Mark, s.MarkFor
	wasCeiling := s.Ceiling
	s.Forget()
	s.Mark, s.Ceiling, s.MarkedAt, s.MarkFor = at, ceiling, now, Memory
	if wasCeiling && math.Abs(at-last) < 0.1*last {
		s.MarkFor = min(2*lasted, LongMemory)
	}
}

// Forget drops the mark.
func (s *State) Forget() {
	s.Mark, s.Ceiling, s.MarkedAt, s.MarkFor = 0, false, 0, 0
}

// Outdated says whether a mark's time has come: a ceiling also where conditions are better than when it was set, another mark also where
// batch has as much again.
func (s *State) Outdated(now time.Duration, better bool) bool {
	return now-s.MarkedAt > s.MarkFor || !s.Ceiling && s.Value >= s.Mark || s.Ceiling && better
}

// Sane brings what was saved for a knob into the machine's limits, which may be others than then.
func (s *State) Sane(r Range) {
	s.Value = r.Clamp(s.Value)
	if !(s.Mark > 0 && s.Mark <= r.Max) || s.MarkFor <= 0 || s.MarkFor > LongMemory {
		s.Forget()
	}
}
