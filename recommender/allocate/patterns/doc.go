// Package patterns decides how many cores each service gets, so that several objectives on the end-to-end latency hold with the fewest
// cores in all, where the requests of each objective have patterns of calls with known shares. Times are seconds, CPU is in cores.
//
// # Problem
//
//	minimise Σ pods_i·x_i   so that, for every objective o,
//	Σ_c p_c·F_c(T_o; m(x)) >= percentile_o,   F_c(T_o; m(x)) >= floor_o for every pattern c,   lower_i <= x_i <= upper_i
//
// with F_c the distribution of pattern c (package predictor/callgraph/compose) and m_i(x_i) the mean of the variable time of a call of
// service i at x_i cores, falling and convex. A service is one variable for all patterns and objectives. Only the mixture counts, so that
// a rare slow pattern may miss the target more often (Derm, ISCA'24); the floor keeps it from being given up.
//
// # Solution
//
// Every constraint is put as a quantile: q(m) <= T. At a point its derivatives by the means are exact (compose.QuantileSlopes), so that
//
//	minimise Σ pods_i·x_i   so that   Σ_i s_ki·m_i(x_i) <= B_k for every constraint k
//
// is its first order, with B_k the target less what is left of the quantile. That problem is convex and separates by service for given
// multipliers: x_i minimises pods_i·x_i + (Σ_k μ_k·s_ki)·m_i(x_i). The multipliers are found by Newton's method on the logarithms of μ
// and of the sums, which are near powers of each other. Then the derivatives are taken at the new point, and so on until nothing moves:
// there the optimality conditions (KKT) of the problem itself hold, and μ are its shadow prices. A quantile scales with the means, so
// that its first order is exact along the ray through the origin; that is why a dozen rounds do.
//
// That the quantile is convex is not proven (each mean is), so a local optimum that is not the global one cannot be excluded; at Derm's
// parameters random starts all led to one. Cores are rounded up to 10 millicores last.
//
// # Limits
//
// Services are taken as independent; what correlation, parallel bursts and the shape of the law add to the observed percentile comes in
// as Objective.Tail.
package patterns
