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
// Nodes that all differ are groups of one. What they can hold is listed once for all that can hold the same (package pattern), so that the
// price of a pattern is computed once however many groups have it, and what is left of looking at a pattern of a group is a
// subtraction. The candidates of one look are then tried in turn and not chosen among anew for every step.
//
// # Precision
//
// Values closer than 1e-9 of the largest are equal. The basis is inverted anew every 64 pivots. After 30 pivots that move nothing
// Bland's rule takes over, which cannot cycle. The bound does not rest on any of that: it is computed from the prices by weak
// duality, and is valid for any prices.
//
// # What it reaches
//
// On the batches of Metis (SC'20), under the fitted model, means of 30: plans are 0.03 to 0.08 % below the bound on 81 nodes,
// 0.004 % on 729, and 0.23 % on 27 nodes that are 93 % full. A decision takes 7 to 20 ms of one processor in the median and 52 ms at most, all
// mixes valued anew (BenchmarkBatch).
//
// Where no two nodes are alike, with 7 classes and 3 to 8 slots left, 81 nodes have 74,000 patterns and take 65 to 75 ms, 729 nodes 250,000
// and 0.2 s, more than half of it the model's; both are proven, 0.06 and 0.001 % below the bound (BenchmarkAllDifferent).
// 729 such nodes with 1.2 to 1.6 million patterns are beyond Options.Patterns: 0.4 to 0.5 s, with no bound, and 0.5 to 0.7 % worse than the plan
// over all patterns, which takes twice as long even where values are remembered.
// 200 items on 1,000 nodes take 3 s, 30 items on 5,000 nodes in 500 groups 0.3 s (BenchmarkLarge);
// there the bound is loose or unknown, and the plan is 36 and 3 % better than placing one pod after the other.
//
// On 27 nodes what limits the plan is not rounding but what is known. Of the mixes in its plans there 97 % were measured;
// by the measurements that they were chosen by they are worth 1.002 a container, where the model predicted 0.987 (a new measurement
// will lie between) and the published simulator, which was trained on
// most of them, says 0.954: it smooths mixes of 8 containers away (mean error 3 %, R² 0.94 on mixes it mostly was trained on; the law, on mixes left
// out, 1.8 % and 0.98), and a search for the best finds those that it underrates. It is no judge of this scenario. An optimiser's curse was
// looked for and not found: plans over measured mixes only, each valued by a law that had not seen it, are worth 0.960 where
// 0.962 was predicted; and a fraction of a standard deviation to two off the value of unmeasured mixes changed what a parametric bootstrap
// (6 truths drawn around the fitted law, refitted, 10 batches) reached by 0.00 to +0.07 % with a standard error of 0.1 to 0.15 %, at 81/400 by
// −0.02 to 0.00 %.
//
// Equal problems get equal plans, and permuted ones as well, unless items differ only in what they do in threes. It is pure: no clock, no
// randomness of its own, effort counted in patterns and turns.
package configlp
