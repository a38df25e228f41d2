// Package canary tries out, on a node whose owner allows it, other divisions of cache ways and memory bandwidth between the partitions of
// several latency-sensitive services, where the control law has taken from batch work all that it can and set-points are still missed.
//
// A [Machine] is called once a second with what the node shows ([Input]) and says which shares are to be in force ([Decision]). It begins
// where at least two partitions have services with set-points, the mean slack of one over the last 30 s is below 0 with batch at its
// minimum all the time, and no search ended within the last 10 minutes, unless the load of one changed since. Another mix of services waits
// for the same pause, and at most 6 searches begin within an hour, whatever changed.
//
// What is divided is what the spec gives to these partitions, and what batch gave up; every partition keeps the machine's least. Trials
// come from package search: the equal split first, then for each partition nearly all, then what the model of the services finds worth
// trying. A trial takes 4 s: 2 s to settle, since lines of a cache are not flushed when masks change but decay, and 2 s of observation,
// CLITE's; 6 s to settle where a service was over by more than half in the trial before, since it has a backlog to work off. At most 30
// trials are made; on the test's machines a search takes 10 of them in the mean, and 55 s. The search ends
//
//   - early, where the equal split leaves all services a slack of 0.05, the line that the law defends, or another division one of 0.20,
//     from which on the law gives batch something again;
//   - where the expected improvement is below 1 %, or no trial is left;
//   - at the seed that shows that a service misses its set-point even with nearly all.
//
// The best division is tried a second time before it is believed, since the best of thirty noisy readings is mostly a lucky one. It stays
// where it meets all set-points, or scores better than the start by 0.05, a tenth of the score of a mix that just meets them. Otherwise the
// start comes back; from the second time in a row on, the next search has to wait twice as long. Where a set-point is still missed, [Decision.Infeasible] says so for the
// scheduler, until all have been met for 30 s.
//
// The start also comes back, at once, where a partition has no reading for 6 s, where services come or go, where batch's share or the
// machine's change, and where the shares cannot be put in force. What was found stays in force until services come or go or the spec
// changes. As batch gets back ways or bandwidth by the law, those give them that have most above what the spec gives them.
//
// Of the greedy split by miss-rate curves that may come before CLITE only the equal split is made: no curves are recorded. Batch is no
// job of the search: it is held at its minimum, where its progress says nothing about its cache.
//
// The package is pure: no file, clock, logger or goroutine. Randomness comes from the seed given to [New]; equal calls give equal decisions.
package canary
