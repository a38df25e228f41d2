package main

import (
	"math"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
)

// verdict is how an arm did over the judged time.
type verdict struct {
	Requests, Within float64 // of the entry operation; failed ones are not within
	Minutes          int
	// Violating minutes have a smaller share within the target than the objective's percentile.
	Violating     int
	requested     float64 // core-minutes
	used          float64
	percentiles   []float64 // of each minute, seconds
	requestedEach []float64 // cores, of each minute
	latency       histogram.Histogram
	usage         [][]float64 // cores, of each minute and pod, from the warm-up on
	// Resizes of pods, and attempts that a full node deferred.
	Resizes, Deferred int
}

// add counts a minute in which the application requested some cores.
func (v *verdict) add(w *fleet.Window, requested float64) {
	v.Minutes++
	v.Requests += w.Requests
	v.Within += w.Within
	if w.Within < hotel.Percentile*w.Requests || w.Latency.Count() == 0 {
		v.Violating++
	}
	v.requested += requested
	v.requestedEach = append(v.requestedEach, requested)
	for _, p := range w.Pods {
		v.used += p.Usage
	}
	v.percentiles = append(v.percentiles, w.Percentile)
	v.latency.Merge(w.Latency)
}

// attainment is the share of requests within the target.
func (v *verdict) attainment() float64 {
	if v.Requests == 0 {
		return math.NaN()
	}
	return v.Within / v.Requests
}

func (v *verdict) met() bool { return v.attainment() >= hotel.Percentile }

// cores is the mean of what was requested, slack the unused share of it (Autopilot's definition).
func (v *verdict) cores() float64 { return v.requested / float64(v.Minutes) }
func (v *verdict) slack() float64 { return (v.requested - v.used) / v.requested }

// worst is the highest percentile of a minute.
func (v *verdict) worst() float64 {
	var worst float64
	for _, p := range v.percentiles {
		if p > worst { // not NaN, which a minute without answers has
			worst = p
		}
	}
	return worst
}
