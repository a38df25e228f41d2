// Package loadedmemory is what memory answers under load: a latency, in nanoseconds, that rises with traffic, and a traffic, in MB/s, that never
// exceeds the peak.
package loadedmemory

// Factor is the latency of memory by load x, 1 without load: gentle to two thirds, twice at 0.9, six times at the peak, the shape
// that loaded-latency tools measure. Past 1 memory is full, and x is how far requests are held up.
func Factor(x float64) float64 {
	full := min(x, 1)
	cube := full * full * full
	return (1 + 0.2*full + 0.25*cube*cube/(1.05-full)) * max(x, 1)
}

// Settle finds the load at which demand, which falls with latency, is what is delivered. demand takes a latency in ns and returns
// MB/s. It returns latency and traffic; the traffic is at most the peak.
func Settle(peak, unloadedNs float64, demand func(ns float64) float64) (ns, traffic float64) {
	low, high := 0.0, 1.0
	if demand(unloadedNs*Factor(1)) > peak {
		low, high = 1, 64
	}
	for range 30 {
		middle := (low + high) / 2
		if demand(unloadedNs*Factor(middle)) > min(middle, 1)*peak {
			low = middle
		} else {
			high = middle
		}
	}
	ns = unloadedNs * Factor(high)
	return ns, min(demand(ns), peak)
}
