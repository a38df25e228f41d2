package hindsight

import (
	"fmt"
	"math"
	"slices"
)

// mostRate bounds a rate of requests per second: beyond, something is wrong with where it comes from.
const mostRate = 1e9

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
}

// Clone returns a record that shares nothing with another.
func Clone(r *Record) Record {
	return Record{Rates: slices.Clone(r.Rates), Ratios: slices.Clone(r.Ratios), Ahead: slices.Clone(r.Ahead), Coverage: r.Coverage}
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
	if !r.Coverage.Sound() {
		return fmt.Errorf("field Coverage is %+v, expected numbers of at least 0 and shares of at most 1", r.Coverage)
	}
	return nil
}
