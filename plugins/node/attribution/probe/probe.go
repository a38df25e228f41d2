// Package probe decides whether one container slows another down, by slowing the first down for some seconds and watching the second.
//
// A suspicion begins when readings are at their worst, and what is at its worst gets better by itself. So a probe does not compare with
// the readings that led to it. It watches afresh, holds the suspect down, lets it free, and holds it down again; the suspect is confirmed
// only if the victim's readings fell, rose and fell with it each time by more than its noise band. Where that is not clear, once more.
// Lengths vary, lest the victim's own rhythm keep step.
//
// The package is a state machine: time and readings are arguments, and whether the suspect is to be held down now is a value for the
// caller.
package probe

import (
	"math"
	"slices"
	"time"
)

const (
	// Settle is how long readings are left out after each change: caches are not flushed but refilled (2 s, firm-aquatope-drpc 5.7), and a
	// reading of 2 s may have begun before it.
	Settle = 4 * time.Second
	// shortest and longest bound how long the suspect is held down each time, or let free, with Settle in it (10 to 20 s of node-resctrl
	// 4.5).
	shortest, longest = 14, 20 // seconds
	// leastReadings must have been taken in each part of a probe; mostReadings are kept.
	leastReadings, mostReadings = 3, 64
	// Lost is after how long without a reading of the victim a probe ends: two readings at one each 5 s.
	Lost = 11 * time.Second
	// parts is how many a probe has at most: free, held, free, held, free, held. A clear case is decided after enough of them.
	parts, enough = 6, 4
	// band is the noise band of each change and bandOfAll that of their mean, in standard deviations of usual readings; a case is clear
	// from clearly on. Medians of some six readings differ by 0.7 of it by chance, and the mean of three changes by 0.4.
	band, bandOfAll, clearly = 0.6, 1.25, 2.0
	// promptly is the share of readings that must lie on their side of the middle for a case to be clear.
	promptly = 0.9
	// leastBand is a change too small to speak of, in logarithm: 5 %.
	leastBand = 0.05
	// leastShare is the part of what exceeds the usual that a culprit must explain: less is noise, or one of many.
	leastShare = 0.3
)

// Outcome is what a probe found.
type Outcome string

// The outcomes.
const (
	Running      Outcome = ""
	Confirmed    Outcome = "Confirmed"
	Acquitted    Outcome = "Acquitted"
	Inconclusive Outcome = "Inconclusive"
)

// Reading is one of the victim, with what the probe must know of the suspect.
type Reading struct {
	// Excess is the logarithm of the reading over what is usual; Value is the reading.
	Excess, Value float64
	// Beyond says that it lies beyond its bar.
	Beyond bool
}

// State is a probe under way. The zero value is none.
type State struct {
	// Part is the number of the part, from 0; even ones leave the suspect free.
	Part int
	// Changed is when the part began, Ends when it will, Heard when there was a reading last.
	Changed, Ends, Heard time.Duration
	// Spread is the standard deviation of the victim's usual readings, in logarithm.
	Spread float64
	// Readings by part.
	Readings [parts][]Reading
	// Seed makes the lengths of the parts.
	Seed uint64
	// Started says that there is a probe.
	Started bool
	// HeldFor is how long the suspect was held down in parts that are over.
	HeldFor time.Duration
}

// Start begins a probe; spread is the standard deviation of the logarithm of the victim's usual readings.
func Start(now time.Duration, spread float64, seed uint64) State {
	s := State{Started: true, Spread: max(spread, 0), Seed: seed, Heard: now}
	s.begin(0, now)
	return s
}

func (s *State) begin(part int, now time.Duration) {
	// The generator is SplitMix64 (Steele, Lea, Flood 2014).
	s.Seed += 0x9e3779b97f4a7c15
	z := (s.Seed ^ s.Seed>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	length := shortest + (z^z>>31)%(longest-shortest+1)
	if s.Held() {
		s.HeldFor += now - s.Changed
	}
	s.Part, s.Changed, s.Ends = part, now, now+time.Duration(length)*time.Second
}

// Held says whether the suspect is to be held down now.
func (s *State) Held() bool { return s.Started && s.Part%2 == 1 }

// Step takes the victim's reading at a time, nil if there is none, and says what was found, and why where that was nothing. After an
// outcome other than Running the probe is over and must be dropped.
func (s *State) Step(now time.Duration, r *Reading) (outcome Outcome, why string) {
	switch {
	case !s.Started:
		return Inconclusive, "no probe had begun"
	case r == nil && now-s.Heard > Lost, now-s.Heard > 2*Lost:
		return Inconclusive, "readings of the victim stopped"
	}
	if r != nil && !math.IsNaN(r.Excess) && !math.IsInf(r.Excess, 0) {
		s.Heard = now
		if list := s.Readings[s.Part]; now-s.Changed >= Settle && len(list) < mostReadings {
			s.Readings[s.Part] = append(list, *r)
		}
	}
	if s.worse() {
		return Inconclusive, "the victim got worse"
	}
	if now < s.Ends {
		return Running, ""
	}
	return s.judge(now)
}

// worse says that the victim is worse off with the suspect held down.
func (s *State) worse() bool {
	return s.Held() && len(s.Readings[s.Part]) >= leastReadings && s.Median(s.Part) > s.Median(s.Part-1)+s.Band()
}

// judge ends a part.
func (s *State) judge(now time.Duration) (outcome Outcome, why string) {
	if len(s.Readings[s.Part]) < leastReadings {
		return Inconclusive, "too few readings of the victim"
	}
	switch {
	case s.Part == 0:
		if s.beyond(0) <= len(s.Readings[0])/2 {
			return Inconclusive, "the victim got better by itself"
		}
	case s.Held():
		if drop := s.Median(s.Part-1) - s.Median(s.Part); drop < s.needed() {
			if s.Part == 1 && drop < s.needed()/2 {
				return Acquitted, ""
			}
			return Inconclusive, tooLittle
		}
	default:
		if s.Median(s.Part)-s.Median(s.Part-1) < s.needed() {
			return Inconclusive, "the victim stayed better when the suspect was let free"
		}
	}
	if s.Part >= enough-1 && s.Held() {
		switch contrast := s.contrast(); {
		case contrast >= max(clearly*s.Spread, leastBand) && s.prompt():
			return Confirmed, ""
		case contrast < max(bandOfAll*s.Spread, leastBand):
			return Inconclusive, tooLittle
		case s.Part == parts-1:
			return Confirmed, ""
		}
	}
	s.begin(s.Part+1, now)
	return Running, ""
}

const tooLittle = "the victim got better by too little to tell it from noise"

// contrast is how much better the victim was with the suspect held down, over all parts so far.
func (s *State) contrast() float64 {
	var sum float64
	for part := range s.Part + 1 {
		sum += s.Median(part) * float64(1-part%2*2)
	}
	return sum / float64((s.Part+1)/2)
}

// prompt says that readings changed when the suspect's hold did, and not some time within a part: nearly all of those after Settle lie on
// their side of the middle. A victim that comes and goes by itself rarely keeps step.
func (s *State) prompt() bool {
	var sums, counts [2]float64
	for part := range s.Part + 1 {
		sums[part%2] += s.Median(part)
		counts[part%2]++
	}
	middle := (sums[0]/counts[0] + sums[1]/counts[1]) / 2
	right, all := 0, 0
	for part := range s.Part + 1 {
		for _, r := range s.Readings[part] {
			if all++; (r.Excess < middle) == (part%2 == 1) {
				right++
			}
		}
	}
	return float64(right) >= promptly*float64(all)
}

// Band is the noise band, in logarithm.
func (s *State) Band() float64 { return max(band*s.Spread, leastBand) }

// needed is the change that counts.
func (s *State) needed() float64 { return max(s.Band(), leastShare*s.Median(0)) }

func (s *State) beyond(part int) int {
	n := 0
	for _, r := range s.Readings[part] {
		if r.Beyond {
			n++
		}
	}
	return n
}

// Median excess of a part, in logarithm.
func (s *State) Median(part int) float64 {
	return s.median(part, func(r Reading) float64 { return r.Excess })
}

func (s *State) median(part int, of func(Reading) float64) float64 {
	list := make([]float64, 0, mostReadings)
	for _, r := range s.Readings[part] {
		list = append(list, of(r))
	}
	slices.Sort(list)
	if n := len(list); n > 0 {
		return (list[(n-1)/2] + list[n/2]) / 2
	}
	return math.NaN()
}

// Effect is what holding the suspect down did, for the evidence.
type Effect struct {
	// Free, Held and Again are the medians of the victim's readings before the suspect was held down, while it was, and after.
	Free, Held, Again float64
	// Within of Taken readings with the suspect held down were within the bar.
	Within, Taken int
	// For is how long the suspect was held down, in all, and Turns how often.
	For   time.Duration
	Turns int
}

// Effect of what was seen so far; now is the time of the last reading.
func (s *State) Effect(now time.Duration) Effect {
	value := func(r Reading) float64 { return r.Value }
	e := Effect{Free: s.median(0, value), Held: s.median(1, value), Again: s.median(2, value), For: s.HeldFor}
	if s.Held() {
		e.For += now - s.Changed
	}
	for part := 1; part < parts; part += 2 {
		if len(s.Readings[part]) > 0 {
			e.Turns++
		}
		e.Taken += len(s.Readings[part])
		e.Within += len(s.Readings[part]) - s.beyond(part)
	}
	return e
}
