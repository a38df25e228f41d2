// Command replay compares recommenders of CPU requests over days, in one process, on a logical clock and without an API server: the
// stock recommender of the Vertical Pod Autoscaler through its own packages, Ballast's sizing on top of the same, and requests that
// never change.
//
//	go run ./test/replay                    # six seeds, two days each: an hour of CPU
//	go run ./test/replay -seeds 1 -hours 6  # minutes
//
// # What is compared
//
// The application of package hotel runs request by request on package queueing, on nodes that batch work fills: on each node an elastic
// batch pod requests what the application leaves of 96 % of the cores and has threads enough to burn all of them, so that a pod gets no
// more CPU than its request is worth. It yields at once where the application grows. CPU is shared by weight and is work-conserving.
// There are no limits.
//
// Each minute both arms see the window that ended a minute ago: usage of CPU and memory per pod, and, Ballast only, requests,
// percentile, calls and spans of a sample of the requests. Each then gives target, lower and upper bound per service, on which one of
// two rules acts:
//
//	updater  the updater's own code decides (outside of the bounds, or 12 h old and off by a tenth); in place, one pod of a service a minute,
//	         as its disruption budget has it (minReplicas 2, tolerance 0.5)
//	at once  every pod of a service gets the target, at most one change in five minutes
//
// A resize that the node has no room for is deferred and tried again. Nothing is evicted.
//
// # Time
//
// Eight days of history come first, both arms alike. They are computed, not simulated: usage = rate × work per request, divided among
// the replicas, with the noise of a minute's calls, capped by nothing. Then the plant runs: some hours in which the arms act but are not
// judged, from the developer's requests on, then the judged days, every request of them.
//
// # Arms
//
//	guess    the developer's requests
//	static   the least constant requests that meet the objective on this trace, found afterwards
//	oracle   the least that follow the rate of each minute, known before it comes, found afterwards
//	stock    the stock recommender with its defaults
//	tuned    its cheapest target percentile and margin that meet the objective on this trace, found afterwards
//	matched  its cheapest that reach Ballast's attainment on this trace, found afterwards
//	ballast  sizing, with the stock recommender's memory
//
// The guess and what is found afterwards are judged on one minute in ten, end to end, with the requests that the rule would have set by
// then. The half-life is not swept: it is one per process.
package main
