package addons

import (
	"fmt"
	"strconv"
	"time"
)

// MaxSpeedup is the greatest speedup: metrics-server's resolution is 100 ms then, its least.
const MaxSpeedup = 150

// checkSpeedup refuses a speedup out of range, NaN among them.
func checkSpeedup(speedup float64) error {
	if speedup >= 1 && speedup <= MaxSpeedup {
		return nil
	}
	return fmt.Errorf("speedup is %v: it must be in [1, %d]", speedup, MaxSpeedup)
}

// divided is a period of production in a cluster that is faster by speedup.
func divided(period time.Duration, speedup float64) time.Duration {
	return time.Duration(float64(period) / speedup)
}

// Resolution is the time between two readings of a node's usage by metrics-server, for a speedup in [1, MaxSpeedup]: 15 s in
// production, as upstream's manifests have it (the program's own default, 60 s, is not used anywhere).
func Resolution(speedup float64) time.Duration { return divided(15*time.Second, speedup) }

// RecommenderFlags returns the flags that divide the periods of VPA's recommender, for a speedup in [1, MaxSpeedup]. At 1 they are its
// defaults: rounds every minute, and a day for the decay of histograms, for the peaks of memory and for confidence.
func RecommenderFlags(speedup float64) []string {
	const day = 24 * time.Hour
	return append(
		clientFlags(speedup),
		period("recommender-interval", time.Minute, speedup),
		period("checkpoints-gc-interval", 10*time.Minute, speedup),
		period("cpu-histogram-decay-half-life", day, speedup),
		period("memory-histogram-decay-half-life", day, speedup),
		period("memory-aggregation-interval", day, speedup),
		period("confidence-interval-cpu", day, speedup),
		period("confidence-interval-memory", day, speedup),
	)
}

// UpdaterFlags returns the flags that divide the periods of VPA's updater, for a speedup in [1, MaxSpeedup]. At 1 they are its
// defaults: rounds every minute, pods with a request within its bounds left alone for 12 hours, and 10 minutes in which a container
// that ran out of memory is noticed.
func UpdaterFlags(speedup float64) []string {
	return append(
		clientFlags(speedup),
		period("updater-interval", time.Minute, speedup),
		period("in-recommendation-bounds-eviction-lifetime-threshold", 12*time.Hour, speedup),
		period("evict-after-oom-threshold", 10*time.Minute, speedup),
	)
}

// period is a flag with a divided period.
func period(name string, production time.Duration, speedup float64) string {
	return fmt.Sprintf("--%s=%s", name, divided(production, speedup))
}

// clientFlags multiply VPA's default limits for requests to the API server, 50 and 100 a second.
func clientFlags(speedup float64) []string {
	rate := func(production float64) string { return strconv.FormatFloat(production*speedup, 'f', -1, 64) }
	return []string{"--kube-api-qps=" + rate(50), "--kube-api-burst=" + rate(100)}
}
