package hindsight

import (
	"fmt"
	"math"
)

// Coverage says how often past forecasts held, with weights that halve in a day of minutes.
type Coverage struct {
	// Forecasts is the effective number of planned loads looked back on, Load the share of them that was not exceeded: planLevel, or a
	// little more, is honest.
	Forecasts float64 `json:"forecasts"`
	Load      float64 `json:"load"`
	// Intervals is the same of intervals of the percentile that were published and whose requests were there in time, Percentile the share
	// of them that held the observed one: 0.9 is honest.
	Intervals  float64 `json:"intervals"`
	Percentile float64 `json:"percentile"`
}

const coverageKeep = 0.9995188 // 2^(−1/1440)

// AddLoad counts a planned load looked back on.
func (c *Coverage) AddLoad(held bool) { count(&c.Forecasts, &c.Load, held) }

// AddPercentile counts an interval looked back on.
func (c *Coverage) AddPercentile(held bool) { count(&c.Intervals, &c.Percentile, held) }

func count(n, share *float64, held bool) {
	hits := coverageKeep * *n * *share
	if held {
		hits++
	}
	*n = coverageKeep**n + 1
	*share = hits / *n
}

// String says it in words.
func (c Coverage) String() string {
	return fmt.Sprintf("load within plan in %.0f %% of %.0f windows, percentile within interval in %.0f %% of %.0f",
		100*c.Load, c.Forecasts, 100*c.Percentile, c.Intervals)
}

// Sound says whether the numbers can have come from counting.
func (c Coverage) Sound() bool {
	counted := func(n, share float64) bool { return n >= 0 && !math.IsInf(n, 1) && share >= 0 && share <= 1 }
	return counted(c.Forecasts, c.Load) && counted(c.Intervals, c.Percentile)
}
