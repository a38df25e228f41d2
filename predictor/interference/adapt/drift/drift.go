// Package drift tells a change from noise: a two-sided CUSUM test on how far measurements lie from what was predicted.
//
// Each deviation, in standard deviations of its prediction, is cut to ±Most, so that no single failed run raises an alarm; what exceeds the Slack
// in one direction is summed, never below 0; a sum beyond Limit is an alarm. A change of half a standard deviation or less is left to
// ordinary learning; one of a standard deviation is found after 28 measurements in the mean, one of two after 11, a large one after 9 (more
// than Limit over Most less Slack).
//
// While nothing changes and deviations are standard normal there is one false alarm in about two million measurements (simulated; without the cut
// it would be one in half a million by Siegmund's formula, (exp(2kb) − 2kb − 1)/2k² with k = Slack and b = Limit + 1.166, halved for two sides).
package drift

// The test's numbers, in standard deviations.
const (
	Most  = 2.0
	Slack = 0.5
	Limit = 12.0
)

// Test is the running sums of deviations above and below what was predicted. The zero value has seen nothing.
type Test struct{ Above, Below float64 }

// Direction is which way a class changed.
type Direction int

// The directions.
const (
	Same   Direction = 0
	Better Direction = 1
	Worse  Direction = -1
)

// Cut bounds a deviation to ±Most.
func Cut(deviation float64) float64 { return min(max(deviation, -Most), Most) }

// Add takes one deviation, (measured − predicted) over the standard deviation of the prediction, and says whether that is a change; if so, the sums
// start anew.
func (t *Test) Add(deviation float64) Direction {
	d := Cut(deviation)
	t.Above, t.Below = max(t.Above+d-Slack, 0), max(t.Below-d-Slack, 0)
	found := Same
	switch {
	case t.Above > Limit:
		found = Better
	case t.Below > Limit:
		found = Worse
	}
	if found != Same {
		*t = Test{}
	}
	return found
}
