// Package allocate decides how many cores each service on the way of a request gets, so that a percentile of the request's time stays
// within its target with the fewest cores in all. Times are seconds, CPU is in cores, load in calls per second and pod.
//
// # Problem
//
//	minimise Σ pods_i·x_i   so that   Tail·q(T_1(x_1), ..., T_n(x_n)) <= Target,   lower_i <= x_i <= upper_i
//
// with T_i the law of package predictor/latency and q its quantile of the sum. Tail is what the observed percentile was over the
// predicted one. Lower bounds are the caller's Min, 10 millicores, and the load at which the law is no longer trusted (latency.Busiest):
// without the last, a lax target would lead to a pod one per cent below overload. The upper bound is the caller's Max or, if that is less,
// where waiting for CPU has fallen to 1 % of the work: more cores bring nothing.
//
// # Solution
//
// For given weights w_i of the stages, the cores that minimise Σ pods_i·x_i + μ·Σ w_i·T_i are found one service at a time, because the sum
// separates, and each T_i is convex, so that bounds only clip. Up to one core T = A + B/(x − a), a = load·Work, and
//
//	x_i = a_i + √(μ·w_i·B_i/pods_i)
//
// (Kleinrock's square root assignment; reference for its use here: the chain rule of Erms, ASPLOS 2023). If the sum of means were
// bounded by M, √μ would be Σ√(pods_i·w_i·B_i)/(M − Σ w_i·A_i). Above one core the same condition, −μ·w_i·T_i'(x_i) = pods_i, is solved
// by a root search. All x_i grow with μ, so the μ at which the percentile meets the target is found by a root search, too.
//
// The first weights are the visits: that is the least CPU for a bounded mean. A percentile is moved more by long stages, which carry
// its variance; so the weights become the derivatives of the percentile at the solution until they no longer change. This is then the
// optimality condition (KKT) of the percentile itself. On random chains that saves only 0.1 to 0.2 % of the cores in the mean and
// 2.4 % at most; what it is for is that shadow price and sensitivities are those of the percentile.
//
// Cores are rounded up to 10 millicores last, so that the result is within the target, not at it.
//
// # Limits
//
// That the percentile is convex is not proven (each mean is); the tests compare with random changes near and far. The Gamma match behind
// q errs by up to 6 % at the 99th percentile to the low side, which Tail, once learned, takes up.
package allocate
