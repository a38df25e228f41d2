package hindsight

import (
	"fmt"
	"math"
	"slices"
)

// mostRate bounds a rate of requests per second: beyond, something is wrong with where it comes from.
const mostRate = 1e9

// Check reports the first of stored rates and ratios that cannot have come from observing, or that there are more than are ever kept.
func Check(rates []Rate, ratios ...[]Ratio) error {
	if len(rates) > Rates {
		return fmt.Errorf("%d rates, expected at most %d", len(rates), Rates)
	}
	for i, r := range rates {
		if !(r.PerSecond > 0 && r.PerSecond <= mostRate) {
			return fmt.Errorf("rate %d is %v per second, expected a number in (0, %v]", i, r.PerSecond, mostRate)
		}
	}
	if !slices.IsSortedFunc(rates, func(a, b Rate) int { return a.Time.Compare(b.Time) }) {
		return fmt.Errorf("rates are not in the order of time")
	}
	for _, list := range ratios {
		if len(list) > Ratios {
			return fmt.Errorf("%d ratios, expected at most %d", len(list), Ratios)
		}
		for i, r := range list {
			if !(math.Abs(r.Log) < 100 && math.Abs(r.Off) < 100) {
				return fmt.Errorf("ratio %d is %+v, expected logarithms in (-100, 100)", i, r)
			}
		}
	}
	return nil
}
