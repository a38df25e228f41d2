package learn

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

// arrivals are the calls of a service in a window, by when their requests began, and the sum of the squares of how many each request made.
type arrivals struct {
	slots   [slots]float64
	squares float64
}

// arrive takes in the calls of one request.
func (l *Learner) arrive(start int64, calls map[operation]float64) {
	at, w := l.slot(start), l.window(start)
	for op, n := range calls {
		a := w.arrivals[op]
		if a == nil {
			a = &arrivals{}
			w.arrivals[op] = a
		}
		a.slots[at] += n
		a.squares += n * n
	}
}

func (l *Learner) slot(start int64) int {
	windows := float64(start) / 1e9 / l.seconds
	return min(int(slots*(windows-math.Floor(windows))), slots-1)
}

// noise is the relative standard error of the rate of a service's calls in a window, as if requests came independently.
func (w *window) noise(service operation) float64 {
	a := w.arrivals[service]
	if a == nil {
		return 0
	}
	n := 0.0
	for _, x := range a.slots {
		n += x
	}
	return math.Sqrt(a.squares) / n
}

// burst is latency.Law.Burst of a service: the variance of the counts of pieces within windows less what requests that come
// independently have, Σ n² for n calls of each, over the square of their mean. What that is not sure of is taken off: an estimate as large
// as its standard error counts half. Pieces before the first and after the last of all calls are left out.
func (f *fit) burst(service operation) float64 {
	calls, squares, number := 0.0, 0.0, 0.0
	for _, at := range f.windows {
		if a := f.learner.windows[at].arrivals[service]; a != nil {
			for _, n := range a.slots {
				calls += n
			}
			squares += a.squares
			number += slots
		}
	}
	if calls == 0 {
		return 0
	}
	join := 1
	for slots%join != 0 || join < joined && calls*calls/squares*float64(join)/number < perSlot {
		join++
	}
	excess, scale, pieces := 0.0, 0.0, 0.0
	for _, at := range f.windows {
		a := f.learner.windows[at].arrivals[service]
		if a == nil {
			continue
		}
		counts := f.learner.counts(at, a, join)
		sum, square, n := 0.0, 0.0, float64(len(counts))
		for _, c := range counts {
			sum, square = sum+c, square+c*c
		}
		if n < 2 || sum == 0 {
			continue
		}
		excess += square - sum*sum/n - (1-1/n)*a.squares
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

// counts are those of joined pieces that lie between the first and the last call of all.
func (l *Learner) counts(window int64, a *arrivals, join int) (counts []float64) {
	length := l.seconds / slots * float64(join)
	for from := 0; from < slots; from += join {
		begin := l.Begin(window) + float64(from/join)*length
		if begin < float64(l.first)/1e9 || begin+length > float64(l.last)/1e9 {
			continue
		}
		sum := 0.0
		for _, n := range a.slots[from : from+join] {
			sum += n
		}
		counts = append(counts, sum)
	}
	return counts
}
