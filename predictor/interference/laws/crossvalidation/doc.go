// Package crossvalidation decides what the errors of laws on mixes that they never saw say: how wide the interval of a prediction has to be to
// hold 90 % of new measurements, and how accurate a model is.
//
// Performances are relative, 1 = alone; errors of intervals are in standard deviations of ln(performance). Nothing is rounded here.
package crossvalidation
