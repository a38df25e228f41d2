package separable

import "math"

// choice is what is the best for one service at worths of its times, with what has been learned of its curves.
type choice struct {
	Service
	curves []Curve
	// weights are the worths of the curves over their total. With one curve, low and high are the logarithms of the worth up to which Min
	// is the best, and from which on Max is.
	weights   []float64
	low, high float64
	// bend is the derivative of the logarithm of the weighted slope by that of the cores, where it was last asked for.
	bend float64
	// kink are cores where the slope jumps, if one was met, and the logarithms of the worth between which they are the best.
	kink, below, above float64
}

// threshold is the logarithm of the worth of a second at which so many cores are the best.
func (c *choice) threshold(cores float64) float64 {
	slope := 0.0
	for i := range c.curves {
		slope -= c.weights[i] * c.curves[i].Slope(cores)
	}
	return math.Log(c.Pods / slope)
}

// best is the x within the bounds that minimises Pods·x + Σ worths·times(x), and the derivative of x by the slope of a worth, the other
// sign: by how much more cores are the best if a second worth more took a second per core. It is 0 where x does not change. near is where
// to begin.
func (c *choice) best(worths []float64, near float64) (x, gain float64) {
	total := 0.0
	for _, worth := range worths {
		total += worth
	}
	if len(worths) > 1 && total > 0 {
		for i, worth := range worths {
			c.weights[i] = worth / total
		}
		c.low, c.high, c.kink = c.threshold(c.Min), c.threshold(c.Max), 0
	}
	log := math.Log(total)
	switch {
	case !(log > c.low):
		return c.Min, 0
	case log >= c.high:
		return c.Max, 0
	case c.kink > 0 && log >= c.below && log <= c.above:
		return c.kink, 0
	}
	x, smooth := c.search(log, min(max(near, c.Min), c.Max))
	if !smooth {
		return x, 0
	}
	// Σ worths·−slopes = Pods, which by the cores has the derivative Pods·bend/x.
	return x, -x / (c.Pods * c.bend)
}

// search finds the cores whose threshold is the given one, between Min and Max, and whether the slope is continuous there.
func (c *choice) search(log, x float64) (best float64, smooth bool) {
	const exact, narrow = 1e-10, 1e-12
	low, high := c.Min, c.Max
	lowLog, highLog := c.low, c.high
	last, lastMiss := 0.0, 0.0
	for round := range 200 {
		at := c.threshold(x)
		miss := at - log
		if math.Abs(miss) < exact {
			return x, true
		}
		if miss < 0 {
			low, lowLog = x, at
		} else {
			high, highLog = x, at
		}
		if high-low < narrow*high {
			c.kink, c.below, c.above = x, lowLog, highLog
			return x, false
		}
		// The threshold is nearly a line over the logarithm of the cores: a secant, from the second point on.
		if last > 0 && x != last {
			if bend := -(miss - lastMiss) / math.Log(x/last); bend < -0.1 && bend > -1000 {
				c.bend = bend
			}
		}
		last, lastMiss = x, miss
		if next := x * math.Exp(miss/c.bend); next > low && next < high && round%4 != 3 {
			x = next
		} else {
			x = math.Sqrt(low * high)
		}
	}
	return x, true
}
