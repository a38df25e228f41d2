// Package bars learns what is usual for a container, and from where on a reading is not.
//
// Readings such as cycles per instruction depend on how busy the container is, so that each decile of its CPU utilisation has a bar of its
// own (Intel PRM bins likewise; firm-aquatope-drpc 5.6). PRM fits Gaussian mixtures to history and bars what lies 3 standard deviations
// beyond the outermost. Here a quantile of readings serves, learnt online in constant memory, in which old readings fade: a new version of
// the application becomes the usual.
package bars

import (
	"fmt"
	"math"
)

// Signal is what is read of a container.
type Signal int

// The signals.
const (
	// CPI is cycles per instruction.
	CPI Signal = iota
	// MPKI is misses of the last-level cache per thousand instructions.
	MPKI
	// MSPKI is cycles stalled on memory per thousand instructions.
	MSPKI
	// Frequency is cycles per second of CPU time, in hertz. Unlike the others, less is worse.
	Frequency
	// Delay is 1 plus the time that ready threads waited for a CPU per time that they ran.
	Delay
	// Pressure is 1 plus the share of time in which some thread waited for a CPU (PSI).
	Pressure
	// Signals is their number.
	Signals
)

// Deciles is the number of classes of CPU utilisation.
const Deciles = 10

const (
	// LeastReadings is how many readings a decile must have before it is judged by: five minutes at one each 2 s.
	LeastReadings = 150
	// outer is the share of usual readings that lie beyond a bar: the 95th percentile, the lowest that 5.6 names, as several readings in a
	// row must lie beyond it.
	outer = 0.05
	// margin is how far a bar lies from the median at least: what slows a container by less than a tenth is not worth a probe.
	margin = 1.1
	// young is how many readings widen a bar as far again: with few, the quantile is what happened to be seen.
	young = 100
	// perDecile is how much wider a bar gets for each decile that readings had to be borrowed from afar.
	perDecile = 1.05
	// upperSigma is the quantile one standard deviation above the mean of a normal distribution.
	upperSigma = 0.8413
)

// Usual is what was learnt of one container. It grows to at most 10 deciles of 6 histograms of 64 buckets: 60 kB, some kB in practice.
type Usual struct {
	Deciles [Deciles]Decile `json:"deciles"`
}

// Decile is what was learnt at one CPU utilisation.
type Decile [Signals]Histogram

// Bar bounds the usual values of a signal.
type Bar struct {
	// Usual is the median, Low and High bound what is usual.
	Low, Usual, High float64
	// Spread is the standard deviation of the logarithm, by quantiles.
	Spread float64
}

// DecileOf is the class of a utilisation, the CPU used over what the container is entitled to. All above 1 is in the last.
func DecileOf(utilisation float64) int {
	if !(utilisation > 0) {
		return 0
	}
	return int(min(utilisation*Deciles, Deciles-1))
}

// Learn takes a reading in.
func (u *Usual) Learn(decile int, s Signal, value float64) {
	if decile >= 0 && decile < Deciles && s >= 0 && s < Signals {
		u.Deciles[decile][s].Add(value)
	}
}

// Bar is what bounds the signal at a decile. A decile with too few readings is pooled with those next to it, one more on each side until
// there are enough, and the bar is wider by a twentieth for each; false means that the container has too few readings in all.
func (u *Usual) Bar(decile int, s Signal) (Bar, bool) {
	if decile < 0 || decile >= Deciles || s < 0 || s >= Signals {
		return Bar{}, false
	}
	h := &u.Deciles[decile][s]
	weight := h.Weight()
	distance := 0
	if weight < LeastReadings {
		pool := *h
		for distance = 1; weight < LeastReadings; distance++ {
			low, high := decile-distance, decile+distance
			if low < 0 && high >= Deciles {
				return Bar{}, false
			}
			if low >= 0 {
				pool = pool.with(&u.Deciles[low][s])
			}
			if high < Deciles {
				pool = pool.with(&u.Deciles[high][s])
			}
			weight = pool.Weight()
		}
		distance--
		h = &pool
	}
	return bar(h, weight, math.Pow(perDecile, float64(distance))), true
}

// Learnt is of how many readings the best known of some signals is, all deciles together: from [LeastReadings] on it has bars.
func (u *Usual) Learnt(signals ...Signal) float64 {
	most := 0.0
	for _, s := range signals {
		sum := 0.0
		for d := range u.Deciles {
			sum += u.Deciles[d][s].Weight()
		}
		most = max(most, sum)
	}
	return most
}

// Check says what is wrong with bars that were restored, by decile and signal.
func (u *Usual) Check() error {
	for d := range u.Deciles {
		for s := range u.Deciles[d] {
			if err := u.Deciles[d][s].check(); err != nil {
				return fmt.Errorf("deciles[%d][%d]: %w", d, s, err)
			}
		}
	}
	return nil
}

// bar bounds the values of a histogram of some weight; far widens it.
func bar(h *Histogram, weight, far float64) Bar {
	median := h.Quantile(0.5)
	widen := 1 + young/weight
	return Bar{
		Usual:  median,
		Spread: math.Log(h.Quantile(upperSigma) / median),
		High:   far * max(median*math.Pow(h.Quantile(1-outer)/median, widen), median*margin),
		Low:    min(median*math.Pow(h.Quantile(outer)/median, widen), median/margin) / far,
	}
}
