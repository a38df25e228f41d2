// Package configlp decides where pods go that are placed together, and says how far from the best possible that may be.
//
// Pods that are alike are an Item, nodes that are alike a Group. What a node gains from the pods it is given is any function of their
// numbers: neighbours may hurt and help. Placing as many pods as fit comes first, then the sum of the gains.
//
// # Method
//
// A pattern is what one node of a group may hold. The configuration LP (Gilmore and Gomory 1961, for cutting stock) chooses how many nodes
// hold which pattern, in fractions; its optimum is a bound on every placement. It has a row for each item; the rows of the groups
// are generalised upper bounds, so that hundreds of them cost little (package master).
//
// Where Options.Patterns suffices to value all patterns of all groups, the bound is exact and Plan.Proven is true: 7 classes on
// 8 slots have 6,435. Otherwise the start is to place one pod after the other, which the plan is never worse than, and patterns that
// gain at the present prices are searched: pods are added and exchanged, those first that promise most by what they do alone and in pairs. With Group.Upper a branch and bound may still prove that there is none; if it
// does not end, or without Upper, the bound is what duality and Upper give, or +Inf.
//
// A placement is made from the solution by fixing what is whole, then the largest part, and solving the rest anew (diving). Pods
// left over go where they gain most, or where another can make room. Then six nodes at a time are taken apart and placed anew, over the
// patterns that lose little against the bound; where not all patterns are known, pods are moved and swapped as well.
//
// # Precision
//
// Values closer than 1e-9 of the largest are equal. The basis is inverted anew every 64 pivots. After 30 pivots that move nothing
// Bland's rule takes over, which cannot cycle. The bound does not rest on any of that: it is computed from the prices by weak
// duality, and is valid for any prices.
//
// # What it reaches
//
// On the batches of Metis (SC'20), under the published simulator, means of 30: plans are 0.03 to 0.05 % below the bound on 81 nodes,
// 0.005 % on 729, and 0.13 % on 27 nodes that are 93 % full; a decision takes 8 to 30 ms on a busy machine (BenchmarkBatch). 200 items on
// 1,000 nodes take seconds, 30 items on 5,000 nodes in 500 groups half a second, in 5,000 groups three (BenchmarkLarge and alike);
// there the bound is loose or unknown, and the plan is 36, 3 and 1.6 % better than placing one pod after the other.
//
// Equal problems get equal plans, and permuted ones as well, unless items differ only in what they do in threes. It is pure: no clock, no
// randomness of its own, effort counted in patterns and turns.
package configlp
