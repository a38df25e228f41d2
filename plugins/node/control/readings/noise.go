package readings

import (
	"math"
	"slices"
	"time"
)

// Noise estimates the standard deviation that one independent reading would have, so that a mean of n readings errs by noise / sqrt(n).
// Readings are taken each second over 2 s, so that neighbours share half of what they show: differences are taken between every other one.
// Such a difference has sqrt(2) times a reading's deviation, which in turn is 1/sqrt(2) of that of a second alone, and the median of its
// size is 0.6745 times its own. A step in the middle does not move a median. Readings that come each 2 s do not overlap, and
// only the first sqrt(2) is there. With fewer than 5 differences it is 0, so that the published rules hold as they stand; at most 0.2 is believed.
func (t *Service) Noise() float64 {
	const lag, least, most = 2, 5, 0.2
	n := len(t.Readings) - lag
	if n < least {
		return 0
	}
	d := make([]float64, n)
	for i := range d {
		d[i] = math.Abs(t.Readings[i+lag].Slack - t.Readings[i].Slack)
	}
	slices.Sort(d)
	scale := 0.6745
	if last := len(t.Readings) - 1; t.Readings[last].At-t.Readings[0].At > time.Duration(last)*3*Period/4 {
		scale *= math.Sqrt2
	}
	return min((d[(n-1)/2]+d[n/2])/2/scale, most)
}

// windows are how many of the last readings are averaged, with how many standard errors their mean must be below a line to count. Growth
// stops at least 0.35 of the noise above the line, so that each is 1.8 to 3.5 errors from crying wolf. Without the margin, readings with
// a noise of 5 % made batch's CPU go up and down more than once in 16 of 200 runs with a constant load and in 41 with one that rises and
// falls, with it in none and in one. Its price is that a slack between 0 and 0.05 is found late.
var windows = []struct {
	n      int
	errors float64
}{{2, 3}, {4, 2.75}, {8, 2.5}, {16, 2.25}, {32, 2}}

// Below says whether the readings lie surely below a line: the mean of the last ones and how many of them show it, 0 where none do. The
// last two must both be below it: that is the published rule, and the only one where there is no noise.
func Below(slacks []float64, line, noise float64) (float64, int) {
	for _, w := range windows {
		if len(slacks) < w.n {
			break
		}
		last := slacks[len(slacks)-w.n:]
		m := Mean(last)
		if m < line-w.errors*noise/math.Sqrt(float64(w.n)) && last[w.n-1] < line && last[w.n-2] < line {
			return m, w.n
		}
	}
	return fallen(slacks, line, noise)
}

// fallen says whether the last two readings lie below a line, if not surely, and surely below those before them: where something has just
// happened, less is needed to believe it. The margin of a fall is the one of a mean of two, so that it cries wolf no more often.
func fallen(slacks []float64, line, noise float64) (float64, int) {
	const before = 4
	n := len(slacks) - 2
	if n < before {
		return 0, 0
	}
	last, was := Mean(slacks[n:]), Mean(slacks[:n])
	if was > Plenty && last < line-noise/math.Sqrt2 && max(slacks[n], slacks[n+1]) < line &&
		was-last > windows[0].errors*noise*math.Sqrt(0.5+1/float64(n)) {
		return last, 2
	}
	return 0, 0
}

// Mean of at least one value.
func Mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}
