package rates

import (
	"math"
	"slices"
)

// Mean of numbers, 0 if there are none.
func Mean(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func overMean(x []float64) []float64 {
	m := Mean(x)
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / m
	}
	return out
}

// Moving is the mean over width values around each, fewer at the ends.
func Moving(x []float64, width int) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = Mean(x[max(0, i-width/2):min(len(x), i+width/2+1)])
	}
	return out
}

func overMoving(x []float64, width int) []float64 {
	smooth := Moving(x, width)
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / smooth[i]
	}
	return overMean(out)
}

// interpolate reads x at a place between its values; past the last it leads back to the first.
func interpolate(x []float64, at float64) float64 {
	i := int(at)
	part := at - float64(i)
	n := len(x)
	return (1-part)*x[i%n] + part*x[(i+1)%n]
}

// Median is the median of the numbers among x, NaN if there are none.
func Median(x []float64) float64 {
	s := slices.DeleteFunc(slices.Clone(x), math.IsNaN)
	if len(s) == 0 {
		return math.NaN()
	}
	slices.Sort(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
