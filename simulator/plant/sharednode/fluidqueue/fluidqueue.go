// Package fluidqueue is an M/G/c queue with processor sharing in its fluid approximation over time, and the law of its latencies: log-normal about
// the mean. Times are seconds.
package fluidqueue

import "math"

// InSystem is the mean number of requests in an M/G/c queue with processor sharing, by utilisation.
func InSystem(cores, utilisation float64) float64 {
	return cores*utilisation + math.Pow(utilisation, math.Sqrt(2*(cores+1)))/(1-utilisation)
}

// Advance moves a queue by one step: number in system before, arrivals per second, cores (at least a fraction of one) and the CPU
// time of a request. It solves N' = N + dt (λ − c ρ/S), N' = N(ρ), for ρ: implicit, so that no step is too long. It returns N' and ρ.
func Advance(number, arrivals, cores, seconds, dt float64) (next, utilisation float64) {
	servers := math.Max(cores, 1)
	seconds *= servers / cores // less than a core is a slower one
	left := number + dt*arrivals
	low, high := 0.0, 1.0
	for range 36 {
		middle := (low + high) / 2
		if InSystem(servers, middle)+dt*servers/seconds*middle > left {
			high = middle
		} else {
			low = middle
		}
	}
	return math.Max(0, left-dt*servers/seconds*low), low
}

// Variation is the squared coefficient of variation of the latency.
func Variation(service, cores, utilisation float64) float64 {
	waits := math.Pow(utilisation, math.Sqrt(2*(math.Max(cores, 1)+1))-1)
	return service + 2*waits/(2-waits)
}

// Spread gives the parameters of the log-normal law with that mean and squared coefficient of variation.
func Spread(mean, variation float64) (mu, sigma float64) {
	s2 := math.Log1p(variation)
	return math.Log(mean) - s2/2, math.Sqrt(s2)
}

// z99 is the 99th percentile of the standard normal law.
const z99 = 2.3263478740408408

// Percentile is the 99th percentile of a latency with that mean and squared coefficient of variation.
func Percentile(mean, variation float64) float64 {
	mu, sigma := Spread(mean, variation)
	return math.Exp(mu + z99*sigma)
}
