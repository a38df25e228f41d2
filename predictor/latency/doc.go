// Package latency predicts how long a service takes for a call from its load and the CPU its pod can obtain, and what percentile a
// chain of such services adds up to. Times are seconds, CPU is in cores, work in core-seconds, load in calls per second and pod.
//
// # The law
//
//	Mean(load, cores) = Fixed + Stretch·S(load, cores)
//	S = Work/min(cores, 1) + (Work/cores)·ρ^(√(2(c+1))−1)/(1−ρ)·(1 + Burst/(1−ρ)²),  ρ = load·Work/cores,  c = max(1, cores)
//
// The first term of S is the work of one thread, which runs on one core at most; the second is Sakasegawa's approximation of the wait
// for c servers (Annals of the Institute of Statistical Mathematics 29, 1977). Up to one core S is exactly the sojourn time of
// M/G/1 processor sharing at that speed, Work/(cores − load·Work), whatever the distribution of work; above it is M/M/c within 2.6 %
// (test/latencylaw measures both on the plant), without Burst: that is the variance of the load within a window, in parts of its mean, where
// it stays up or down for longer than queues last. The mean of the wait over such loads, by calls, is to the second order
//
//	E[(1+δ)·ρ(1+δ)/(1−ρ(1+δ))] = ρ/(1−ρ)·(1 + Burst/(1−ρ)²),  E[δ²] = Burst,
//
// on one core; above, the order of ρ in the wait would add a little. Near saturation it is too much: queues do not fill while a burst
// lasts. The self time that Derm fits, rate = b − k·load, is the case of a fixed container.
//
// The cores are those that the pod gets when it wants them. On a node that others leave idle that is more than its request; with every
// other pod busy it is the request's share of the node, which is what sizing plans with (DESIGN 5, "a request is not CPU").
//
// S is convex and falls with cores (with Burst as well: up to one core it is a sum of products of falling convex functions, above it the
// factor is one, too), so minimising cores under a bound on a sum of means has one optimum (package recommender/allocate).
// Proof above one core, with a = load·Work and e = √(2(x+1)) − 1: the logarithm of the wait, −ln x − e·ln(x/a) − ln(1−a/x), has the second
// derivative (1 + e − 2e'x)/x² − e″·ln(x/a) + convex, and 1 + e − 2e'x = 2/√(2(x+1)) > 0, e″ < 0. At one core the slope jumps upward.
//
// # What is fitted
//
// Work is measured, CPU time over calls. Fit finds Fixed (waiting for what is not CPU: disks, network inside the span) and Stretch (work
// slowed by neighbours, more or fewer threads than the law assumes) from windows of observation. With few windows, or windows all
// alike, the two cannot be told apart: then their sum follows the data and the division the prior.
//
// Contrast says how much windows differed in what matters: below LeastContrast the division is the prior's guess, whatever their number.
// The prior counts as PriorWindows windows that differ from the law by DefaultSpread. Where they differ by less, each says more, and the
// prior counts less in proportion to the variance: on the plant, where windows differ by 6 %, a prior of full weight kept Stretch at 1
// where it was 1.2, and laws were up to a quarter low at utilisations above those of the windows.
//
// Around the mean a call's time is a constant and a Gamma distributed rest (Shape), the less even the busier the pod is (Growth). How far
// predictions were off in windows that had no part in a fit gives an interval that holds whatever the law's form (Margin).
//
// # Quantile
//
// The chains of this package (package callgraph/compose has whole patterns) take a call's variable time as exponential, which it is under
// first come, first served with exponential work and nearly is under processor sharing. The sum along a chain is matched by a Gamma
// distribution of the same mean and variance. Against the exact hypoexponential distribution of 5,000 chains of 2 to 5 stages its
// quantile errs, in per cent,
//
//	means in ratios up to    median        90th          95th          99th          99.9th percentile
//	1:2                      0 to 0.5      0 to 0.7      −0.1 to 0.1   −1.6 to 0     −3.9 to 0
//	1:100                    0 to 4.3      0 to 1.5      −1.0 to 0.1   −5.7 to 0     −10.4 to 0
//
// so it is too low far out, most where one stage of several is much the longest. Where the variance comes from stages that few requests
// visit, the match is rough, and below the median it is not meant to be used.
//
// # Not modelled
//
// Dependence between stages (a burst hits all), parallel calls (Visits counts what lies on the critical path), more than one replica with
// unequal load, queues bounded by a pool of threads. What of that shows in the observed percentile, the caller carries as a factor
// (recommender/allocate, field Tail).
package latency
