// Package separable decides how many cores each service gets, so that constraints hold that are sums over services:
//
//	minimise Σ pods_i·x_i   so that   Σ_c slopes_kc·time_c(x) <= bound_k for every k,   min_i <= x_i <= max_i
//
// where each time depends on the cores of one service and is convex. It is the first order of the problem of package patterns, at a point.
package separable
