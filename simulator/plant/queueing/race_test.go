//go:build race

package queueing

// Under the race detector everything takes about ten times as long: a fifth of the requests, and three times the tolerance, since the
// standard error grows with the square root. The claim of 2 % rests on the run without.
const effort, tolerance = 1.0 / 5, 0.06
