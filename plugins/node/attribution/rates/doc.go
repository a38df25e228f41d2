// Package rates decides what a container did since its last reading: it makes rates of counters that only grow, leaves out what cannot be,
// and gives the signals that package bars has bars for.
//
// What is not known is nil, and not a number among signals. It is pure: elapsed time is an argument.
package rates
