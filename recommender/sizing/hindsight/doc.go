// Package hindsight says what past windows tell of the next: which rate of requests to size for (Plan), by what factor an observed
// percentile exceeds the predicted one (Calibrate, Expect), what a call costs (Meter), whether less has been enough for long enough
// (Settling), how often such statements held (Coverage), and what share of requests was in time (Attainment).
//
// Rates and percentiles are quantiles of ratios seen in past windows, newer ones weighing more, in the way of split-conformal prediction (Vovk et
// al.; DESIGN 5): the ratio of a window is that to a prediction made before it, so a quantile holds for the next window as often as its
// level says, whatever the form of the errors, as long as the next window is like the past ones. Until there are windows, a wide prior
// stands in.
package hindsight
