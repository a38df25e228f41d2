// Package search finds how to divide a node's resources among jobs that share it, some of which must meet a latency, by trying few
// divisions out: Bayesian optimisation after CLITE (Patel and Tiwari, HPCA 2020). It is for nodes marked canary with two or more dedicated
// latency-sensitive services: a division that is tried may hurt for as long as it is observed.
//
// A [Search] is asked for the next division ([Search.Ask]), which the caller puts in force and observes for 2 s, and told how each job did
// ([Search.Tell]). It starts with N+1 seeds for N jobs, an equal split and for each job one in which the others have a single unit of
// each resource. A latency-sensitive job that misses its latency even so, twice, makes the mix infeasible on this node, which is said
// ([Search.Infeasible]) so that the scheduler can be told. Then a Gaussian process with a Matérn 5/2 kernel is fitted to the
// scores ([Score]) and the division with the greatest expected improvement comes next, with the job that does best at the best division so
// far left at its part (dropout-copy). It ends when the expected improvement is below 1 % or after 30 observations, about a minute.
//
// Run it anew when the load or the mix changes. The package is pure: the random source is an argument.
package search
