package attribution

import (
	"fmt"
	"math"
	"strconv"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// percent writes a share.
func percent(share float64) string { return strconv.Itoa(int(math.Round(100*share))) + " %" }

// against sets the latest readings of a signal against their bar.
func against(last []moment, s bars.Signal) string {
	bar := medianBar(last, s, func(b bars.Bar) float64 { return b.Bound(s) })
	return fmt.Sprintf("%s %s against a bar of %s at %s", s, s.Format(medianValue(last, s)), s.Format(bar), deciles(last))
}

// deciles writes the CPU utilisation of some readings.
func deciles(last []moment) string {
	low, high := bars.Deciles, 0
	for i := range last {
		low, high = min(low, last[i].decile), max(high, last[i].decile)
	}
	if high == bars.Deciles-1 {
		return fmt.Sprintf("%d %% use or more", 10*low)
	}
	return fmt.Sprintf("%d-%d %% use", 10*low, 10*(high+1))
}

// memoryText says what bears out that a resource makes instructions slow.
func memoryText(last []moment, r Resource) string {
	s := bars.MPKI
	switch r {
	case MemoryBandwidth:
		s = bars.MSPKI
	case LLC:
	default:
		return ""
	}
	usual := medianBar(last, s, func(b bars.Bar) float64 { return b.Usual })
	return fmt.Sprintf("%s %s, usually %s", s, s.Format(medianValue(last, s)), s.Format(usual))
}

// throttling writes how often a container's own limit stopped it.
func throttling(last []moment) string {
	return "in " + percent(median(last, func(m *moment) float64 { return m.throttled })) + " of its periods"
}
