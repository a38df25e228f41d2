// Package distribution holds latency histograms as OpenTelemetry's metrics data model defines them, takes their differences, puts
// different ones together and reads quantiles out of them. It has no clock and no input or output.
//
// # Quantiles
//
// Several histograms, of whatever bounds and scales, stand together as a Mixture: every bucket spreads its count over its interval,
// evenly if it comes from explicit bounds and evenly in the logarithm if it is exponential. A quantile is the least value up to
// which there is that share of the count. Buckets that are open above count as beyond every number: a quantile that falls into one
// is the largest finite bound, so that the true one is at least that.
//
// # Intervals
//
// Rank bounds are those of order statistics, from the binomial distribution: they hold for any continuous distribution of
// independent values and say nothing of the width of buckets.
package distribution
