// Package hotel is the application of the demonstration and of the comparison over days: eight services in the shape of Hotel
// Reservation from DeathStarBench (Gan et al., ASPLOS 2019), with their replicas, their machines, the requests a developer would guess,
// and the objective. Times are seconds, CPU is in cores, work in core-seconds on a core that the pod has to itself.
//
// # Shape
//
// Who calls whom, and in which order, is that of the suite's Go programs. A search asks the geographic index, then the rates, one after
// the other; the front end then checks availability, then fetches the profiles. Each service has its cache and its database inside: what
// memcached and MongoDB compute for a service is its own CPU here, and a cache miss costs more work and a wait for the disk.
//
//	GET /hotels            frontend → search → geo, rate;  → reservation;  → profile     (cached | uncached)
//	GET /recommendations   frontend → recommendation;  → profile                       (cached | uncached)
//	POST /reservation      frontend → user;  → reservation
//	POST /user             frontend → user
//
// # Numbers
//
// Measured bound: in the windows that Cilantro (OSDI 2023) published of this application, 93 pods of one core served 3,000 requests a
// second with a p99 of 107 to 119 ms, so a request takes at most 31 ms of CPU in all, stores, tracing and discovery included, and the
// store of the profiles needs most. Chosen within that bound: 21 ms a request, by service as in application.go. At autothrottle's noisy
// trace (157 a second in the mean) times RateMultiplier that is 6.4 cores in 20 pods of 0.12 to 0.5 cores each.
//
// Chosen, too: the shares of the operations (the suite's own script sends the user service half a percent, which would leave it idle),
// the distributions of work (log-normal: most calls short, a few long), network delays of a data centre, and the cost of starting.
//
// # Interference
//
// Interference gives the truth about neighbours for those who want one: the services are of two workload classes, and a third is batch
// work that streams through memory.
package hotel
