package hindsight

import (
	"fmt"
	"math"
	"slices"
)

// mostRate bounds a rate of requests per second: beyond, something is wrong with where it comes from.
const mostRate = 1e9

// Outsides is the number of windows that Outside looks at; mostOutside bounds their seconds as mostRate does rates.
const (
	Outsides    = 5
	mostOutside = 1e9
)

// Outside is the time, in seconds, that a request spends outside the services that are sized: the median over windows, 0 without. A jump counts
// from the third window on and nothing in between does, so that an outage elsewhere is not met half-way, with CPU.
func Outside(windows []float64) float64 {
	if len(windows) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(windows))
	return sorted[len(sorted)/2]
}

// Record is what is kept of past windows, oldest first, and how often what was said of them held. It has no methods, so that a larger
// record can embed it.
type Record struct {
	// Rates are of windows with requests.
	Rates []Rate `json:"rates,omitempty"`
	// Ratios are to what was predicted at the load that there was, Ahead at the load that had been expected as far ahead as decisions are
	// published.
	Ratios   []Ratio  `json:"ratios,omitempty"`
	Ahead    []Ratio  `json:"ahead,omitempty"`
	Coverage Coverage `json:"coverage,omitzero"`
	// Outside is the seconds that requests spent in no service that is sized, of the last windows with traces.
	Outside []float64 `json:"outside,omitempty"`
}

// Clone returns a record that shares nothing with another.
func Clone(r *Record) Record {
	return Record{
		Rates: slices.Clone(r.Rates), Ratios: slices.Clone(r.Ratios), Ahead: slices.Clone(r.Ahead), Coverage: r.Coverage,
		Outside: slices.Clone(r.Outside),
	}
}

// Check reports the first field that cannot have come from observing, or that has more than is ever kept.
func Check(r *Record) error {
	if len(r.Rates) > Rates || max(len(r.Ratios), len(r.Ahead)) > Ratios {
		return fmt.Errorf("fields Rates, Ratios and Ahead have %d, %d and %d entries, expected at most %d, %d and %d",
			len(r.Rates), len(r.Ratios), len(r.Ahead), Rates, Ratios, Ratios)
	}
	for i, x := range r.Rates {
		if !(x.PerSecond > 0 && x.PerSecond <= mostRate) {
			return fmt.Errorf("field Rates[%d] is %v per second, expected a number in (0, %v]", i, x.PerSecond, mostRate)
		}
	}
	if !slices.IsSortedFunc(r.Rates, func(a, b Rate) int { return a.Time.Compare(b.Time) }) {
		return fmt.Errorf("field Rates is not in the order of time")
	}
	for i, x := range slices.Concat(r.Ratios, r.Ahead) {
		if !(math.Abs(x.Log) < 100 && math.Abs(x.Off) < 100) {
			return fmt.Errorf("ratio %d of fields Ratios and Ahead is %+v, expected logarithms in (-100, 100)", i, x)
		}
	}
	if len(r.Outside) > Outsides || slices.ContainsFunc(r.Outside, func(x float64) bool { return !(x >= 0 && x <= mostOutside) }) {
		return fmt.Errorf("field Outside is %v, expected at most %d numbers of seconds in [0, %v]", r.Outside, Outsides, mostOutside)
	}
	if !r.Coverage.Sound() {
		return fmt.Errorf("field Coverage is %+v, expected numbers of at least 0 and shares of at most 1", r.Coverage)
	}
	return nil
}
