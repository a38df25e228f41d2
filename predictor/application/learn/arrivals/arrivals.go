package arrivals

import "math"

const (
	// slots is the number of pieces of a window that requests are counted in: a second each of a minute, about as long as queues of pods that are
	// not full remember (a hundred calls of some milliseconds).
	slots = 60
	// perSlot is the number of requests that a piece is to have: pieces are joined until it has, up to joined of them.
	perSlot, joined = 3, 10
	// mostBurst bounds what is fitted: a load that is on for half of the time and off for the other has 1.
	mostBurst = 1
)

// Counts are the calls of a service in a window, by when their requests began, and the sum of the squares of how many each request made.
// The zero value has none.
type Counts struct {
	slots   [slots]float64
	squares float64
}

// Add takes in the calls of one request, which began when the given part of the window had gone by, in [0, 1).
func (c *Counts) Add(part, calls float64) {
	c.slots[min(int(slots*part), slots-1)] += calls
	c.squares += calls * calls
}

// Noise is the relative standard error of the rate of the calls, as if requests came independently; 0 of no counts (nil).
func (c *Counts) Noise() float64 {
	if c == nil {
		return 0
	}
	n := 0.0
	for _, x := range c.slots {
		n += x
	}
	return math.Sqrt(c.squares) / n
}

// Window is the counts of a service in the window that begins at a time.
type Window struct {
	Begin float64
	*Counts
}

// Burst is latency.Law.Burst of a service, given its windows of so many seconds: the variance of the counts of pieces within windows less
// what requests that come independently have, Σ n² for n calls of each, over the square of their mean. What that is not sure of is taken
// off: an estimate as large as its standard error counts half. Pieces before first and after last, where all calls begin and end, are left
// out. It is in [0, 1], 0 without windows.
func Burst(windows []Window, seconds, first, last float64) float64 {
	calls, squares, number := 0.0, 0.0, 0.0
	for _, w := range windows {
		for _, n := range w.slots {
			calls += n
		}
		squares += w.squares
		number += slots
	}
	if calls == 0 {
		return 0
	}
	join := 1
	for slots%join != 0 || join < joined && calls*calls/squares*float64(join)/number < perSlot {
		join++
	}
	excess, scale, pieces := 0.0, 0.0, 0.0
	for _, w := range windows {
		counts := w.pieces(join, seconds, first, last)
		sum, square, n := 0.0, 0.0, float64(len(counts))
		for _, c := range counts {
			sum, square = sum+c, square+c*c
		}
		if n < 2 || sum == 0 {
			continue
		}
		excess += square - sum*sum/n - (1-1/n)*w.squares
		scale += (n - 1) * sum / n * sum / n
		pieces += n
	}
	if !(scale > 0) || !(excess > 0) {
		return 0
	}
	burst := excess / scale
	alone := squares / calls / calls * number / float64(join) // what independent requests have
	unsure := alone * math.Sqrt(2/pieces)
	return min(burst*burst*burst/(burst*burst+unsure*unsure), mostBurst)
}

// pieces are the counts of joined pieces that lie between the first and the last call of all.
func (w *Window) pieces(join int, seconds, first, last float64) (counts []float64) {
	length := seconds / slots * float64(join)
	for from := 0; from < slots; from += join {
		begin := w.Begin + float64(from/join)*length
		if begin < first || begin+length > last {
			continue
		}
		sum := 0.0
		for _, n := range w.slots[from : from+join] {
			sum += n
		}
		counts = append(counts, sum)
	}
	return counts
}
