//go:build !race

package queueing

// effort scales the number of requests of the statistical tests, tolerance is the relative error that they allow.
const effort, tolerance = 1.0, 0.02
