// Package guard is the arithmetic of Heracles' DRAM limit: how much bandwidth of a cache domain batch work may take beside the
// latency-sensitive services. Bandwidths are in 10^6 bytes a second.
//
// The package is pure: no file, clock, logger, goroutine or randomness.
package guard

import "fmt"

// The limit is 0.90 of the peak. Growth stops earlier, so that what it gives is not taken again at once.
const (
	guardLine = 0.90
	growLine  = 0.85
)

// Domain is a cache domain whose memory bandwidth is measured.
type Domain struct {
	// ID of the cache.
	ID int
	// Peak is what it can deliver, more than 0. Batch is what batch work takes, Latency what all others take, both at least 0.
	Peak, Latency, Batch float64
}

// Part is the part of its bandwidth that batch may keep, 0 to 1, and the domain that asks for it: the least of max(0, 0.90 peak - BW_lc) /
// BW_be. It is 1 where no domain is above 0.90 of its peak.
func Part(domains []Domain) (part float64, worst Domain) {
	part = 1
	for _, d := range domains {
		if d.Latency+d.Batch <= guardLine*d.Peak || d.Batch <= 0 {
			continue
		}
		if f := max(0, guardLine*d.Peak-d.Latency) / d.Batch; f < part {
			part, worst = f, d
		}
	}
	return part, worst
}

// String says how a domain stands that is above the limit.
func (d Domain) String() string {
	return fmt.Sprintf("domain %d: %.0f MB/s of latency and %.0f MB/s of batch are %.0f %% of the peak of %.0f MB/s, more than 90 %%",
		d.ID, d.Latency, d.Batch, 100*(d.Latency+d.Batch)/d.Peak, d.Peak)
}

// Room says whether batch's bandwidth may grow by a factor: to 0.85 of the peak. A domain that is not listed does not forbid it.
func Room(domains []Domain, factor float64) bool {
	for _, d := range domains {
		if d.Latency+d.Batch*factor > growLine*d.Peak {
			return false
		}
	}
	return true
}

// Sum adds up all bandwidth and all peaks.
func Sum(domains []Domain) (sum, peak float64) {
	for _, d := range domains {
		sum, peak = sum+d.Latency+d.Batch, peak+d.Peak
	}
	return sum, peak
}
