// Package application holds what is known of an application, and predicts from it how long its requests take: its services with the law
// of their latency, and the patterns of calls of each entry. It is what `ballast graph fit` writes and `ballast allocate` reads.
//
// # The time of a call
//
// A call of a service takes what its caller sees of it without the calls that it waits for itself: the service's own work, the wire,
// proxies, and waiting for the service before it begins. Its mean follows the law of package latency,
//
//	Mean(load, cores) = Fixed + Stretch·S(load, cores; Work)
//
// Shift of it is constant, and the rest has a Gamma distribution with Shape where the service is as it was observed; the busier its pods, the
// less even times are (latency.Law.Growth, with the strength Growth). Shift is not Fixed: Fixed is what CPU does not change, and that
// may well vary.
//
// # Operations
//
// CPU belongs to a service, not to its operations, so that they have one law. What differs is the Size: the mean time of a call of the
// operation over that of the service. A call takes Size times a call of the service, mean, constant part and standard deviation; load is
// counted in calls of size 1, too, so that a change of the mix of operations is a change of load. Operations without a size of their own
// (they were seen too rarely) have 1.
//
// # From patterns to parts
//
// A pattern's tree of calls (package learn makes it) is what package compose takes: what follows each other is a series, branches side by side are parallel, and
// calls that nobody waits for are left out. A call that is there several times in a bucket (3–4, 5–8) stands with the mean count that
// was observed. Calls of a size other than 1 are separate draws (compose.Part.Alike), at most MostDraws; a mean count of 2.4 is two
// draws of 1.2 sizes.
//
// # End to end
//
// Entry.Tail is what the observed percentile was over the predicted one: what dependence between services, staggered branches and the
// shape of the laws add. TailSpread is the standard deviation of its logarithm over windows that had no part in the fit.
//
// Times are seconds, CPU is in cores, work in core-seconds, rates per second.
package application
