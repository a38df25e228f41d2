// Package patterns decides how many cores each service gets, so that several objectives on the end-to-end latency hold with the fewest
// cores in all, where the requests of each objective have patterns of calls with known shares. Times are seconds, CPU is in cores.
//
// # Problem
//
//	minimise Σ pods_i·x_i   so that, for every objective o,
//	Σ_c p_c·F_c(T_o; m(x)) >= percentile_o,   F_c(T_o; m(x)) >= floor_o for every pattern c,   lower_i <= x_i <= upper_i
//
// with F_c the distribution of pattern c (package predictor/callgraph/compose) and m_i(x_i) the mean of the variable time of a call of
// service i at x_i cores, falling and convex. A curve may know the shape of times by cores, too (Shaped). A service is one variable for all
// patterns and objectives. Only the mixture counts, so that a rare slow pattern may miss the target more often (Derm, ISCA'24); the floor
// keeps it from being given up.
//
// # Solution
//
// Every constraint is put as a quantile: q(m) <= T. At a point its derivatives s_ki by the means are exact (compose.QuantileSlopes), so
// that (with shapes that change, s_ki = ∂q/∂m_i + ∂q/∂shape_i·shape_i'(x)/m_i'(x), compose.QuantileShapeSlopes)
//
//	minimise Σ pods_i·x_i   so that   Σ_i s_ki·m_i·(m_i(x_i)/m_i)³/3 <= B_k for every constraint k
//
// has the value and the derivatives of the problem there, with B_k what the target less what is left of the quantile comes to in these
// units. (The cube, for a first power: a longer time weighs more, and steps of a sum of means would swing to and fro.) That problem is
// convex and separates by service for given multipliers: x_i minimises pods_i·x_i + Σ_k μ_k·s_ki·m_i·(m_i(x_i)/m_i)³/3. The multipliers
// maximise its concave dual, by Newton's method with a line search. Then the derivatives are taken at the new point, and so on, the steps
// combined as Anderson does, until nothing moves: there the optimality conditions (KKT) of the problem itself hold, and μ are its shadow
// prices. A quantile scales with the means, so that its first order is exact along the ray through the origin; that is why a dozen
// rounds do. 100 services with 10 objectives of two patterns of 15 services each take 22 ms, 63 ms if two services of each are at the same
// time, and a quarter more with shapes that change.
//
// That the quantile is convex is not proven (each mean is), so a local optimum that is not the global one cannot be excluded; at Derm's
// parameters random starts all led to one. Cores are rounded up to 10 millicores last, and steps taken off again that all constraints hold
// without: those first that save most for what they take of the constraints at their prices, until no service can do with a step less. That
// takes a quarter of the time again.
//
// # Correction and intervals
//
// Services are taken as independent. What dependence and bursts that hit all of them add to the observed percentile comes in as
// Objective.Tail: the median, or the mean of the logarithm, of the observed over the predicted percentile of windows at the allocations
// that were in use, and TailSpread, the standard deviation of that logarithm (predictor/application/learn). On services slowed together by
// a common factor of 40 % spread, an allocation for 95 % attains up to 8 points less without it, and within 0.5 with it (test/allocation).
//
// An outcome's interval adds, as variances of the logarithm of the percentile, TailSpread and for every service its Doubt times the share
// that its mean time has in the percentile, slope·mean/percentile (delta method). Drawn laws confirm 90 % within a point.
//
// # Priorities and hysteresis
//
// Package priority gives objectives curves of their own at the services they share. Settle keeps a previous allocation where a new one is
// not worth the change.
//
// # Limits
//
// Delays of the network between services, pods of a service that differ, and queues bounded by a pool of threads are not modelled.
package patterns
